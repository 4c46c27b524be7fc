"""Which hyperparameters mattered, asked of a store."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from autotrack.analysis.finding import better, every_columns, every_run, experiments_named
from autotrack.analysis.importance import Importance, importance
from autotrack.exceptions import AutotrackException
from autotrack.store.search.parse import parse_field
from autotrack.store.search.tree import Field, Kind, Reading
from autotrack.store.search.vocabulary import RUNS

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
    try:
        columns = every_columns(client, ids, [metric], where)
    except AutotrackException as error:
        if error.error_code != "NOT_IMPLEMENTED":
            raise
        return _read(client, runs, parse_field(metric, RUNS))
    found = dict(zip(columns.run_ids, columns.values[metric], strict=True))
    return [found.get(run.info.run_id) for run in runs]


def _read(client: Client, runs: Sequence[Run], field: Field) -> list[float | None]:
    """The same from every point, of a server that has no readings: NaN is none, as a store has it."""
    reading = _READINGS.get(field.reading)
    if field.reading is Reading.BEST:
        ids = {run.info.experiment_id for run in runs}
        sign = better(field.key, [client.get_experiment(one) for one in ids])
        reading = min if sign < 0 else max
    if field.kind is not Kind.METRIC or reading is None:
        raise AutotrackException.invalid(f"{field.key!r} is no metric or reading of one, such as best({field.key})")
    found: list[float | None] = []
    for run in runs:
        points = client.get_metric_history(run.info.run_id, field.key) if field.key in run.data.metrics else []
        values = [one.value for one in points if not math.isnan(one.value)]
        found.append(reading(values) if values else None)
    return found


_READINGS: dict[Reading, Callable[[list[float]], float]] = {
    Reading.MINIMUM: min,
    Reading.MAXIMUM: max,
    Reading.MEAN: fmean,
    Reading.COUNT: len,
    Reading.FIRST: lambda values: values[0],
    Reading.LAST: lambda values: values[-1],
}
