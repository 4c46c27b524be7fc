"""Curves in a database: whatever the order in which points arrive, each is there once and none is read for nothing."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from databases import ROOT, Recorder, opened, point
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from autotrack.client import Client
from autotrack.entities import Metric
from autotrack.journal.format import FLOAT_STEP, raw_step
from autotrack.journal.points import Point as Last
from autotrack.store import tables
from autotrack.store.database import DatabaseStore, curves, open_database
from autotrack.store.database.points import Columns, by_series, chunk_blob, from_chunk, from_tail, tail_blob
from autotrack.store.database.tables import chunks, tail


@pytest.fixture
def store(database: str):
    """A store of this test's own."""
    with opened(database) as store:
        yield store


@pytest.fixture
def run_id(store: DatabaseStore) -> str:
    """A run."""
    return Recorder(store).run().run_id


INT64 = st.integers(-(2**63), 2**63 - 1)
STEPS = st.one_of(INT64.map(lambda step: (step, 0)), st.floats().map(raw_step))


@given(st.lists(st.tuples(STEPS, INT64, st.floats()), max_size=50), st.dictionaries(st.integers(0, 49), st.text()))
@settings(max_examples=300, deadline=None)
def test_any_points_come_back_from_their_bytes(points, exact):
    """From a tail's and from a chunk's, to the last bit."""
    columns = Columns(
        [flag for (_, flag), _, _ in points], [raw for (raw, _), _, _ in points], [time for _, time, _ in points],
        [value for _, _, value in points], {row: text for row, text in exact.items() if row < len(points)},
    )  # fmt: skip
    assert repr(from_chunk(chunk_blob(columns))) == repr(columns)
    names = ("a", "", "", ""), ("b", "m", "d", "1")
    found = list(from_tail(tail_blob({names[0]: columns, names[1]: columns})))
    assert repr(found) == repr([(name, columns) for name in names])
    assert repr(list(from_tail(tail_blob({names[0]: columns, names[1]: columns}), "b"))) == repr(found[1:])


VALUES = st.sampled_from([0.0, -1.0, 2.5, math.inf, -math.inf, math.nan])
LOGGED = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 6) | st.just(0.5), st.integers(0, 4), VALUES))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, postgresql_server):
    """A store on each kind of database, for many examples."""
    file = tmp_path_factory.mktemp("curves") / "autotrack.db"
    with postgresql_server.database() as url, opened(url) as one, opened(f"sqlite:///{file}") as other:
        yield one, other


