"""The contract of a sink.

Facts of runs go in; nothing comes out. A sink is found by its URI's scheme (entry points `autotrack.sinks`: name =
scheme, value = a callable that takes the URI). What every sink promises, and `autotrack.testing.SinkContract` checks:

- any method may be called from several threads at once, and after a fork, in the child;
- a call returns when the fact is safe from the death of this process, and does not wait for a network;
- facts of one stream keep their order; several streams, of one process or of many, may feed one run;
- a failure is an ``OSError`` or :class:`~autotrack.exceptions.AutotrackException`, raised to the caller (a
  :class:`~autotrack.run.Run`), who turns it into one warning; nothing half-written remains and the next call is tried;
- a closed stream opens again when it is used: a score may be added to a run that has ended;
- every float64 is kept bit by bit, steps are any 64-bit integer or float64, names are any text.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from autotrack.event import Event, ExperimentCreated, Joined, RunCreated
from autotrack.journal.writer import Key, Point


class Stream(Protocol):
    """One process's way into one run."""

    @property
    def artifacts(self) -> Path:
        """The directory of the run's files; it need not exist yet."""
        ...

    def event(self, event: Event, time_ms: int | None = None) -> None:
        """Record a fact; ``time_ms`` defaults to now."""
        ...

    def point(self, key: Key, flags: int, step: int, time_ms: int, value: float) -> None:
        """Record one metric value; ``step`` and ``flags`` as in :mod:`autotrack.journal.format`."""
        ...

    def points(self, points: Iterable[Point]) -> None:
        """Record several metric values, all or none."""
        ...

    def exact(self, key: Key, step: int | float, time_ms: int, text: str) -> None:
        """Keep the text of an integer that float64 rounds."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


class Sink(Protocol):
    """A place that keeps runs."""

    @property
    def uri(self) -> str:
        """What the user would set to come back here."""
        ...

    def open(self, run_id: str, first: RunCreated | Joined, time_ms: int | None = None) -> Stream:
        """A stream into a new run, or into an existing one that this process joins; ``time_ms`` is when the run
        began, now if left out."""
        ...

    def experiment(self, event: ExperimentCreated) -> None:
        """Make an experiment known; one that is known already stays as it is."""
        ...

    def has(self, run_id: str) -> bool:
        """Whether the run exists."""
        ...
