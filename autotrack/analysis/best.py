"""The best run by a metric."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from autotrack.analysis.finding import better, every_run, experiments_named
from autotrack.analysis.question import readings
from autotrack.entities import Run
from autotrack.exceptions import AutotrackException
from autotrack.store.search.tokens import quoted

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
    among = experiments_named(client, experiments)
    try:
        sign = better(metric, among.values(), mode)
    except AutotrackException:
        if mode is None and _nobody_has(client, list(among), metric, where):
            return []
        raise
    field = f"metrics.{quoted(metric)}" if last else f"{'min' if sign < 0 else 'max'}({quoted(metric)})"
    order = f"{field} {'ASC' if sign < 0 else 'DESC'}"  # NaN and what lacks the metric come last either way
    try:
        page = client.run_columns(list(among), [field], where, [order], count)
    except AutotrackException as error:
        if error.error_code != "NOT_IMPLEMENTED":
            raise
        return _ranked(client, list(among), field, where, sign)[:count]
    found = zip(page.run_ids, page.values[field], strict=True)
    return [Ranked(client.get_run(one), value) for one, value in found if _is_number(value)]


def _ranked(client: Client, ids: list[str], field: str, where: str, sign: int) -> list[Ranked]:
    """The runs of a server that does not order by a reading."""
    runs = list(every_run(client, ids, where))
    pairs = zip(runs, readings(client, ids, runs, field, where), strict=True)
    found = [Ranked(run, value) for run, value in pairs if value is not None and _is_number(value)]
    return sorted(found, key=lambda one: -sign * one.value)


def _nobody_has(client: Client, ids: list[str], metric: str, where: str) -> bool:
    """Whether no run has a metric, so that it does not matter which of its values are better."""
    has = f"metrics.{quoted(metric)} IS NOT NULL"
    try:
        asked = f"({where}) AND {has}" if where.strip() else has
        return not client.run_columns(ids, ["run_id"], asked, None, 1).run_ids
    except AutotrackException as error:
        if error.error_code != "NOT_IMPLEMENTED":
            raise
        return False  # a server that cannot say


def _is_number(value: float | None) -> bool:
    return value is not None and not math.isnan(value)


def best_run(
    client: Client, metric: str, experiments: str | Sequence[str] | None = None, where: str = "",
    mode: str | None = None, last: bool = False,
) -> Run:  # fmt: skip
    """The best run by a metric, see :func:`best_runs`; raises where no run has it."""
    found = best_runs(client, metric, experiments, where, mode, last)
    if not found:
        raise AutotrackException.missing(f"no run {'that fits ' if where else ''}has a value of the metric {metric!r}")
    return found[0].run
