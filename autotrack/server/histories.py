"""The curves of metrics, whole, by page, by range, and thinned."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

from autotrack.exceptions import AutotrackException
from autotrack.server import limits
from autotrack.server.experiments import paged
from autotrack.server.request import Asked
from autotrack.server.route import Routes
from autotrack.server.service import Service
from autotrack.wire.messages import METRIC
from autotrack.wire.values import TEXT, several

ROUTES = Routes()
Document = dict[str, Any]
LARGEST, RUNS, INTERVAL = 25_000, 100, 2500


class GetHistory(Asked):
    run_id: str
    metric_key: str
    max_results: int | None = None
    page_token: str | None = None


class GetBulk(Asked):
    """``run_id`` may be repeated."""

    metric_key: str
    run_id: tuple[str, ...] = ()
    max_results: int | None = None


class GetInterval(Asked):
    metric_key: str
    run_ids: tuple[str, ...] = ()
    start_step: int | None = None
    end_step: int | None = None
    max_results: int | None = None


@ROUTES("GET", "mlflow/metrics/get-history", GetHistory, metrics=several(METRIC.kind), next_page_token=TEXT)
def get_history(service: Service, asked: GetHistory) -> Document:
    """The points of a metric by time: all of them, or with max_results one page."""
    service.run(asked.run_id)
    if asked.max_results is None and not asked.page_token:
        found = service.store.history(asked.run_id, asked.metric_key)
        return {"metrics": [METRIC.write(one) for one in found.metrics()]}
    most = limits.page(asked.max_results, LARGEST, LARGEST)
    start = _offset(asked.page_token, asked.run_id, asked.metric_key)
    found = service.store.history(asked.run_id, asked.metric_key)
    rows = found.metrics()
    page = [METRIC.write(one) for one in rows[start : start + most]]
    more = _token(start + most, asked.run_id, asked.metric_key) if len(rows) > start + most else None
    return paged("metrics", page, more)


@ROUTES("GET", "mlflow/metrics/get-history-bulk", GetBulk, metrics=several(METRIC.kind))
def get_bulk(service: Service, asked: GetBulk) -> Document:
    """The points of a metric of several runs."""
    if not asked.run_id:
        raise AutotrackException.invalid("GetMetricHistoryBulk request must specify at least one run_id.")
    _few(asked.run_id, "GetMetricHistoryBulk")
    most = min(asked.max_results or LARGEST, LARGEST)
    found: list[Document] = []
    for run_id in sorted(set(asked.run_id)):
        if len(found) >= most:
            break
        service.run(run_id)
        rows = service.store.history(run_id, asked.metric_key).metrics()
        found += [METRIC.write(one) for one in rows[: most - len(found)]]
    return {"metrics": found}


@ROUTES("GET", "mlflow/metrics/get-history-bulk-interval", GetInterval, metrics=several(METRIC.kind))
def get_interval(service: Service, asked: GetInterval) -> Document:
    """The points of a metric of several runs between two steps, thinned to what a chart can show."""
    if not asked.run_ids:
        raise AutotrackException.invalid("Missing value for required parameter 'run_ids'.")
    _few(asked.run_ids, "GetMetricHistoryBulkInterval")
    if (asked.start_step is None) != (asked.end_step is None):
        raise AutotrackException.invalid(
            "If either start step or end step are specified, both start step and end step must be specified."
        )
    if asked.start_step is not None and asked.end_step is not None and asked.start_step > asked.end_step:
        raise AutotrackException.invalid(
            f"end_step must be greater than start_step. Found start_step={asked.start_step} and end_step="
            f"{asked.end_step}."
        )
    most = limits.page(asked.max_results, INTERVAL, INTERVAL)
    found: list[Document] = []
    for run_id in dict.fromkeys(asked.run_ids):
        service.run(run_id)
        curve = service.store.history(run_id, asked.metric_key, asked.start_step, asked.end_step, most)
        found += [METRIC.write(one) for one in curve.metrics()]
    return {"metrics": found}


def _few(run_ids: Sequence[str], name: str) -> None:
    if len(run_ids) > RUNS:
        raise AutotrackException.invalid(
            f"{name} request cannot specify more than {RUNS} run_ids. Received {len(run_ids)} run_ids."
        )


def _token(offset: int, run_id: str, key: str) -> str:
    return urlsafe_b64encode(json.dumps([offset, run_id, key]).encode()).decode("ascii")


def _offset(token: str | None, run_id: str, key: str) -> int:
    if not token:
        return 0
    try:
        offset, of_run, of_key = json.loads(urlsafe_b64decode(token.encode("ascii")))
    except (ValueError, TypeError):
        raise AutotrackException.invalid(f"{token[:40]!r} is no page token; pass the one of the page before") from None
    if (of_run, of_key) != (run_id, key) or type(offset) is not int or offset < 1:
        raise AutotrackException.invalid("the page token belongs to another metric; pass the one of the page before")
    return offset
