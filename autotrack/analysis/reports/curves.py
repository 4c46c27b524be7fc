"""The curves of a report: of a few runs, with as many points as can be seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autotrack.analysis import telling

if TYPE_CHECKING:
    from autotrack.client import Client
    from autotrack.entities import Metric, Run

PANELS = 4
_SEEN = 240
"""Stretches of a drawing of which the lowest and the highest value are kept."""


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
                curves.append(Curve(run.info.run_name or run.info.run_id[:8], place, thinned(points)))
        if curves:
            found.append(Panel(key, curves))
    return found


def _points(client: Client, run: Run, key: str) -> list[tuple[float, float]]:
    points: list[Metric] = client.get_metric_history(run.info.run_id, key)
    ordered = sorted(points, key=lambda point: (point.step, point.timestamp))
    return [(float(point.step), point.value) for point in ordered]


def thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float | None]]:
    """Of each stretch of a long curve the first point, the lowest, the highest, and a gap where there is one."""
    shown: list[tuple[float, float | None]] = [(at, value if math.isfinite(value) else None) for at, value in points]
    if len(shown) <= 2 * _SEEN:
        return shown
    low, high = shown[0][0], shown[-1][0]
    stretches: dict[int, list[int]] = {}
    for place, (at, _) in enumerate(shown):
        part = int((at - low) / (high - low) * (_SEEN - 1)) if high > low else place * _SEEN // len(shown)
        stretches.setdefault(part, []).append(place)
    kept: set[int] = {0, len(shown) - 1}
    for places in stretches.values():
        finite = [place for place in places if shown[place][1] is not None]
        kept.update(place for place in places if shown[place][1] is None and place in places[-1:])
        if finite:
            kept.add(min(finite, key=lambda place: shown[place][1] or 0.0))
            kept.add(max(finite, key=lambda place: shown[place][1] or 0.0))
    return [shown[place] for place in sorted(kept)]
