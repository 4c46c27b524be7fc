"""The curves of metrics, whole, by page, by range, and thinned."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import msgspec

from autotrack.entities import Metric
from autotrack.exceptions import AutotrackException
from autotrack.server import limits
from autotrack.server.experiments import paged
from autotrack.server.request import Asked
from autotrack.server.route import Routes
from autotrack.server.service import Service
from autotrack.store.buckets import Asked as Wanted
from autotrack.store.buckets import Buckets
from autotrack.store.metrics import History, Place
from autotrack.wire.messages import METRIC, OWN
from autotrack.wire.values import DOUBLE, INTEGER, TEXT, Kind, several

ROUTES = Routes()
Document = dict[str, Any]
LARGEST, RUNS, INTERVAL = 25_000, 100, 2500
EXACTLY = 20_000
"""Points of a curve that is thinned as MLflow does it; of a longer one the extremes of each stretch are what is left
before that."""


class GetHistory(Asked):
    run_id: str
    metric_key: str
    max_results: int | None = None
    page_token: str | None = None


class GetBulk(Asked):
    """``run_id`` may be repeated."""

    metric_key: str = ""
    run_id: tuple[str, ...] = ()
    max_results: int | None = None


class GetInterval(Asked):
    metric_key: str
    run_ids: tuple[str, ...]
    start_step: int | None = None
    end_step: int | None = None
    max_results: int | None = None


class GetBuckets(Asked):
    """``axis`` is step or time; ``start`` and ``end``, both included, are steps or ms since 1970."""

    run_id: str
    key: str
    axis: str = "step"
    start: float | None = None
    end: float | None = None
    points: int = 500


class Curve(msgspec.Struct):
    """A metric of a run, or the part of it from ``start`` to ``end``, both included."""

    run_id: str
    key: str
    start: float | None = None
    end: float | None = None


class GetCurves(Asked):
    """``columns`` are the names of those that are wanted; all of them where there is none."""

    curves: tuple[Curve, ...]
    axis: str = "step"
    points: int = 500
    columns: tuple[str, ...] = ()


_COLUMNS = tuple(one.name for one in fields(Buckets) if one.name not in ("axis", "width"))
_BUCKETS = Kind({
    "type": "object",
    "properties": {name: {"type": "array", "items": {"type": ["number", "null"]}} for name in _COLUMNS},
})  # fmt: skip
_CURVE = Kind({
    "type": "object",
    "properties": {"width": DOUBLE.schema, "points": INTEGER.schema, "buckets": _BUCKETS.schema},
})  # fmt: skip
CURVES, ALL_BUCKETS = 200, 200_000
"""Curves of one answer, and the buckets of all of them together."""


@ROUTES("GET", "mlflow/metrics/get-history", GetHistory, metrics=several(METRIC.kind), next_page_token=TEXT)
def get_history(service: Service, asked: GetHistory) -> Document:
    """The points of a metric by time: all of them, or with max_results one page."""
    service.run(asked.run_id)
    if asked.max_results is None and not asked.page_token:
        found = service.store.history(asked.run_id, asked.metric_key)
        return paged("metrics", documents(found, 0, len(found)), None)
    most = limits.page(asked.max_results, LARGEST, LARGEST)
    after = _place(asked.page_token, asked.run_id, asked.metric_key)
    found, ends = service.store.history_page(asked.run_id, asked.metric_key, most, after)
    more = None if ends is None else _token(ends, asked.run_id, asked.metric_key)
    return paged("metrics", documents(found, 0, len(found)), more)


@ROUTES("GET", "mlflow/metrics/get-history-bulk", GetBulk, metrics=several(METRIC.kind))
def get_bulk(service: Service, asked: GetBulk) -> Document:
    """The points of a metric of several runs."""
    if not asked.run_id:
        raise AutotrackException.invalid("GetMetricHistoryBulk request must specify at least one run_id.")
    if len(asked.run_id) > RUNS:
        raise AutotrackException.invalid(
            f"GetMetricHistoryBulk request cannot specify more than {RUNS} run_ids. Received {len(asked.run_id)} "
            "run_ids."
        )
    if not asked.metric_key:
        raise AutotrackException.invalid("GetMetricHistoryBulk request must specify a metric_key.")
    most = min(asked.max_results or LARGEST, LARGEST)
    found: list[Document] = []
    for run_id in sorted(set(asked.run_id)):
        if len(found) >= most:
            break
        service.run(run_id)
        curve, _ = service.store.history_page(run_id, asked.metric_key, most - len(found))
        found += [{**one, "run_id": run_id} for one in documents(curve, 0, len(curve))]
    return paged("metrics", found, None)


@ROUTES("GET", "mlflow/metrics/get-history-bulk-interval", GetInterval, metrics=several(METRIC.kind))
def get_interval(service: Service, asked: GetInterval) -> Document:
    """The points of a metric of several runs between two steps, thinned to what a chart can show."""
    if len(asked.run_ids) > RUNS:
        raise AutotrackException.invalid(
            f"GetMetricHistoryBulkInterval request must specify at most {RUNS} run_ids. Received {len(asked.run_ids)} "
            "run_ids."
        )
    if (asked.start_step is None) != (asked.end_step is None):
        raise AutotrackException.invalid(
            "If either start step or end step are specified, both start step and end step must be specified."
        )
    if asked.start_step is not None and asked.end_step is not None and asked.start_step > asked.end_step:
        raise AutotrackException.invalid(
            f"end_step must be greater than start_step. Found start_step={asked.start_step} and end_step="
            f"{asked.end_step}."
        )
    most = INTERVAL if asked.max_results is None else asked.max_results
    if not 1 <= most <= INTERVAL:
        raise AutotrackException.invalid(f"max_results must be between 1 and {INTERVAL}.")
    found: list[Document] = []
    for run_id in dict.fromkeys(asked.run_ids):
        service.run(run_id)
        curve = service.store.history(run_id, asked.metric_key, asked.start_step, asked.end_step, EXACTLY)
        points = sorted(curve.metrics(), key=lambda one: (one.step, one.timestamp))
        found += [METRIC.write(one) for one in thinned(points, most)]
    return paged("metrics", found, None)


@ROUTES("GET", f"{OWN}/history", GetBuckets, axis=TEXT, width=DOUBLE, points=INTEGER, buckets=_BUCKETS)
def get_buckets(service: Service, asked: GetBuckets) -> Document:
    """A metric of a run at a zoom: along the steps or the time, from start to end, in at most so many buckets, with
    the number of points of each, and its first, last, least and greatest finite value; null where it has none."""
    run = service.run(asked.run_id)
    found = service.store.buckets(run.info.run_id, asked.key, Wanted(asked.axis, asked.start, asked.end, asked.points))
    return {"axis": found.axis, **_drawn(found, _COLUMNS)}


@ROUTES("POST", f"{OWN}/history", GetCurves, reads=True, axis=TEXT, curves=several(_CURVE))
def get_curves(service: Service, asked: GetCurves) -> Document:
    """The same of many curves at once, in their order, each with a part of its own: what a chart is drawn from."""
    if len(asked.curves) > CURVES or len(asked.curves) * asked.points > ALL_BUCKETS:
        raise AutotrackException.invalid(
            f"{len(asked.curves)} curves of {asked.points} buckets are asked for; at most {CURVES} are answered at "
            f"once, and {ALL_BUCKETS} buckets"
        )
    unknown = sorted(set(asked.columns).difference(_COLUMNS))
    if unknown:
        raise AutotrackException.invalid(
            f"buckets have no column {unknown[0][:100]!r}; they have {', '.join(_COLUMNS)}"
        )
    curves = [
        service.store.buckets(
            limits.identifier(one.run_id, "run id"), one.key, Wanted(asked.axis, one.start, one.end, asked.points)
        )
        for one in asked.curves
    ]
    return {"axis": asked.axis, "curves": [_drawn(one, asked.columns or _COLUMNS) for one in curves]}


def _drawn(found: Buckets, names: Sequence[str]) -> Document:
    columns = {name: [one if one == one else None for one in getattr(found, name)] for name in names}
    return {"width": found.width, "points": sum(found.count), "buckets": columns}


def documents(curve: History, start: int, end: int) -> list[Document]:
    """Some points of a curve in JSON; whose they are the request says.

    As :data:`METRIC` writes them, without an entity for each: a page has 25,000.
    """
    key, found = curve.key, list[Document]()
    rows = range(start, min(end, len(curve)))
    plain = not curve.exact and not any(any(of) for of in curve.of[start:end])
    for row in rows:
        value, step = curve.values[row], curve.steps[row]
        if plain and value - value == 0 and type(step) is int:
            found.append({"key": key, "value": value, "timestamp": curve.times[row], "step": step})
        else:
            point = Metric(key, curve.exact.get(row, value), curve.times[row], step, *curve.of[row])
            found.append(METRIC.write(point))
    return found


def thinned(points: Sequence[Metric], most: int) -> Sequence[Metric]:
    """The first point of each of ``most`` stretches of equal length, and the last point of all."""
    count = len(points)
    if count <= most:
        return points
    # As SQL's NTILE divides: the first stretches have one point more.
    size, longer = divmod(count, most)
    starts = [number * size + min(number, longer) for number in range(most)]
    starts[-1] = count - 1
    return [points[start] for start in starts]


def _token(ends: Place, run_id: str, key: str) -> str:
    return urlsafe_b64encode(json.dumps([*ends, run_id, key]).encode()).decode("ascii")


def _place(token: str | None, run_id: str, key: str) -> Place | None:
    if not token:
        return None
    try:
        time, given, of_run, of_key = json.loads(urlsafe_b64decode(token.encode("ascii")))
    except (ValueError, TypeError):
        raise AutotrackException.invalid(f"{token[:40]!r} is no page token; pass the one of the page before") from None
    whole = all(type(one) is int and abs(one) < 2**63 for one in (time, given)) and given >= 0
    if (of_run, of_key) != (run_id, key) or not whole:
        raise AutotrackException.invalid("the page token belongs to another metric; pass the one of the page before")
    return time, given