@given(st.lists(LOGGED, max_size=6), st.integers(1, 4), st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_every_point_counts_once_in_any_order_of_arrival(both, batches, pieces, few):
    """In the curve, in the last value, and in the summary: checked against plain lists, with tails folded early."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curves, "MOST_PIECES", pieces)
        patch.setattr(curves, "_FEW", 1 + few)
        for store in both:
            run_id = Recorder(store).run().run_id
            seen: dict[str, dict[str, tuple]] = {}
            for batch in batches:
                store.editor.points(run_id, [point(key, value, step, time) for key, step, time, value in batch])
                for key, step, time, value in batch:
                    seen.setdefault(key, {})[repr((time, step, value))] = (time, step, value)
            with store.database.engine.connect() as connection:
                rows = connection.execute(_METRICS.where(tables.runs.c.run_id == run_id)).all()
            assert {row.key for row in rows} == set(seen)
            for row in rows:
                points = list(seen[row.key].values())
                found = store.history(run_id, row.key)
                got = zip(found.times, found.steps, found.values, strict=True)
                assert sorted(map(repr, got)) == sorted(map(repr, points))
                assert found.times == sorted(found.times)
                assert repr(_paged(store, run_id, row.key, 2)) == repr(found.metrics())
                last = max((Last(raw_step(s)[1], raw_step(s)[0], t, v) for t, s, v in points), key=lambda p: p.rank)
                assert (row.timestamp, row.raw_step) == (last.time, last.raw_step)
                finite = [value for _, _, value in points if value == value]
                assert (row.points, row.count) == (len(points), len(finite))
                assert (row.minimum, row.maximum) == ((min(finite), max(finite)) if finite else (None, None))


def test_a_long_curve_lies_in_few_rows(store: DatabaseStore, run_id: str):
    """Logged point by point; the tail and what has not been merged stay small all the time."""
    most = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curves, "MOST_PIECES", 8)
        patch.setattr(curves, "_FEW", 3)
        patch.setattr(curves, "_FULL", 64)
        for step in range(700):
            store.editor.points(run_id, [point("loss", step / 7, step, step // 3)])
            if step % 50 == 0:
                most = max(most, _count(store, tail) + _count(store, chunks, chunks.c.level < 99))
    assert most <= 8 + 3 * 4
    assert _count(store, chunks) <= 700 // 64 + 3 * 4
    found = store.history(run_id, "loss")
    assert (found.steps, found.values) == (list(range(700)), [step / 7 for step in range(700)])


def test_batches_out_of_step_order_are_added_without_reading_the_others(store: DatabaseStore, run_id: str):
    """As several writers of one metric send them. Only what has the same steps is looked at again."""
    read: list[bytes] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curves, "from_tail", lambda data: read.append(data) or from_tail(data))
        for begin in (20, 0, 60, 40, 80, 30):
            store.editor.points(run_id, [point("loss", 0.5, step, step) for step in range(begin, begin + 10)])
        assert read == []
        store.editor.points(run_id, [point("loss", 0.5, step, step) for step in range(25, 45)])
        assert len(read) == 3
    assert [metric.step for metric in store.history(run_id, "loss").metrics()] == [
        *range(10), *range(20, 50), *range(60, 70), *range(80, 90),
    ]  # fmt: skip


def test_a_range_is_read_without_the_rest(store: DatabaseStore, run_id: str):
    """Rows whose steps lie elsewhere stay where they are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curves, "_FULL", 500)
        patch.setattr(curves, "MOST_POINTS", 500)
        for start in range(0, 5000, 500):
            store.editor.points(run_id, [point("loss", step, step, step) for step in range(start, start + 500)])
    with _decoded() as sizes:
        found = store.history(run_id, "loss", 1200, 1299)
    assert found.steps == list(range(1200, 1300))
    assert sum(sizes) <= 500
    assert len(store.history(run_id, "loss", 9000)) == 0
    assert len(store.history(run_id, "loss", None, 9)) == 10


