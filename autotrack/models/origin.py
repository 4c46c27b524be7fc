"""What a run knew when it logged a model: its parameters, metrics and data, which go along with the model's files."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autotrack.event import DatasetUsed, Params, Series, decode
from autotrack.journal import points
from autotrack.models.trust import journals

EVENTS = 1 << 20
"""Bytes of each journal that are read, from its beginning: parameters and data sets are told early."""
POINTS = 1 << 15
"""Points of each journal that are read, from its end."""
MOST = 500
"""Parameters, metrics and data sets that go into a model's file, by name; how many are left out is said there."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Parameters, the last value of each metric, and the data sets with their digests."""

    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    datasets: Sequence[Mapping[str, str]] = ()

    def document(self) -> dict[str, Any]:
        """As it stands in an MLmodel file; what is empty is left out."""
        metrics = {key: value if math.isfinite(value) else str(value) for key, value in self.metrics.items()}
        found: dict[str, Any] = {}
        for name, values in (("params", self.params), ("metrics", metrics)):
            if values:
                found[name] = dict(sorted(values.items())[:MOST])
            if len(values) > MOST:
                found[f"{name}_left_out"] = len(values) - MOST
        if self.datasets:
            found["datasets"] = [dict(one) for one in self.datasets[:MOST]]
        return found


def of_run(run_directory: Path, step: int = 0) -> Origin:
    """What lies in a run's journals at this moment, of whatever process; of a model of a certain step, the metrics of
    that step alone. Where there are no journals, nothing."""
    params: dict[str, str] = {}
    datasets: dict[tuple[str, str, str], Mapping[str, str]] = {}
    best: dict[str, points.Point] = {}
    with contextlib.suppress(OSError):  # no journals, or none that can be read: the model is kept without
        for journal in map(Path, journals(run_directory)):
            names: dict[int, str] = {}
            for fact in _facts(journal):
                if isinstance(fact, Params):
                    params.update(fact.values)
                elif isinstance(fact, DatasetUsed):
                    key = (fact.name, fact.digest, fact.context)
                    datasets[key] = dict(zip(("name", "digest", "context"), key, strict=True))
                elif isinstance(fact, Series):
                    names[fact.id] = fact.key
            for key_id, point in _points(journal, names, step).items():
                name = names[key_id]
                if name not in best or point.rank > best[name].rank:
                    best[name] = point
    return Origin(params, {name: point.value for name, point in best.items()}, tuple(datasets.values()))


def _facts(journal: Path) -> list[Any]:
    facts = []
    with journal.open("rb") as file:
        # A line that is cut at the end is no event, and is passed over like any other that is none.
        for line in file.read(EVENTS).split(b"\n"):
            if line.startswith((b'{"e":"params"', b'{"e":"dataset"', b'{"e":"key"')):
                try:
                    found = decode(line)
                except ValueError:
                    continue
                if found:
                    facts.append(found[1])
    return facts


def _points(journal: Path, known: Mapping[int, str], wanted: int) -> Mapping[int, points.Point]:
    """The last point of each metric, or the last one at a step."""
    file = journal.with_name(journal.name.replace("events-", "metrics-", 1)).with_suffix(".bin")
    try:
        size = file.stat().st_size // points.SIZE * points.SIZE
    except OSError:  # nothing was measured yet
        return {}
    start = max(0, size - POINTS * points.SIZE)
    if not wanted:
        return points.latest(file, start, size, known).points
    found = points.read(file, start, size, POINTS)[0]
    rows = zip(found.ids, found.flags, found.steps, found.times, found.values, strict=True)
    return {
        key_id: points.Point(flags, wanted, time, value)
        for key_id, flags, step, time, value in rows
        if step == wanted and key_id in known
    }
