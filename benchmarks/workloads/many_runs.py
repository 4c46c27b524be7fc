"""Finding runs among 100,000 in a server's database, each of 60 parameters, 40 metrics and 6 tags.

Runs are written past the server; what is timed is asking. Where all of the work is done by the process itself, its
processor time is taken, which a neighbour's load moves less than the clock.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.filling import Filling
from benchmarks.tracker import Tracker
from benchmarks.workload import Measured, Row, quantile, scaled

sys.path.append(str(Path(__file__).parents[2] / "tests"))  # where the real PostgreSQL of tests lies

SERVED, PAGE = scaled(100_000), 100
DATABASES = (("sqlite", "SQLite"), ("postgresql", "PostgreSQL"))
QUESTIONS = (
    ("filter", "metrics.m3 < 0.001", ""), ("filter", "metrics.m3 < 0.5", ""), ("filter", "metrics.m3 >= 0.999", ""),
    ("filter", "params.p3 = 'adam'", ""), ("filter", "params.p3 != 'adam'", ""), ("filter", "params.p4 = '0.5'", ""),
    ("filter", "params.p3 LIKE 'ad%'", ""), ("filter", "params.p3 ILIKE 'AD%'", ""), ("filter", "tags.t1 = 'a'", ""),
    ("filter", "tags.t1 LIKE '%b'", ""), ("filter", "metrics.m1 > 0.9 AND params.p0 = 'sgd'", ""),
    ("filter", "metrics.m1 > 0.5 AND metrics.m2 > 0.5 AND metrics.m3 > 0.5", ""),
    ("filter", "params.p0 = 'sgd' AND params.p3 = 'adam' AND tags.t1 = 'a' AND tags.t2 = 'b'", ""),
    ("filter", "status = 'FAILED'", ""), ("filter", "run_name LIKE 'run 19%'", ""),
    ("filter", "run_name = 'run 77'", ""), ("filter", "start_time > 1700000050000", ""),
    ("filter", "metrics.nothing > 1", ""), ("filter", "", ""), ("sort", "", "metrics.m3 ASC"),
    ("sort", "", "metrics.m3 DESC"), ("sort", "", "params.p1 DESC"), ("sort", "", "params.p3 ASC"),
    ("sort", "", "start_time ASC"), ("sort", "", "run_name ASC"), ("sort", "params.p0 = 'sgd'", "metrics.m5 ASC"),
    ("sort", "metrics.m1 > 0.99", "metrics.m5 DESC"), ("sort", "tags.t1 = 'a'", "start_time DESC"),
    ("sort", "status = 'FINISHED'", "metrics.m7 ASC"),
)  # fmt: skip
"""Filters and orders that every tracker understands; the first page of 100 runs is asked for."""
OWN = (
    ("filter", "min(m3) < 0.001", ""), ("filter", "params.p4 < 0.01", ""),
    ("filter", "number(p4) BETWEEN 0.4 AND 0.41", ""), ("filter", "params.p0 = 'sgd' OR metrics.m1 > 0.9", ""),
    ("filter", "NOT tags.t1 = 'a'", ""), ("filter", "run_name RLIKE '99$'", ""), ("filter", "duration > '1 min'", ""),
    ("filter", "params.p3 IN ('adam', 'sgd')", ""), ("sort", "", "min(m3) ASC"), ("sort", "", "number(p1) DESC"),
    ("sort", "duration > '1 min'", "duration DESC"), ("sort", "params.p0 = 'sgd'", "min(m5) ASC"),
)  # fmt: skip
"""Those that autotrack alone has."""
ROWS = (
    *(
        row
        for database, title in DATABASES
        for row in (
            Row(f"{database}_filter", f"{title}: a page of those that a filter finds among {SERVED:,}, p95", limit=0.1),
            Row(f"{database}_sort", "… sorted, p95", limit=0.1),
            Row(f"{database}_page", "… the page after, p95", limit=0.1),
            Row(f"{database}_p50", "… median of all"),
            Row(f"{database}_count", "… how many there are", limit=0.02),
        )
    ),
)


def busy(call: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """The processor time of a call, or its time by another clock."""
    begin = clock()
    call()
    return clock() - begin


class Run(NamedTuple):
    """What a run is made of."""

    number: int
    run_id: str
    status: str
    start: int
    end: int
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]


def runs(count: int) -> Iterator[Run]:
    """The same ones each time."""
    draw = random.Random(0)
    for number in range(count):
        start = 1_700_000_000_000 + 1000 * number
        kinds = ("adam", "sgd", "lbfgs")
        yield Run(
            number, f"{draw.getrandbits(128):032x}", draw.choice(("FINISHED", "FAILED")), start,
            start + draw.randrange(100_000),
            {f"p{k}": draw.choice(kinds) if k % 3 == 0 else f"{draw.random():.3}" for k in range(60)},
            {f"m{k}": draw.random() for k in range(40)}, {f"t{k}": draw.choice("abcdef") for k in range(6)},
        )  # fmt: skip


def measure(tracker: type[Tracker]) -> Measured:
    """Fill each kind of database, and ask."""
    if tracker.module != "autotrack":
        return Measured()
    figures = _served("sqlite", f"sqlite:///{Path.cwd()}/served.db")
    with closing(import_module("parts.postgresql").Postgresql()) as cluster:
        return Measured(figures | _served("postgresql", cluster.url()))


def _served(name: str, url: str) -> dict[str, float]:
    from autotrack.store import Search  # autotrack's alone
    from autotrack.store.database import open_database  # the same

    # What PostgreSQL does is done by other processes.
    clock = time.process_time if name == "sqlite" else time.perf_counter
    taken: dict[str, list[float]] = {"filter": [], "sort": [], "page": []}
    with closing(open_database(url, "mlflow-artifacts:")) as store:
        _fill_database(store)
        for kind, condition, order in (*QUESTIONS, *OWN):
            search = Search(None, condition, 1, [order] if order else None, PAGE)
            begin = clock()
            _, token = store.rows(search)
            taken[kind].append(clock() - begin)
            if token is not None:
                following = Search(None, condition, 1, [order] if order else None, PAGE, token)
                taken["page"].append(busy(lambda following=following: store.rows(following), clock))  # type: ignore[misc]  # bound at once
        found = {f"{name}_{kind}": quantile(values, 0.95) for kind, values in taken.items()}
        every = [one for values in taken.values() for one in values]
        counted = quantile([busy(store.count, clock) for _ in range(10)], 0.95)
        return {**found, f"{name}_p50": quantile(every, 0.5), f"{name}_count": counted}


def _fill_database(store: Any) -> None:
    from autotrack.store import tables  # autotrack's alone

    names = {
        tables.runs: ("id", "run_id", "experiment_id", "run_name", "user_id", "status", "start_time", "end_time",
                      "lifecycle_stage"),
        tables.params: ("run", "key", "value", "number"),
        tables.metrics: ("run", "key", *_POINT),
        tables.tags: ("run", "key", "value"),
    }  # fmt: skip
    every = runs(SERVED)
    with Filling(store.database.engine, names) as filling:
        while some := list(islice(every, 500)):
            filling.add(tables.runs, [
                (one.number + 1, one.run_id, "0", f"run {one.number}", "ada", one.status, one.start, one.end, "active")
                for one in some
            ])  # fmt: skip
            filling.add(tables.params, [
                (one.number + 1, key, value, float(value) if value[0].isdigit() else None)
                for one in some for key, value in sorted(one.params.items())
            ])  # fmt: skip
            filling.add(tables.metrics, [
                (one.number + 1, key, v, one.end, 10, 0, 10, 10, 10 * v, 1.0, 0.0, v / 2, 3.0, 2 * v, 0.0)
                for one in some for key, v in sorted(one.metrics.items())
            ])  # fmt: skip
            filling.add(tables.tags, [(one.number + 1, key, value) for one in some for key, value in one.tags.items()])


_POINT = (
    "value", "timestamp", "raw_step", "flags", "points", "count", "total", "first", "first_step", "minimum",
    "minimum_step", "maximum", "maximum_step",
)  # fmt: skip
