"""The curves of a report: of a few runs, with as many points as can be seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autotrack.analysis import telling
from autotrack.exceptions import AutotrackException
from autotrack.store.metrics import stretches

if TYPE_CHECKING:
    from autotrack.client import Client
    from autotrack.entities import Metric, Run

PANELS = 4
_MOST = 960
"""Points of a curve that are drawn."""


@dataclass(frozen=True, slots=True)
class Curve:
    """What one run logged, thinned; a value that is not finite is ``None``, a gap."""

    name: str
    colour: int
    points: list[tuple[float, float | None]]


@dataclass(frozen=True, slots=True)
class Panel:
    """One metric of several runs."""

    metric: str
    curves: list[Curve]


def panels(client: Client, runs: Sequence[Run], metric: str | None) -> list[Panel]:
    """The metrics of these runs that were logged over several steps, the objective first."""
    keys = telling.metrics_in_order(key for run in runs for key in run.data.metrics)
    keys = [key for key in keys if not key.startswith(("step/", "system/", "live/"))]
    if metric in keys:
        keys = [metric, *(key for key in keys if key != metric)]
    found: list[Panel] = []
    for key in keys:
        if len(found) == PANELS:
            break
        curves: list[Curve] = []
        for place, run in enumerate(runs):
            points = _points(client, run, key) if key in run.data.metrics else []
            if len(points) == 1 and not curves:
                break  # a value at the end of each run is no curve; the others are not asked for
            if points:
                curves.append(Curve(run.info.run_name or run.info.run_id[:8], place, points))
        if curves:
            found.append(Panel(key, curves))
    return found


def _points(client: Client, run: Run, key: str) -> list[tuple[float, float | None]]:
    """By step; of each stretch of a long curve the first, the lowest, the highest and the last value."""
    try:
        points: Sequence[Metric] = client.store.history(run.info.run_id, key, points=_MOST).metrics()
    except AutotrackException as error:
        if error.error_code != "NOT_IMPLEMENTED":  # a server gives curves whole
            raise
        points = client.get_metric_history(run.info.run_id, key)
        if len(points) > _MOST:
            points = [points[place] for place in stretches([point.value for point in points], _MOST // 4)]
    ordered = sorted(points, key=lambda point: (point.step, point.timestamp))
    return [(float(point.step), point.value if math.isfinite(point.value) else None) for point in ordered]
