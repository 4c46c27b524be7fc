"""The sink that keeps everything in a list, for tests and for looking at what an integration reports."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable
from pathlib import Path

from autotrack.event import Event, Exact, ExperimentCreated, Joined, RunCreated
from autotrack.journal.format import step_of
from autotrack.journal.writer import Key, Point

Value = tuple[Key, int, int | float, float]
"""A point: ``(key, flags, step, value)``."""


class MemoryStream:
    """What one run received, in its order."""

    def __init__(self, artifacts: Path) -> None:
        self.artifacts = artifacts
        # One list, changed by one call each: threads need no lock, and a fork finds none held.
        self.facts: list[Event | Value] = []
        self.closed = False

    @property
    def events(self) -> list[Event]:
        """The events, in their order."""
        return [fact for fact in self.facts if not isinstance(fact, tuple)]

    @property
    def values(self) -> list[tuple[Key, int | float, float]]:
        """``(key, step, value)`` of every point, in their order."""
        return [(fact[0], fact[2], fact[3]) for fact in self.facts if isinstance(fact, tuple)]

    @property
    def flags(self) -> list[int]:
        """The flags of every point, in the same order."""
        return [fact[1] for fact in self.facts if isinstance(fact, tuple)]

    def event(self, event: Event, time_ms: int | None = None) -> None:
        """See :class:`~autotrack.sinks.base.Stream`."""
        self.facts.append(event)

    def point(self, key: Key, flags: int, step: int, time_ms: int, value: float) -> None:
        """See :class:`~autotrack.sinks.base.Stream`."""
        self.points([(key, flags, step, time_ms, value)])

    def points(self, points: Iterable[Point]) -> None:
        """See :class:`~autotrack.sinks.base.Stream`."""
        self.facts.extend([(key, flags, step_of(step, flags), value) for key, flags, step, _, value in points])

    def exact(self, key: Key, step: int | float, time_ms: int, text: str) -> None:
        """See :class:`~autotrack.sinks.base.Stream`."""
        self.facts.append(Exact(0, step, time_ms, text))

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

        self._files = Path(tempfile.mkdtemp(prefix="autotrack-"))
        weakref.finalize(self, _remove, self._files, os.getpid())

    def open(self, run_id: str, first: RunCreated | Joined, time_ms: int | None = None) -> MemoryStream:
        """See :class:`~autotrack.sinks.base.Sink`."""
        stream = self.streams.setdefault(run_id, MemoryStream(self._files / run_id / "artifacts"))
        stream.artifacts.parent.mkdir(exist_ok=True)
        stream.event(first, time_ms)
        return stream

    def experiment(self, event: ExperimentCreated) -> None:
        """See :class:`~autotrack.sinks.base.Sink`."""
        if all(known.name != event.name for known in self.experiments):
            self.experiments.append(event)

    def has(self, run_id: str) -> bool:
        """See :class:`~autotrack.sinks.base.Sink`."""
        return run_id in self.streams


def _remove(files: Path, owner: int) -> None:
    if owner == os.getpid():  # a forked child leaves its parent's files alone
        import shutil  # as heavy as tempfile, which has loaded it

        shutil.rmtree(files, ignore_errors=True)
