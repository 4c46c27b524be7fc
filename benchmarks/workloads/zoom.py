"""A curve of a million points, with one that stands out, at any zoom: from a server's databases over HTTP, and here."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import Any
from urllib.parse import urlencode

from benchmarks.load import Connection, flood, get, post
from benchmarks.served import DATABASES, Served
from benchmarks.tracker import Tracker
from benchmarks.workload import Measured, Row, quantile, scaled, seconds

BATCH, BUCKETS, REPEATS = 1000, 1000, 20
POINTS = scaled(1_000_000)
SPIKE = POINTS // 3
ROWS = (
    *(
        row
        for place, title in (*DATABASES, ("local", "a local store"))
        for row in (
            Row(f"{place}_first", f"{title}: a curve of {POINTS:,} points in {BUCKETS:,} buckets, the first time"),
            Row(f"{place}_whole", "… again, p95", limit=0.05),
            Row(f"{place}_zoom", "… from the whole to the point that stands out, p95 of all zooms", limit=0.05),
        )
    ),
)


def measure(tracker: type[Tracker]) -> Measured:
    """Fill by batches of a thousand, and look."""
    measured = Measured()
    if tracker.module != "autotrack":
        return measured
    for database, _ in DATABASES:
        with closing(Served(tracker, database)) as served, closing(Connection(served.port)) as connection:
            created = connection.ask(post("runs/create", {"experiment_id": "0"}))
            run = json.loads(created)["run"]["info"]["run_id"]
            flood(served.port, [_batch(run, begin) for begin in range(0, POINTS, BATCH)])
            measured.figures |= _figures(database, partial(_asked, connection, run))
    return Measured(measured.figures | _figures("local", _local(tracker)))


def _figures(place: str, ask: Callable[[float, float], list[float | None]]) -> dict[str, float]:
    def look(low: float, high: float) -> None:
        assert 1e6 in ask(low, high), "the point that stands out is not seen"

    first = seconds(lambda: look(0, POINTS - 1))
    whole = [seconds(lambda: look(0, POINTS - 1)) for _ in range(REPEATS)]
    zooms = [seconds(lambda edges=edges: look(*edges)) for edges in _zooms() for _ in range(REPEATS // 4)]  # type: ignore[misc]  # bound at once
    return {f"{place}_first": first, f"{place}_whole": quantile(whole, 0.95), f"{place}_zoom": quantile(zooms, 0.95)}


def _zooms() -> Iterator[tuple[float, float]]:
    width = POINTS - 1
    while width > 1:
        yield max(0, SPIKE - width // 2), min(POINTS - 1, SPIKE + width // 2)
        width //= 4


def _value(step: int) -> float:
    return 1e6 if step == SPIKE else math.sin(step / 1000)


def _batch(run: str, begin: int) -> bytes:
    steps = range(begin, min(begin + BATCH, POINTS))
    points = [{"key": "loss", "value": _value(n), "timestamp": 1_700_000_000_000 + n, "step": n} for n in steps]
    return post("runs/log-batch", {"run_id": run, "metrics": points})


def _asked(connection: Connection, run: str, low: float, high: float) -> list[float | None]:
    asked = urlencode({"run_id": run, "key": "loss", "start": low, "end": high, "points": BUCKETS})
    answer = connection.ask(get(f"history?{asked}", "/api/autotrack"))
    found: list[float | None] = json.loads(answer)["buckets"]["maximum"]
    return found


def _local(tracker: type[Tracker]) -> Callable[[float, float], list[float | None]]:
    from autotrack.store.buckets import Asked  # autotrack's alone

    used: Any = tracker()
    run = used.open()
    log = used.logger()
    for step in range(POINTS):
        log("loss", _value(step), step)
    used.close()
    store = used.api.MlflowClient().store
    return lambda low, high: store.buckets(run, "loss", Asked("step", low, high, BUCKETS)).maximum
