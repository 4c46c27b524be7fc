"""Any number is kept as what it is; what cannot be read costs that one field, and little time."""

import math
import struct
import time
from collections import OrderedDict, defaultdict, deque
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import partial
from types import MappingProxyType, SimpleNamespace

import numpy as np
import pytest
import torch

from autotrack import current
from autotrack.client import Client
from autotrack.run import LONG
from autotrack.testing import recorded, recording, said
from autotrack.values import BUDGET


def kept(value, step=None):
    """The point that a value becomes."""
    with recording() as record:
        with current.start("mine") as run:
            run.metric("value", value, step)
            run.metrics({"value": value}, step)
        first, second = record.run.points
        assert repr((first.value, first.step)) == repr((second.value, second.step))
        return first, record.run


NUMBERS = [
    (1, 1.0), (True, 1.0), (False, 0.0), (0.1, 0.1), (-0.0, -0.0), (Decimal("0.1"), 0.1), (Fraction(1, 4), 0.25),
    (math.inf, math.inf), (-math.inf, -math.inf), (math.nan, math.nan), (Decimal("Infinity"), math.inf),
    (Decimal("NaN"), math.nan), (Decimal("1e400"), math.inf), (5e-324, 5e-324), (2**53, 2.0**53),
]  # fmt: skip


@pytest.mark.parametrize(("value", "number"), NUMBERS, ids=repr)
def test_a_number_is_kept(value, number):
    """To the bit of its float64."""
    assert struct.pack("<d", kept(value)[0].value) == struct.pack("<d", number)


NUMPY = [np.dtype(code) for code in np.typecodes["AllInteger"] + "efdg?"]


@pytest.mark.parametrize("dtype", sorted(set(NUMPY), key=str), ids=str)
def test_numpy_scalars_and_arrays_of_one_element(dtype):
    """Of every dtype that is a number."""
    for value in (dtype.type(1), np.array(1, dtype), np.array([1], dtype), np.array([[1]], dtype)):
        assert kept(value)[0].value == 1.0
    assert kept(3.5, step=dtype.type(1))[0].step == 1


def torch_scalars():
    """One of each dtype that torch itself can give as a Python number."""
    for dtype in sorted({value for value in vars(torch).values() if isinstance(value, torch.dtype)}, key=str):
        if dtype.is_complex:
            continue
        try:
            value = torch.ones(()).to(dtype)
            value.item()
            yield value
        except (RuntimeError, NotImplementedError, TypeError):
            continue


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("value", list(torch_scalars()), ids=lambda value: str(value.dtype))
def test_torch_scalars(value):
    """Of every dtype."""
    assert kept(value)[0].value == float(value.item())


def test_a_tensor_that_requires_a_gradient():
    """As a loss is, in the midst of training."""
    loss = (torch.ones(3, requires_grad=True) * 2).sum()
    assert kept(loss)[0].value == 6.0
    assert loss.requires_grad


@pytest.mark.parametrize("value", [2**53 + 1, -(2**53) - 1, 2**63, 10**30, np.uint64(2**64 - 1), 2**2000])
def test_an_integer_beyond_a_float64_keeps_its_text(value):
    """The point holds the nearest float64, or infinity."""
    point, run = kept(value)
    assert run.exact == [str(int(value))] * 2
    assert point.value == (float(value) if value < 2**1000 else math.inf)


def test_a_late_integer_beyond_a_float64_keeps_its_text_too():
    """A score that is added after the end."""
    with recording() as record:
        run = current.start("mine")
        run.end()
        run.metric("value", 2**60 + 1)
        run.metrics({"value": 2**60 + 2})
    assert record.run.exact == [str(2**60 + 1), str(2**60 + 2)]
    assert [point.late for point in record.run.points] == [True, True]


STEPS = [
    (None, 0), (0, 0), (-5, -5), (7, 7), (True, 1), (2.0, 2), (0.5, 0.5), (-1e300, -1e300), (2**63 - 1, 2**63 - 1),
    (-(2**63), -(2**63)), (2**63, 2.0**63), (math.inf, math.inf), (np.int32(4), 4), (np.float32(0.5), 0.5),
    (Decimal("1.5"), 1.5), (Fraction(1, 2), 0.5), (torch.tensor(3), 3), (np.array([2]), 2),
]  # fmt: skip


