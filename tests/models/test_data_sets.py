"""Data sets: a digest of the content at a bounded cost, and the facts that MLflow keeps of them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import torch

from autotrack import data
from autotrack.exceptions import AutotrackException

FRAME = pd.DataFrame({"a": [1.0, None], "s": ["x", "y"], "t": pd.to_datetime(["2020-01-01", "2021-01-01"])})


@pytest.mark.filterwarnings("ignore")  # MLflow's own deprecations
def test_the_facts_are_those_that_mlflow_keeps() -> None:
    """Schema and profile of tables and of arrays, as text."""
    import mlflow.data

    theirs = mlflow.data.from_pandas(FRAME).to_dict()
    ours = data.from_pandas(FRAME).to_dict()
    assert {key: ours[key] for key in ("name", "schema", "profile", "source_type")} == {
        key: theirs[key] for key in ("name", "schema", "profile", "source_type")
    }
    arrays = mlflow.data.from_numpy(np.eye(3), targets=np.ones(3)).to_dict()
    assert data.from_numpy(np.eye(3), targets=np.ones(3)).to_dict()["schema"] == arrays["schema"]
    assert data.from_numpy(np.eye(3), targets=np.ones(3)).to_dict()["profile"] == arrays["profile"]


def test_labels_may_be_a_list() -> None:
    """Which has a length, if no shape."""
    profile = json.loads(data.from_numpy(np.eye(3), targets=[0, 1, 0]).profile)
    assert (profile["features_shape"], profile["targets_shape"], profile["targets_size"]) == ([3, 3], [3], 3)


def test_a_run_records_them_as_an_event() -> None:
    """With the role that the data had."""
    used = data.from_numpy(np.eye(3), name="eye", source="https://example.org/eye.csv").used("train", {"k": "v"})
    assert (used.name, used.context, used.source_type, json.loads(used.source)) == (
        "eye", "train", "http", {"url": "https://example.org/eye.csv"},
    )  # fmt: skip


KINDS: dict[str, Any] = {
    "frame": lambda: FRAME,
    "objects": lambda: pd.DataFrame({"o": [object(), {"a": [1]}, None]}),
    "polars": lambda: pl.DataFrame({"a": [1, None], "s": ["x", "y"]}),
    "arrow": lambda: pl.DataFrame({"a": [1, 2]}).to_arrow(),
    "array": lambda: np.arange(6.0).reshape(2, 3),
    "tensor": lambda: torch.arange(6.0),
    "half tensor": lambda: torch.ones(2, dtype=torch.bfloat16),
    "sparse": lambda: sp.csr_matrix(np.eye(3)),
    "dict": lambda: {"x": np.eye(2), "y": np.ones(2)},
    "list": lambda: [[1, 2], ["a"]],
    "nothing": lambda: np.zeros((0, 3)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_equal_content_has_an_equal_digest(kind: str) -> None:
    """Two objects with the same content, whatever the addresses of what they hold."""
    assert data.content(KINDS[kind]()) == data.content(KINDS[kind]())
    assert json.loads(data.Dataset(KINDS[kind]()).profile)


def test_the_digest_is_the_same_in_every_process() -> None:
    """With another seed for the hashes of texts."""
    program = "import pandas as pd; from autotrack import data; print(data.content(pd.DataFrame({'s': ['x', 'y']})))"
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def test_memory_order_is_no_content() -> None:
    """The same numbers by rows or by columns."""
    array = np.arange(12.0).reshape(3, 4)
    assert data.content(array) == data.content(np.asfortranarray(array))


def test_other_content_has_another_digest() -> None:
    """A value, a name, a type, an order, the end of a long array."""
    long = np.zeros(10_000_000)
    other = long.copy()
    other[-1] = 1
    variants = [
        FRAME, FRAME.assign(a=[1.0, 2.0]), FRAME.rename(columns={"a": "b"}), FRAME.astype({"a": "float32"}),
        FRAME[::-1], FRAME[["s", "a", "t"]], FRAME.assign(t=FRAME["t"] + pd.Timedelta(days=1)), np.eye(2),
        np.eye(2).ravel(), long, other,
    ]  # fmt: skip
    assert len({data.content(variant) for variant in variants}) == len(variants)


def test_a_large_table_costs_no_more_than_a_bounded_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is hashed of it stays within the budget."""
    fed: list[int] = []
    monkeypatch.setattr(data.hashlib, "sha256", lambda: Counting(fed))
    for table in (
        np.zeros((1_000_000, 20)),
        pd.DataFrame(np.zeros((1_000_000, 20))),
        pd.DataFrame({"s": ["text"] * 1_000_000}),
    ):
        fed.clear()
        data.content(table)
        assert 1_000 < sum(fed) < 1.2 * data.BYTES


class Counting:
    def __init__(self, fed: list[int]) -> None:
        self.fed = fed

    def update(self, content: bytes) -> None:
        self.fed.append(len(content))

    def hexdigest(self) -> str:
        return "0" * 64


def test_a_digest_of_a_part_says_so() -> None:
    """Small data are hashed whole, large ones are not, and then their middle may differ."""
    small, large = np.zeros(2_000_000), np.zeros(4_000_000)
    assert not data.content(small).startswith("sampled-")
    assert data.content(large).startswith("sampled-")
    small[1_000_001] = 1
    assert data.content(small) != data.content(np.zeros(2_000_000))


def test_items_of_a_list_count_by_what_they_are() -> None:
    """Numbers and arrays of numpy's, long rows, and moments with a time zone."""
    assert data.content([np.int64(1)]) != data.content([np.int64(2)])
    assert data.content([np.zeros(2)]) != data.content([np.ones(2)])
    assert data.content([[0] * 300]) != data.content([[0] * 299 + [1]])
    zoned = pd.DataFrame({"t": pd.to_datetime(["2020-01-01"]).tz_localize("UTC")})
    assert data.content(zoned) != data.content(zoned + pd.Timedelta(days=1))


def test_a_target_that_is_no_column_is_refused() -> None:
    """The error lists the columns."""
    with pytest.raises(AutotrackException, match=r"no column 'y'.*'a', 's', 't'"):
        data.from_pandas(FRAME, targets="y")
