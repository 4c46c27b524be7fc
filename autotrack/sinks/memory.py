"""The sink that keeps everything in a list, for tests and for looking at what an integration reports."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from autotrack.event import Event, Exact, ExperimentCreated, Joined, RunCreated
from autotrack.journal.format import step_of
from autotrack.journal.writer import Key, Point


class MemoryStream:
    """What one run received: ``events`` and ``values``, in their order."""

    def __init__(self, artifacts: Path) -> None:
        self.artifacts = artifacts
        self.events: list[Event] = []
        self.values: list[tuple[Key, int | float, float]] = []
        self.flags: list[int] = []
        self.closed = False

    def event(self, event: Event, time_ms: int | None = None) -> None:
        """See :class:`~autotrack.sinks.base.Stream`."""
        self.events.append(event)

    def point(self, key: Key, flags: int, step: int, time_ms: int, value: float) -> None:
        """See :class:`~autotrack.sinks.base.Stream`."""
        self.points([(key, flags, step, time_ms, value)])

    def points(self, points: Iterable[Point]) -> None:
        """See :class:`~autotrack.sinks.base.Stream`."""
        points = list(points)
        self.values += [(key, step_of(step, flags), value) for key, flags, step, _, value in points]
        self.flags += [flags for _, flags, _, _, _ in points]

    def exact(self, key: Key, step: int | float, time_ms: int, text: str) -> None:
        """See :class:`~autotrack.sinks.base.Stream`."""
        self.events.append(Exact(0, step, time_ms, text))

    def close(self) -> None:
        """See :class:`~autotrack.sinks.base.Stream`."""
        self.closed = True


class MemorySink:
    """Runs by id in ``streams``; files go to a temporary directory that lives as long as the sink."""

    def __init__(self, uri: str = "memory:") -> None:
        self.uri = uri
        self.streams: dict[str, MemoryStream] = {}
        self.experiments: list[ExperimentCreated] = []
        import tempfile  # draws in half of the standard library, for a sink that few use

        self._files = tempfile.TemporaryDirectory(prefix="autotrack-")
        self._lock = threading.Lock()

    def open(self, run_id: str, first: RunCreated | Joined) -> MemoryStream:
        """See :class:`~autotrack.sinks.base.Sink`."""
        with self._lock:
            stream = self.streams.setdefault(run_id, MemoryStream(Path(self._files.name) / run_id / "artifacts"))
        stream.event(first)
        return stream

    def experiment(self, event: ExperimentCreated) -> None:
        """See :class:`~autotrack.sinks.base.Sink`."""
        if all(known.name != event.name for known in self.experiments):
            self.experiments.append(event)

    def has(self, run_id: str) -> bool:
        """See :class:`~autotrack.sinks.base.Sink`."""
        return run_id in self.streams
