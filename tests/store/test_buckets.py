"""A curve at any zoom: few buckets, with the exact extremes of all points."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from databases import Recorder, opened, point
from hypothesis import given, settings
from hypothesis import strategies as st
from journals import Journal

from autotrack.exceptions import AutotrackException
from autotrack.journal.writer import RunWriter
from autotrack.store import Questions, Store, buckets, stretches
from autotrack.store.buckets import Asked, Buckets, cell, level_of
from autotrack.store.database import curves, zoom

Logged = tuple[float, int, float]
"""Step, time and value."""


class Curve:
    """One metric in a store of a directory and in one on a database."""

    def __init__(self, root: Path) -> None:
        self.journal = Journal(root / "store")
        self.directory = Store(root / "store")
        self._opened = opened(f"sqlite:///{root / 'autotrack.db'}")
        self.database = self._opened.__enter__()

    def close(self) -> None:
        self.directory.close()
        self._opened.__exit__(None, None, None)

    def log(self, batches: list[list[Logged]], writers: int = 1) -> dict[Questions, str]:
        """Points of one run, each batch by the next writer; gives the run's id in each store."""
        recording = Recorder(self.database).run()
        first = self.journal.run()
        others = [RunWriter(first.directory) for _ in range(writers)]
        for number, batch in enumerate(batches):
            points = [point("loss", value, step, time) for step, time, value in batch]
            self.database.editor.points(recording.run_id, points)
            between = [point("other", -1e9, time=time) for _, time, _ in batch[::3]]
            others[number % writers].points([*points[:5], *between, *points[5:]])
        for writer in others:
            writer.close()
        return {self.directory: first.run_id, self.database: recording.run_id}


@pytest.fixture
def curve(tmp_path: Path) -> Iterator[Curve]:
    """An empty one."""
    made = Curve(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Curve]:
    """One for many examples."""
    made = Curve(tmp_path_factory.mktemp("buckets"))
    yield made
    made.close()


def summed_up_early(patch: pytest.MonkeyPatch) -> None:
    """Have stretches and chunks of a few points, in a few buckets."""
    patch.setattr(stretches, "RECORDS", 8)
    patch.setattr(curves, "MOST_PIECES", 3)
    patch.setattr(curves, "_FEW", 2)
    patch.setattr(curves, "_SKETCHED", 2)
    patch.setattr(buckets, "CELLS", 4)


STEPS = st.one_of(st.integers(-3, 40), st.sampled_from([0.5, 1e9, -1e-3, math.inf, math.nan]))
VALUES = st.one_of(st.floats(-5, 5), st.sampled_from([math.nan, math.inf, -math.inf, 1e300, -1e300]))
BATCHES = st.lists(st.lists(st.tuples(STEPS, st.integers(0, 60), VALUES), max_size=12), max_size=6)
EDGE = st.none() | st.integers(-5, 45) | st.just(0.25)


@given(BATCHES, st.integers(1, 2), st.sampled_from(["step", "time"]), EDGE, EDGE, st.integers(2, 40))
@settings(max_examples=60, deadline=None)
def test_both_stores_answer_as_the_points_are(
    shared: Curve, batches: list[list[Logged]], writers: int, axis: str, start: Any, end: Any, most: int
):
    """Whatever was summed up before: checked against all points, of whichever order, range and resolution."""
    asked = Asked(axis, start, end, most)
    logged = [one for batch in batches for one in batch]
    # A database keeps a point once that came twice.
    once = list({repr(one): one for one in logged}.values())
    with pytest.MonkeyPatch.context() as patch:
        summed_up_early(patch)
        for store, run_id in shared.log(batches, writers).items():
            expected = counted(once if store is shared.database else logged, asked)
            found = store.buckets(run_id, "loss", asked)
            assert repr(found) == repr(expected)
            assert len(found.at) <= most


