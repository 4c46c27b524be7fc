"""The best run by a metric."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from autotrack.analysis.finding import better, experiments_named, quoted
from autotrack.entities import Run
from autotrack.exceptions import AutotrackException
from autotrack.store.search.parse import parse_filter
from autotrack.store.search.vocabulary import RUNS

if TYPE_CHECKING:
    from autotrack.client import Client


class Ranked(NamedTuple):
    """A run and the value that it is ranked by."""

    run: Run
    value: float


def best_runs(
    client: Client, metric: str, experiments: str | Sequence[str] | None = None, where: str = "",
    mode: str | None = None, last: bool = False, count: int = 1,
) -> list[Ranked]:  # fmt: skip
    """The ``count`` best runs by the best value that a metric reached in each, or by its ``last`` one; the best first.

    ``mode`` "min" or "max" says which values are better where the metric's name does not. Runs without the metric, and
    those where it was never a number, are left out.
    """
    parse_filter(where, RUNS)  # what is wrong with it is told in its own words, not in those of the question below
    among = experiments_named(client, experiments)
    sign = better(metric, among.values(), mode)
    field = f"metrics.{quoted(metric)}" if last else f"{'min' if sign < 0 else 'max'}({quoted(metric)})"
    # NaN is not equal to itself, nor is what a run lacks.
    has = f"{field} IS NOT NULL AND NOT {field} = nan"
    order = f"{field} {'ASC' if sign < 0 else 'DESC'}"
    filled = f"({where}) AND {has}" if where.strip() else has
    page = client.run_columns(list(among), [field], filled, [order], count)
    return [Ranked(client.get_run(one), value) for one, value in zip(page.run_ids, page.values[field], strict=True)]


def best_run(
    client: Client, metric: str, experiments: str | Sequence[str] | None = None, where: str = "",
    mode: str | None = None, last: bool = False,
) -> Run:  # fmt: skip
    """The best run by a metric, see :func:`best_runs`; raises where no run has it."""
    found = best_runs(client, metric, experiments, where, mode, last)
    if not found:
        raise AutotrackException.missing(f"no run {'that fits ' if where else ''}has a value of the metric {metric!r}")
    return found[0].run
