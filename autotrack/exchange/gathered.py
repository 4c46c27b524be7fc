"""A run that is put together from what the files of another tracker tell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from autotrack.entities import Experiment, Metric, Run, RunData, RunInfo
from autotrack.exchange.record import File, Record
from autotrack.files import relative
from autotrack.journal.format import experiment_id as id_of
from autotrack.store.fold import NAME_TAG, USER_TAG


@dataclass(slots=True)
class Gathered:
    """What is known of a run so far; times in ms. Without a ``status`` nobody knows how it has ended."""

    experiment: str
    name: str
    run_id: str
    start: int | None = None
    end: int | None = None
    status: str = "RUNNING"
    user: str = ""
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    curves: dict[str, list[Metric]] = field(default_factory=dict)
    files: list[File] = field(default_factory=list)

    def point(self, key: str, value: float, when: int, step: int | float) -> None:
        """Add a point to a curve."""
        self.curves.setdefault(key, []).append(Metric(key, value, max(when, 0), step))

    def file(self, path: str, content: bytes) -> None:
        """Add a small file."""
        self.files.append(File(relative(path), len(content), lambda target: target.write_bytes(content)))

    def record(self) -> Record:
        """The run as it goes elsewhere."""
        times = [one.timestamp for curve in self.curves.values() for one in curve]
        start = min(times, default=0) if self.start is None else self.start
        end = self.end if self.end is not None else max(times, default=start)
        info = RunInfo(
            self.run_id, id_of(self.experiment), self.user, self.status, start,
            None if self.status == "RUNNING" else max(end, start), "active", None, self.name or None,
        )  # fmt: skip
        own = {NAME_TAG: self.name, USER_TAG: self.user}
        tags = {**{key: value for key, value in own.items() if value}, **self.tags}
        run = Run(info, RunData({}, self.params, tags))
        curves, files = self.curves, {one.path: one for one in self.files}
        return Record(run, self.experiment, (), lambda: [curves[key] for key in sorted(curves)], files.values)


def run_id(*identity: str) -> str:
    """An id for a run that another tracker knows by a name: the same each time."""
    return sha256("\0".join(identity).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def experiment(name: str) -> Experiment:
    """An experiment of which only the name is known."""
    return Experiment(id_of(name), name, "", "active")


def flat(values: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """Nested dictionaries as texts by keys with dots between."""
    found: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{before}{key}.")
        else:
            found[f"{before}{key}"] = value if isinstance(value, str) else json.dumps(value)
    return found
