"""Runs that differ in nothing but their seed, taken together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, NamedTuple

from autotrack.analysis.frames import framed

if TYPE_CHECKING:
    from autotrack.entities import Run

SEEDS = ("seed", "random_state", "random_seed", "manual_seed", "global_seed")
"""Parameters that are drawn rather than chosen, also at the end of a longer name, as in ``model__random_state``."""


class Spread(NamedTuple):
    """How some finite numbers lie: ``std`` is that of the sample. NaN for what so few numbers do not have."""

    mean: float = math.nan
    std: float = math.nan
    min: float = math.nan
    max: float = math.nan


def spread(values: Iterable[float | None]) -> Spread:
    """The spread of those values that are finite numbers."""
    some = [value for value in values if value is not None and math.isfinite(value)]
    if not some:
        return Spread()
    return Spread(fmean(some), stdev(some) if len(some) > 1 else math.nan, min(some), max(some))


def aggregate(
    runs: Sequence[Run], metrics: Sequence[str] | str, by: Sequence[str] | str | None = None,
    output_format: str | None = None,
) -> Any:  # fmt: skip
    """A row for each group of runs: the parameters in ``by``, ``runs``, and for each metric its ``mean``, ``std`` (of
    the sample), ``min`` and ``max`` over the runs of the group, as ``<metric>.mean``; NaN is left out.

    Without ``by`` the groups are the runs that agree in every parameter but seeds, told by those in which they differ.
    """
    metrics = [metrics] if isinstance(metrics, str) else list(metrics)
    keys = [by] if isinstance(by, str) else chosen(runs) if by is None else list(by)
    groups = {told: [runs[n] for n in places] for told, places in grouped(runs, keys).items()}
    columns: dict[str, list[Any]] = {key: [group[n] for group in groups] for n, key in enumerate(keys)}
    columns["runs"] = [len(some) for some in groups.values()]
    for metric in metrics:
        spreads = [spread(run.data.metrics.get(metric) for run in some) for some in groups.values()]
        columns |= {f"{metric}.{name}": [getattr(one, name) for one in spreads] for name in Spread._fields}
    return framed(columns, output_format)


def grouped(runs: Sequence[Run], keys: Sequence[str]) -> dict[tuple[str | None, ...], list[int]]:
    """The places of the runs that have the same values of these parameters, by the values."""
    groups: dict[tuple[str | None, ...], list[int]] = {}
    for place, run in enumerate(runs):
        groups.setdefault(tuple(run.data.params.get(key) for key in keys), []).append(place)
    return groups


def chosen(runs: Sequence[Run]) -> list[str]:
    """The parameters in which runs differ, but for seeds."""
    keys = sorted({key for run in runs for key in run.data.params})
    different = [key for key in keys if len({run.data.params.get(key) for run in runs}) > 1]
    return [key for key in different if not is_seed(key)]


def is_seed(key: str) -> bool:
    """Whether a parameter is a seed, by its name."""
    return key.replace(".", "__").replace("/", "__").split("__")[-1].lower() in SEEDS
