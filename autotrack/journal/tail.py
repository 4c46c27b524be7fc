"""What a run's journal holds beyond what somebody has taken from it already, in an order that can be acknowledged."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autotrack.event import Ended, Exact, Joined, Process, RunCreated, Series
from autotrack.journal.format import EXACT
from autotrack.journal.points import Columns
from autotrack.journal.points import read as read_points
from autotrack.journal.reader import Line, RunFiles, events_name, metrics_name, read_events, run_files


@dataclass(frozen=True, slots=True)
class Place:
    """An event, and where in which file the next one begins."""

    line: Line
    file: str
    end: int


@dataclass(frozen=True, slots=True)
class Points:
    """Points of one file, whole records between two offsets."""

    file: str
    writer: str
    start: int
    end: int
    columns: Columns


@dataclass(slots=True)
class Tail:
    """The end of a run's journal. Each file's events come in its own order, those of several files by time."""

    directory: Path
    series: dict[tuple[str, int], Series] = field(default_factory=dict)
    """What each writer's key ids stand for."""
    keys: set[str] = field(default_factory=set)
    """The names of its metrics."""
    exact: dict[tuple[str, int, int | float, int], str] = field(default_factory=dict)
    """The texts of integers that a float64 rounds, by writer, key id, step and time."""
    processes: dict[str, Process | None] = field(default_factory=dict)
    created: Line | None = None
    read: dict[str, int] = field(default_factory=dict)
    """How far each file of events was read."""
    _last: Line | None = None
    _lines: dict[str, list[Place]] = field(default_factory=dict)

    def look(self, taken: Mapping[str, int]) -> RunFiles | None:
        """Read what was written since the last look, and forget what has been ``taken``; offsets are by file name.

        Gives the files as they were before their events were read, so that every point in them is announced.
        """
        files = run_files(self.directory)
        for writer in sorted(files.events) if files else ():
            name = events_name(writer)
            if files is not None and self.read.get(name, 0) < files.events[writer]:
                self._take(writer, name)
            kept = self._lines.get(name, [])
            if kept and kept[0].end <= taken.get(name, 0):
                self._lines[name] = [one for one in kept if one.end > taken.get(name, 0)]
        return files

    @property
    def ended(self) -> bool:
        """Whether the run's end is the last thing that was written about its life."""
        return self._last is not None and isinstance(self._last.event, Ended)

    def events(self) -> Iterator[Place]:
        """The events that nobody has taken yet."""
        return heapq.merge(*self._lines.values(), key=lambda place: place.line.order)

    def points(
        self, files: RunFiles, taken: Mapping[str, int], most: int, until: Mapping[str, int] | None = None
    ) -> Iterator[Points]:
        """The points that nobody has taken yet, file by file, at most so many at once. A stretch that reaches to
        ``until`` is not longer than that."""
        for writer, size in sorted(files.metrics.items()):
            name = metrics_name(writer)
            start = taken.get(name, 0)
            while start < size:
                before = (until or {}).get(name, 0)
                columns, end = read_points(self.directory / name, start, before if before > start else size, most)
                if end <= start:  # a torn record, which may still grow
                    break
                yield Points(name, writer, start, end, columns)
                start = end

    def text(self, points: Points, row: int) -> str | None:
        """The text of a value that its float64 rounds."""
        columns = points.columns
        if not columns.flags[row] & EXACT:
            return None
        return self.exact.get((points.writer, columns.ids[row], columns.steps[row], columns.times[row]))

    def _take(self, writer: str, name: str) -> None:
        found = read_events(self.directory / name, self.read.get(name, 0))
        self.read[name] = found.end
        ends = [line.offset for line in found.lines[1:]] + [found.end]
        for line, end in zip(found.lines, ends, strict=True):
            match line.event:
                case Series(id=key_id):
                    self.series[writer, key_id] = line.event
                    self.keys.add(line.event.key)
                case Exact(id=key_id, step=step, time=time, text=text):
                    self.exact[writer, key_id, step, time] = text
                case RunCreated() | Joined():
                    self.processes[writer] = line.event.process
                    if isinstance(line.event, RunCreated) and self.created is None:
                        self.created = line
            if isinstance(line.event, RunCreated | Joined | Ended) and (
                self._last is None or line.order > self._last.order
            ):
                self._last = line
            self._lines.setdefault(name, []).append(Place(line, name, end))
