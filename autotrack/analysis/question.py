"""Which hyperparameters mattered, asked of a store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from autotrack.analysis.finding import every_run, experiments_named
from autotrack.analysis.importance import Importance, importance

if TYPE_CHECKING:
    from autotrack.client import Client
    from autotrack.entities import Run


def importance_of(
    client: Client, metric: str, experiments: str | Sequence[str] | None = None, where: str = ""
) -> Importance:
    """What :func:`~autotrack.analysis.importance.importance` says of the runs of experiments that a filter finds.

    ``metric`` is a metric's name, then its last value counts, or a reading of one such as ``best(val/loss)``.
    """
    ids = list(experiments_named(client, experiments))
    runs = list(every_run(client, ids, where))
    values = readings(client, ids, runs, metric, where)
    return importance(metric, [run.data.params for run in runs], values)


def readings(client: Client, ids: list[str], runs: Sequence[Run], metric: str, where: str = "") -> list[float | None]:
    """What each run has of a metric, or of a reading of one; the runs are those of these experiments that a filter
    finds."""
    if not metric.endswith(")") or any(metric in run.data.metrics for run in runs):
        return [run.data.metrics.get(metric) for run in runs]
    found: dict[str, float | None] = {}
    token: str | None = None
    while ids:
        page = client.run_columns(ids, [metric], where, page_token=token)
        found |= dict(zip(page.run_ids, page.values[metric], strict=True))
        token = page.token
        if not token:
            break
    return [found.get(run.info.run_id) for run in runs]