def counted(points: list[Logged], asked: Asked) -> Buckets:
    """The same, one bucket after the other from the whole list."""
    place = 0 if asked.axis == "step" else 1
    low, high = asked.reach
    there = [one for one in points if math.isfinite(one[place])]
    low = max([low, *[min(float(one[place]) for one in there)] * bool(there)]) if there else math.inf
    high = min(high, max(float(one[place]) for one in there)) if there else -math.inf
    found = Buckets(asked.axis)
    if low > high:
        return found
    level = level_of(low, high, asked.points)
    inside_of: dict[int, list[Logged]] = {}
    for one in there:
        if asked.reach[0] <= one[place] <= asked.reach[1]:
            inside_of.setdefault(cell(float(one[place]), level), []).append(one)
    single = low == high
    found.width = 1.0 if single else math.ldexp(1.0, level)
    for number, inside in sorted(inside_of.items()):
        found.at.append(float(inside[0][place]) if single else math.ldexp(number, level))
        found.count.append(len(inside))
        found.nan.append(sum(value != value for *_, value in inside))
        found.inf.append(sum(math.isinf(value) for *_, value in inside))
        finite = [(float(one[place]), rank(one[1 - place]), one[2]) for one in inside if math.isfinite(one[2])]
        nothing = (math.nan, None, math.nan)
        for name, (x, _, value) in (
            ("first", min(finite, default=nothing)),
            ("last", max(finite, default=nothing)),
            ("minimum", min(finite, key=lambda one: (one[2], one[0]), default=nothing)),
            ("maximum", min(finite, key=lambda one: (-one[2], one[0]), default=nothing)),
        ):
            getattr(found, name).append(value)
            getattr(found, f"{name}_at").append(x)
    return found


def rank(number: float) -> tuple[bool, float]:
    return (False, float(number)) if number == number else (True, 0.0)


def test_a_spike_of_one_point_is_seen_at_every_zoom(curve: Curve):
    """From the whole curve down to the point itself, along the steps and along the time."""
    count, spike = 40_000, 31_234
    points = [(step, 10**12 + 7 * step, math.sin(step) if step != spike else 1e6) for step in range(count)]
    for store, run_id in curve.log([points]).items():
        for axis, place in (("step", 0), ("time", 1)):
            low, high = points[0][place], points[-1][place]
            while high > low:
                found = store.buckets(run_id, "loss", Asked(axis, low, high, 100))
                assert max(found.maximum) == 1e6
                assert found.maximum_at[found.maximum.index(1e6)] == points[spike][place]
                assert sum(found.count) == sum(low <= one[place] <= high for one in points)
                assert len(found.at) <= 100
                quarter = (high - low) // 4
                low, high = points[spike][place] - quarter // 2, points[spike][place] + quarter // 2


def test_what_is_summed_up_once_is_read_once(curve: Curve, monkeypatch: pytest.MonkeyPatch):
    """A second look reads the points behind the last whole stretch, and a database reads none that are summed up."""
    count = 5 * stretches.RECORDS + 100
    random.seed(1)
    points = [(float(step), step, random.random()) for step in range(count)]
    runs = curve.log([points[start : start + 20_000] for start in range(0, count, 20_000)])
    run_id = runs[curve.directory]
    first = curve.directory.buckets(run_id, "loss", Asked())
    read: list[int] = []
    plain = stretches._by_key
    monkeypatch.setattr(stretches, "_by_key", lambda f, n, c: read.append(c) or plain(f, n, c))
    assert curve.directory.buckets(run_id, "loss", Asked()) == first
    assert sum(read) < stretches.RECORDS
    unpacked: list[bytes] = []
    inner = zoom.from_chunk
    monkeypatch.setattr(zoom, "from_chunk", lambda data: unpacked.append(data) or inner(data))
    assert curve.database.buckets(runs[curve.database], "loss", Asked()) == first
    assert len(unpacked) <= 1  # the newest one may be too short to be summed up


def test_a_curve_goes_on_growing(curve: Curve, monkeypatch: pytest.MonkeyPatch):
    """Every answer includes what was written before it was asked."""
    monkeypatch.setattr(stretches, "RECORDS", 16)
    run = curve.journal.run()
    for step in range(50):
        run.point("loss", float(step), step, step)
        found = curve.directory.buckets(run.run_id, "loss", Asked(points=4))
        assert (sum(found.count), max(found.maximum)) == (step + 1, step)


def test_what_makes_no_sense_is_refused(curve: Curve):
    """An axis, a resolution, a range; a metric that was never logged is empty, a run that is not there an error."""
    for wrong in ({"axis": "colour"}, {"points": 1}, {"points": 10**6}, {"start": math.nan}):
        with pytest.raises(AutotrackException):
            Asked(**wrong)  # type: ignore[arg-type]
    for store, run_id in curve.log([[(0.0, 0, 1.0)]]).items():
        assert store.buckets(run_id, "nothing", Asked()) == Buckets("step")
        assert store.buckets(run_id, "loss", Asked(start=5)) == Buckets("step")
        with pytest.raises(AutotrackException, match="not found"):
            store.buckets("f" * 32, "loss", Asked())
