"""Which hyperparameters mattered, asked of a store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from autotrack.analysis.finding import every_run, experiment_ids, quoted
from autotrack.analysis.importance import Importance, importance

if TYPE_CHECKING:
    from autotrack.client import Client


def importance_of(
    client: Client, metric: str, experiments: str | Sequence[str] | None = None, where: str = ""
) -> Importance:
    """What :func:`~autotrack.analysis.importance.importance` says of the runs of experiments that a filter finds.

    ``metric`` is a metric's name, then its last value counts, or a reading of one such as ``best(val/loss)``.
    """
    ids = experiment_ids(client, experiments)
    runs = list(every_run(client, ids, where))
    field = metric if "(" in metric and metric.endswith(")") else f"metrics.{quoted(metric)}"
    values: dict[str, float | None] = {}
    token: str | None = None
    while ids:
        page = client.run_columns(ids, [field], where, page_token=token)
        values |= dict(zip(page.run_ids, page.values[field], strict=True))
        token = page.token
        if not token:
            break
    return importance(metric, [run.data.params for run in runs], [values.get(run.info.run_id) for run in runs])
