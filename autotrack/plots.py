"""Figures of what was recorded, a call each. They are plotly's: a notebook shows them, :func:`save` keeps them.

``runs`` are what :func:`autotrack.search_runs` gives with ``output_format="list"``, or ids; left out, the runs of
``experiments`` (names or ids; by default the experiment that new runs belong to) that the filter ``where`` finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack import current
from autotrack.analysis import plots
from autotrack.analysis.finding import every_run, experiments_named
from autotrack.analysis.question import importance_of
from autotrack.fluent.asking import client

if TYPE_CHECKING:
    from autotrack.entities import Run

__all__ = ["box", "contour", "history", "importance", "parallel", "save", "scatter"]

Runs = Sequence["Run | str"] | None
Experiments = str | Sequence[str] | None


def history(
    metric: str, runs: Runs = None, *, experiments: Experiments = None, where: str = "", log: bool = False
) -> Any:
    """The curves of a metric, a line for each run; ``log`` draws the values on a logarithmic axis."""
    return plots.history(client(), _runs(runs, experiments, where), metric, log)


def parallel(
    metric: str, params: Sequence[str] | None = None, runs: Runs = None, *, experiments: Experiments = None,
    where: str = "",
) -> Any:  # fmt: skip
    """A line for each run through its parameters (by default all that differ but seeds) to its value of a metric."""
    return plots.parallel(_runs(runs, experiments, where), metric, params)


def scatter(
    x: str, y: str, color: str | None = None, runs: Runs = None, *, experiments: Experiments = None, where: str = ""
) -> Any:
    """A point for each run; ``x``, ``y`` and ``color`` name metrics or parameters."""
    return plots.scatter(_runs(runs, experiments, where), x, y, color)


def contour(x: str, y: str, metric: str, runs: Runs = None, *, experiments: Experiments = None, where: str = "") -> Any:
    """How a metric goes with two numeric parameters."""
    return plots.contour(_runs(runs, experiments, where), x, y, metric)


def importance(metric: str, *, experiments: Experiments = None, where: str = "") -> Any:
    """Which hyperparameters mattered, see :func:`autotrack.importance`."""
    return plots.importances(importance_of(client(), metric, _chosen(experiments), where))


def box(metric: str, by: str, runs: Runs = None, *, experiments: Experiments = None, where: str = "") -> Any:
    """How a metric spreads within each value of a parameter, such as over seeds."""
    return plots.box(_runs(runs, experiments, where), metric, by)


def save(figure: Any, path: str | Path) -> Path:
    """Write a figure as HTML that needs nothing else, or as an image by the ending of the path."""
    return plots.save(figure, path)


def _runs(runs: Runs, experiments: Experiments, where: str) -> list[Run]:
    asked = client()
    if runs is None:
        return list(every_run(asked, experiments_named(asked, _chosen(experiments)), where))
    return [asked.get_run(run) if isinstance(run, str) else run for run in runs]


def _chosen(experiments: Experiments) -> str | Sequence[str]:
    return [current.current_experiment()[0]] if experiments is None else experiments