@pytest.mark.parametrize(("step", "expected"), STEPS, ids=repr)
def test_a_step_is_any_number(step, expected):
    """Whole ones as integers, others as they are."""
    found = kept(1.0, step)[0].step
    assert (found, type(found)) == (expected, type(expected))


def test_steps_come_in_any_order_and_more_than_once(store):
    """The latest is the one with the greatest step."""
    with current.start("mine") as run:
        for step, value in [(3, 0.3), (1, 0.1), (2.5, 0.25), (3, 0.4), (-1, 0.0)]:
            run.metric("loss", value, step)
    client = Client(store)
    assert sorted(point.step for point in client.get_metric_history(run.run_id, "loss")) == [-1, 1, 2.5, 3, 3]
    assert client.get_run(run.run_id).data.metrics == {"loss": 0.4}


@pytest.mark.lenient
@pytest.mark.parametrize(
    "value",
    [
        None,
        "0.5",
        b"1",
        1j,
        object(),
        [1],
        {},
        np.array([1, 2]),
        torch.ones(2),
        np.datetime64("2026-01-01"),
        np.str_("1"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_number_costs_that_value(value):
    """One warning; the other values of the batch are kept."""
    with recording() as record, said() as lines, current.start("mine") as run:
        run.metric("wrong", value)
        run.metrics({"before": 1, "wrong": value, "after": 2})
    assert record.run.metrics == {"before": [1.0], "after": [2.0]}
    assert len(lines) == 1


KEYS = [
    "plain",
    "with space/slash",
    "a\0b",
    "\ud800 lone",
    "日本語",
    "🎉",
    "%s",
    "..",
    "/",
    "a/../b",
    "",
    "k" * 300,
    "日" * 200,
    "\n",
]


@pytest.mark.parametrize("long", [False, True], ids=["short", "long"])
def test_keys_of_any_characters(long, store):
    """Of metrics, parameters and tags, also with a value that becomes a file."""
    value = "x" * (LONG + 1) if long else "x"
    with current.start("mine") as run:
        run.metrics(dict.fromkeys(KEYS, 1.0))
        run.params(dict.fromkeys(KEYS, value))
        run.tags({f"tag {key}": value for key in KEYS})
    (found,) = recorded(store)
    assert found.metrics == {key: [1.0] for key in KEYS}
    assert set(found.params) == set(KEYS)
    assert {key for key in found.tags if key.startswith("tag ")} == {f"tag {key}" for key in KEYS}
    if long:
        assert all(found.file(path).read_text() == value for path in found.artifacts)
        previews = [*found.params.values(), *(found.tags[f"tag {key}"] for key in KEYS)]
        assert all(preview.partition("whole in artifact ")[2].rstrip("]") in found.artifacts for preview in previews)


def test_keys_that_are_no_text():
    """Their text is the key."""
    with recording() as record, current.start("mine") as run:
        run.params({1: "one", None: "none", ("a", 1): "pair"})
        run.metrics({1: 1.0})
    assert record.run.params == {"1": "one", "None": "none", "('a', 1)": "pair"}
    assert record.run.metrics == {"1": [1.0]}


def test_a_long_parameter_is_kept_whole(store):
    """A megabyte is a file, and a preview stands in its place."""
    text = "".join(chr(97 + number % 26) for number in range(1 << 20)) + "\ud800é"
    with current.start("mine") as run:
        run.params({"prompt": text, "short": "x"})
    (found,) = recorded(store)
    preview = found.params["prompt"]
    (path,) = found.artifacts
    assert found.file(path).read_bytes() == text.encode("utf-8", "surrogatepass")
    assert preview.startswith(text[:1000])
    assert preview.endswith(f"[{len(text)} characters, whole in artifact {path}]")
    assert len(preview) <= LONG
    assert Client(store).get_run(run.run_id).data.params["short"] == "x"


class Raises:
    """Cannot be shown."""

    def __repr__(self):
        raise RuntimeError("not to be shown")


class Sleeps:
    """Takes its time."""

    def __repr__(self):
        time.sleep(10)
        return "slept"


class Colour(Enum):
    """A value with a name."""

    RED = 1


def test_what_cannot_be_shown_costs_its_own_field():
    """The others are kept, and the field says what happened."""
    with recording() as record, current.start("mine") as run:
        run.params({"before": 1, "raises": Raises(), "deep": [{"in": Raises()}], "after": 2})
        run.tags({"raises": Raises(), "after": 2})
    params = record.run.params
    assert (params["before"], params["after"]) == ("1", "2")
    assert params["raises"] == "<Raises: str() raised RuntimeError>"
    assert params["deep"] == "<list: str() raised RuntimeError>"
    assert record.run.tags["raises"] == params["raises"]


HIDING_PLACES = [
    lambda value: value, lambda value: [value], lambda value: {"in": (value,)}, lambda value: np.array([value]),
    lambda value: np.array([[value, 1]], dtype=object), lambda value: OrderedDict(a=value),
    lambda value: defaultdict(list, a=value), lambda value: deque([value]), lambda value: SimpleNamespace(a=value),
    lambda value: partial(print, value), lambda value: MappingProxyType({"a": value}), lambda value: {1: value}.items(),
    ValueError, slice, lambda value: {1: [[[[[[value]]]]]]},
]  # fmt: skip


@pytest.mark.parametrize("hide", HIDING_PLACES, ids=lambda hide: type(hide(1)).__name__)
def test_a_repr_that_takes_seconds_costs_its_own_field(hide):
    """Wherever it hides: the call is back in a fraction of a second."""
    with recording() as record, current.start("mine") as run:
        started = time.perf_counter()
        run.params({"before": 1, "sleeps": hide(Sleeps()), "again": hide(Sleeps()), "after": 2})
        took = time.perf_counter() - started
    assert took < BUDGET * 10
    params = record.run.params
    assert (params["before"], params["after"]) == ("1", "2")
    assert "took too long" in params["sleeps"] or "not read in time" in params["sleeps"]


def test_known_values_are_read_without_a_thread(monkeypatch):
    """What numbers, texts, arrays and estimators look like costs microseconds."""
    from sklearn.linear_model import LogisticRegression

    def no_thread(*given, **named):
        raise AssertionError("no thread is needed")

    monkeypatch.setattr("threading.Thread", no_thread)
    with recording() as record, current.start("mine") as run:
        run.params(
            {
                "float": 0.1, "none": None, "list": [1, 2.5, "a"], "dict": {"a": (1, 2)}, "array": np.arange(3),
                "scalar": np.float32(0.5), "enum": Colour.RED.value, "function": print, "class": int,
                "estimator": LogisticRegression(), "tensor": torch.ones(2), "dtype": torch.float32,
                "decimal": Decimal("1.5"), "bytes": b"x", "set": {1}, "range": range(3),
            }
        )  # fmt: skip
    assert record.run.params["list"] == "[1, 2.5, 'a']"
    assert record.run.params["estimator"] == "LogisticRegression()"


def test_an_enum_of_the_programs_own():
    """Shown as Python shows it."""
    with recording() as record, current.start("mine") as run:
        run.params({"colour": Colour.RED})
    assert record.run.params["colour"] == "Colour.RED"


def test_values_of_a_model_and_of_a_data_set():
    """A point may belong to a model and to a data set."""
    with recording() as record, current.start("mine") as run:
        run.metric("auc", 0.9, model_id="m-1", dataset="test", digest="abc")
        run.metrics({"auc": 0.8}, model_id="m-2", dataset="test", digest="abc")
    assert [(p.model, p.dataset, p.digest, p.value) for p in record.run.points] == [
        ("m-1", "test", "abc", 0.9),
        ("m-2", "test", "abc", 0.8),
    ]
