"""What many runs say together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from autotrack import current
from autotrack.fluent.asking import client

if TYPE_CHECKING:
    from autotrack.analysis.importance import Importance
    from autotrack.entities import Run as RunRecord


def best_run(
    metric: str, experiments: str | Sequence[str] | None = None, where: str = "", *, mode: str | None = None,
    last: bool = False,
) -> RunRecord:  # fmt: skip
    """The run that reached the best value of a metric, or whose ``last`` value is the best; raises where none has it.

    ``experiments`` are names or ids, by default the one that new runs belong to; ``where`` is a filter as in
    :func:`search_runs`. ``mode`` "min" or "max" says which values are better where the metric's name does not.
    """
    from autotrack.analysis.best import best_run as best  # slow to load for the other functions

    return best(client(), metric, _chosen(experiments), where, mode, last)


def compare(runs: Sequence[RunRecord | str], *, all_keys: bool = False) -> dict[str, dict[str, list[Any]]]:
    """Runs, given as runs or ids, side by side: for each of params, metrics, data, code and tags the keys in which they
    differ (with ``all_keys`` the others after them), each with a value for every run, ``None`` where it has none."""
    from autotrack.analysis.comparison import compare as compared  # as above
    from autotrack.client.differences import differing  # as above

    found = compared(client(), [run if isinstance(run, str) else run.info.run_id for run in runs])
    return found if all_keys else differing(found)


def metric_history(
    runs: Sequence[RunRecord | str], keys: Sequence[str] | str | None = None, output_format: str | None = None
) -> Any:
    """Every point of some metrics, all by default, of some runs, given as runs or ids, as one long table: ``run_id``,
    ``run_name``, ``metric``, ``step``, ``timestamp`` (ms), ``value``. A pandas data frame where pandas is installed,
    else a list; ``output_format`` "pandas", "polars" or "list" insists."""
    from autotrack.analysis.curves import metric_history as history  # as above

    return history(client(), runs, keys, output_format)


def importance(metric: str, experiments: str | Sequence[str] | None = None, where: str = "") -> Importance:
    """Which hyperparameters mattered for a metric, or for a reading of one such as ``best(val/loss)``.

    By permutation on runs that a random forest has not seen, and by the share of its variance that goes with each
    parameter alone, with uncertainties; beside them the plain correlation. ``experiments`` and ``where`` as for
    :func:`best_run`. Needs scikit-learn, and at least eight runs.
    """
    from autotrack.analysis.question import importance_of  # as above

    return importance_of(client(), metric, _chosen(experiments), where)


def trials(run_id: str, output_format: str | None = None) -> Any:
    """The trials of a search or a study as a table, a row each; the form as in :func:`metric_history`."""
    from autotrack.analysis.trials import trials as tried  # as above

    return tried(client(), run_id, output_format)


def aggregate(
    metrics: Sequence[str] | str, by: Sequence[str] | str | None = None,
    experiments: str | Sequence[str] | None = None, where: str = "", output_format: str | None = None,
) -> Any:  # fmt: skip
    """Mean, standard deviation, minimum and maximum of metrics over groups of runs, a row each.

    ``by`` names the parameters that tell the groups; by default those runs are one group that differ only in their
    seeds. ``experiments`` and ``where`` as for :func:`best_run`, the form as in :func:`metric_history`.
    """
    from autotrack.analysis.finding import every_run, experiments_named  # as above
    from autotrack.analysis.groups import aggregate as grouped  # as above

    asked = client()
    among = experiments_named(asked, _chosen(experiments))
    return grouped(list(every_run(asked, among, where)), metrics, by, output_format)


def _chosen(experiments: str | Sequence[str] | None) -> str | Sequence[str]:
    return [current.current_experiment()[0]] if experiments is None else experiments