def test_pages_are_read_without_what_lies_before_and_behind(store: DatabaseStore, run_id: str):
    """Also where chunks overlap, as those of two processes do, and where many points have one time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curves, "_FULL", 250)
        patch.setattr(curves, "MOST_POINTS", 500)
        for start in range(0, 5000, 500):
            rows = range(start, start + 500)
            store.editor.points(run_id, [point("loss", row, row, row // 7) for row in rows])
            store.editor.points(run_id, [point("loss", -row, -row - 1, row // 7) for row in rows])
    everything = store.history(run_id, "loss").metrics()
    assert len(everything) == 10_000
    assert _paged(store, run_id, "loss", 999) == everything
    _, third = store.history_page(run_id, "loss", 3000)
    with _decoded() as sizes:
        found, after = store.history_page(run_id, "loss", 1000, third)
    assert found.metrics() == everything[3000:4000]
    assert sum(sizes) <= 3000
    assert after is not None
    assert store.history_page(run_id, "nothing", 10) == (store.history(run_id, "nothing"), None)


def _paged(store: DatabaseStore, run_id: str, key: str, limit: int) -> list[Metric]:
    found: list[Metric] = []
    after = None
    while True:
        page, after = store.history_page(run_id, key, limit, after)
        assert len(page) <= limit
        found += page.metrics()
        if after is None:
            return found


def test_a_curve_of_many_points_is_thinned_from_sketches(store: DatabaseStore, run_id: str):
    """Its extremes are there, and far fewer points were decoded than it has."""
    rng = random.Random(7)
    values = [rng.random() for _ in range(60_000)]
    values[12_345], values[54_321] = 9.0, -9.0
    for start in range(0, 60_000, 10_000):
        rows = range(start, start + 10_000)
        store.editor.points(run_id, [point("loss", values[row], row, row) for row in rows])
    with store.database.engine.connect() as connection:
        number = connection.scalar(select(tables.runs.c.id).where(tables.runs.c.run_id == run_id))
    store.database.write(lambda connection: curves.fold(connection, number))
    with _decoded() as sizes:
        found = store.history(run_id, "loss", points=400)
    assert len(found) <= 400
    assert sum(sizes) <= 60_000 / 16
    assert (max(found.values), min(found.values)) == (9.0, -9.0)
    assert (found.steps[0], found.steps[-1]) == (0, 59_999)
    part = store.history(run_id, "loss", 10_000, 20_000, 200)
    assert (part.steps[0], part.steps[-1], max(part.values)) == (10_000, 20_000, 9.0)
    assert len(store.history(run_id, "loss")) == 60_000


def test_writers_of_one_run_do_not_disturb_one_another(database: str):
    """Each with a store of its own, as the workers of a server have; folding all the time."""
    with opened(database) as store:
        run_id = Recorder(store).run().run_id
    stores = [open_database(database, ROOT) for _ in range(4)]
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(8) as pool:
        patch.setattr(curves, "MOST_PIECES", 3)
        patch.setattr(curves, "_FEW", 2)

        def write(number: int) -> None:
            points = [point(key, number, number, number) for key in ("a", f"own {number % 5}")]
            stores[number % 4].editor.points(run_id, points)
            assert len(stores[-number % 4].history(run_id, "a")) <= 60

        list(pool.map(write, range(60)))
    found = stores[0].history(run_id, "a")
    assert found.steps == list(range(60))
    with stores[0].database.engine.connect() as connection:
        counted = {row.key: row.points for row in connection.execute(_METRICS)}
    assert counted == {"a": 60, **{f"own {n}": 12 for n in range(5)}}
    assert sum(len(stores[0].history(run_id, f"own {n}")) for n in range(5)) == 60
    for store in stores:
        store.close()


def test_integers_that_a_float_rounds_keep_every_digit(store: DatabaseStore, run_id: str):
    """Through tail, fold and merging."""
    numbers = [2**53 + 1, -(2**64) - 3, 10**400]
    client = Client.on(store)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curves, "MOST_PIECES", 2)
        patch.setattr(curves, "_FEW", 2)
        for step, number in enumerate(numbers * 3):
            client.log_batch(run_id, [Metric("n", number, step, step)])
    assert store.history(run_id, "n").metrics()[-1].value == 10**400
    assert [one.value for one in store.history(run_id, "n").metrics()] == numbers * 3
    assert store.run(run_id).data.metrics["n"] == 10**400


def test_steps_that_are_no_integers_are_kept(store: DatabaseStore, run_id: str):
    """And ordered with those that are."""
    points = [point("m", step, step, 5) for step in (2, 1.5, -0.25, 1e300)]
    store.editor.points(run_id, points)
    found = store.history(run_id, "m")
    assert found.steps == [-0.25, 1.5, 2, 1e300]
    assert [point[1] & FLOAT_STEP for point in points] == [0, 1, 1, 1]
    assert store.history(run_id, "m", 0, 1.5).steps == [1.5]
    assert by_series(points, [])["m", "", "", ""].reach == (-0.25, 1e300)


_METRICS = select(tables.metrics).join(tables.runs)


@contextmanager
def _decoded() -> Iterator[list[int]]:
    """How many points each chunk had that was decoded meanwhile."""
    sizes: list[int] = []

    def note(data: bytes) -> Columns:
        found = from_chunk(data)
        sizes.append(len(found))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curves, "from_chunk", note)
        yield sizes


def _count(store: DatabaseStore, table, *where) -> int:
    with store.database.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(table).where(*where)) or 0
