"""The store keeps for every metric what it did over its whole life, not only its last point."""

import math
import random

import pytest
from sqlalchemy import select

from autotrack import current
from autotrack.store import open_store, tables

COLUMNS = [
    "points", "count", "total", "first", "first_step", "minimum", "minimum_step", "maximum", "maximum_step",
]  # fmt: skip


def kept(store, key="loss"):
    """The row of a metric without its last point."""
    columns = [tables.metrics.c[name] for name in COLUMNS]
    query = select(*columns).where(tables.metrics.c.key == key)
    return open_store(store)._ask(lambda connection: connection.execute(query).one()._asdict())


def expected(points):
    """The same from the points themselves, ``(step, value)`` in the order of writing."""
    first_step, first = min(points, key=lambda point: point[0])
    numbers = [(step, value) for step, value in points if value == value]
    low = min(numbers, key=lambda point: (point[1], point[0]), default=(None, None))
    high = min(numbers, key=lambda point: (-point[1], point[0]), default=(None, None))
    total = math.fsum(value for _, value in numbers)
    found = [len(points), len(numbers), total, first, first_step, low[1], low[0], high[1], high[0]]
    return {name: None if value != value else value for name, value in zip(COLUMNS, found, strict=True)}


def same(found, wanted):
    assert found["total"] == pytest.approx(wanted["total"])
    assert found | {"total": 0} == wanted | {"total": 0}


@pytest.mark.parametrize("count", [1, 7, 3000], ids=["one point", "a few", "thousands"])
def test_the_extremes_the_mean_and_the_first_point_are_those_of_the_points(count, store):
    """Whatever the order of the steps; a NaN is a point and no number."""
    chance = random.Random(count)
    points = [
        (chance.randrange(count), float("nan") if chance.random() < 0.1 else chance.choice([chance.random(), 0.5]))
        for _ in range(count)
    ]
    with current.start("run") as run:
        for step, value in points:
            run.metric("loss", value, step)
            run.metric("other", -value, step)
    same(kept(store), expected(points))
    same(kept(store, "other"), expected([(step, -value) for step, value in points]))


def test_points_that_arrive_between_two_questions_are_added(store):
    """Each point counts once, however often somebody asks, whoever wrote it."""
    points = []
    run = current.start("run")
    for step in range(40):
        run.metric("loss", math.sin(step), step)
        points.append((step, math.sin(step)))
        if step % 7 == 0:
            same(kept(store), expected(points))
            open_store(store).refresh()
    run.end()
    same(kept(store), expected(points))
    open_store(store).reindex()
    same(kept(store), expected(points))


def test_a_metric_that_never_was_a_number_has_no_extremes(store):
    """It has points, and nothing else that could be asked for."""
    with current.start("run") as run:
        run.metric("loss", math.nan, 3)
    assert kept(store) == dict.fromkeys(COLUMNS) | {"points": 1, "count": 0, "total": 0.0, "first_step": 3.0}


def test_infinities_are_values_like_others(store):
    """They are extremes; a sum of both is none."""
    with current.start("run") as run:
        for step, value in enumerate([1.0, math.inf, -math.inf]):
            run.metric("loss", value, step)
    found = kept(store)
    assert (found["minimum"], found["maximum"], found["total"]) == (-math.inf, math.inf, None)
    assert (found["minimum_step"], found["maximum_step"]) == (2, 1)


def test_records_whose_key_comes_later_count_when_it_is_there(store, tmp_path):
    """A store that is being copied may have points before the event that names them."""
    run = current.start("run")
    run.metric("loss", 1.0, 0)
    [events] = (store / "runs" / run.run_id).glob("events-*.jsonl")
    before = events.read_bytes()
    run.metric("late", 5.0, 0)
    run.metric("loss", 3.0, 1)
    after = events.read_bytes()
    events.write_bytes(before)
    kept(store)
    events.write_bytes(after)
    run.end()
    same(kept(store), expected([(0, 1.0), (1, 3.0)]))
    same(kept(store, "late"), expected([(0, 5.0)]))


@pytest.mark.parametrize(
    ("text", "number"),
    [("0.1", 0.1), ("1e-1", 0.1), ("-3", -3.0), ("inf", math.inf), ("nan", None), ("adam", None), ("1_000", None)],
)
def test_a_parameter_that_spells_a_number_is_kept_as_one_too(text, number, store):
    """So that it can be compared as a number."""
    with current.start("run") as run:
        run.params({"p": text})
    query = select(tables.params.c.number)
    assert open_store(store)._ask(lambda connection: connection.scalar(query)) == number
