"""The curve of a metric comes back as it was logged, bit by bit."""

import math
import struct
from pathlib import Path

import pytest
from journals import Journal, Writer, append

from autotrack.event import Exact, Series
from autotrack.journal import points
from autotrack.journal.format import EXACT, LATE
from autotrack.store import Store


@pytest.fixture
def journal(store: Path) -> Journal:
    """The store that the processes of a test write to."""
    return Journal(store)


@pytest.fixture(params=["plain", "numpy"])
def decoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without numpy."""
    if request.param == "numpy":
        pytest.importorskip("numpy")
    monkeypatch.setattr(points, "_WORTH_NUMPY", 0 if request.param == "numpy" else 1 << 60)


@pytest.mark.usefixtures("decoder")
def test_every_float_and_every_step_come_back(journal: Journal):
    """NaN, infinities, minus zero, denormals; steps negative, fractional and beyond 2**53."""
    run = journal.run()
    values = [0.1, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1.7976931348623157e308]
    steps: list[float] = [0, -3, 2**62, 0.5, math.nan, -1e300, 2**53 + 1]
    for number, (value, step) in enumerate(zip(values, steps, strict=True)):
        run.point("m", value, step, 1000 + number)
    found = Store(journal.store).history(run.run_id, "m")
    assert [struct.pack("<d", value) for value in found.values] == [struct.pack("<d", value) for value in values]
    assert repr(found.steps) == repr(steps)
    assert found.times == [*range(1000, 1007)]


@pytest.mark.usefixtures("decoder")
def test_integers_beyond_a_float_keep_every_digit(journal: Journal):
    """In the curve and as the last value, also one of thousands of digits, and one whose text was lost."""
    run = journal.run()
    wholes = [2**53 + 1, -(10**30), 10**500, 16**5000 + 1]
    for number, whole in enumerate(wholes, 1):
        near = float(whole) if abs(whole) < 2**1000 else math.inf
        run.keys["n", None, None, None] = 1
        if number == 1:
            run.event(Series(1, "n"), 1)
        run.event(Exact(1, number, 1000, str(whole) if whole < 10**4000 else hex(whole)), 1000)
        run.point("n", near, number, 1000, flags=EXACT)
    run.point("lost", 1e30, 0, 1000, flags=EXACT)
    store = Store(journal.store)
    assert [one.value for one in store.history(run.run_id, "n").metrics()] == wholes
    data = store.run(run.run_id).data.metrics
    assert data == {"n": wholes[-1], "lost": 1e30}


@pytest.mark.usefixtures("decoder")
def test_the_curves_of_several_processes_are_one_by_time(journal: Journal):
    """Each with key numbers of its own; nothing is merged or dropped, equal points neither."""
    run = journal.run()
    for writer in (run, Writer(journal, run.run_id, "r1-2-bbbbbbbb"), Writer(journal, run.run_id, "r2-3-cccccccc")):
        if writer is not run:
            writer.point("other", 0.0)
        for when in (1, 2, 2, 3):
            writer.point("m", when / 10, when, when)
    found = Store(journal.store).history(run.run_id, "m")
    assert found.times == [1] * 3 + [2] * 6 + [3] * 3


def test_a_point_tells_model_data_set_and_whether_it_came_late(journal: Journal):
    """What MLflow's entity carries, and which scores were added after the end."""
    run = journal.run()
    run.point("m", 1.0, 0, 1, of=("m-1", "digits", "abc"))
    run.point("m", 2.0, 0, 2, flags=LATE)
    found = Store(journal.store).history(run.run_id, "m")
    first, second = found.metrics()
    assert (first.model_id, first.dataset_name, first.dataset_digest) == ("m-1", "digits", "abc")
    assert (second.model_id, found.late) == (None, {1})
    assert Store(journal.store).history(run.run_id, "never logged").metrics() == []


def test_a_damaged_record_costs_one_point(journal: Journal):
    """The rest of the curve is there."""
    run = journal.run()
    for number in range(50):
        run.point("m", number, number, number)
    data = bytearray(run.metrics.read_bytes())
    data[32 * 10 + 20] ^= 1
    run.metrics.write_bytes(bytes(data))
    append(run.metrics, b"torn")
    store = Store(journal.store)
    assert store.history(run.run_id, "m").values == [n for n in range(50) if n != 10]
    assert [(fault.file, fault.offset) for fault in store.faults()] == [(run.metrics.name, 320)]


def test_names_of_any_characters_are_their_own_keys(journal: Journal):
    """Quotes, line ends, surrogates, NUL and emptiness."""
    run = journal.run()
    keys = ["", " ", "a`b'c\"d", "\n\r\t", "\ud800", "\0", "日本/語", "%_", "x" * 5000]
    for number, key in enumerate(keys):
        run.point(key, number)
    store = Store(journal.store)
    assert len(store.run(run.run_id).data.metrics) == len(keys)
    assert [store.history(run.run_id, key).values for key in keys] == [[number] for number in range(len(keys))]
