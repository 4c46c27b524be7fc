"""The changes that any store takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from autotrack.event import Event
from autotrack.exceptions import AutotrackException
from autotrack.journal.writer import Key, Point

Exact = tuple[Key, float, int, str]
"""Key, step, time in ms and text of an integer that a float64 rounds."""
Stamped = tuple[int | None, Event]
"""An event and its time in ms; ``None`` for now."""


class Position(NamedTuple):
    """Which stretch of a writer's bytes a batch stands for: from ``offset`` to before ``end``."""

    writer: str
    offset: int
    end: int


class Changes(Protocol):
    """Changes of runs and experiments, made from outside the run."""

    def event(self, run_id: str, event: Event, *, after: int = 0, time_ms: int | None = None) -> None:
        """Record a change of a run. Its time is now, but later than ``after``, what the change was based on."""
        ...

    def points(self, run_id: str, points: Iterable[Point], exact: Iterable[Exact] = ()) -> None:
        """Add metric points to a run; ``exact`` are the integers among their values that a float64 rounds."""
        ...

    def create(self, run_id: str, events: Sequence[Stamped]) -> None:
        """Begin a run by its first events; one that exists already stays as it is."""
        ...

    def batch(
        self,
        run_id: str,
        events: Sequence[Stamped] = (),
        points: Sequence[Point] = (),
        exact: Sequence[Exact] = (),
        position: Position | None = None,
    ) -> None:
        """Record many things at once: on a database all of them or nothing, and with a ``position`` exactly once.

        Sending the same stretch of a writer's bytes again changes nothing; one that overlaps what was taken in is an
        error. Of a parameter that has another value already, that is an error too, unless the batch has a position:
        then the first value stays, as in a journal.
        """
        ...

    def experiment(self, event: Event, *, after: int = 0, time_ms: int | None = None) -> None:
        """Record a change of an experiment. Its time is now, but later than ``after``, or what is given."""
        ...


def param_conflict(run_id: str, key: str, before: str, value: str) -> AutotrackException:
    """The error for a parameter that is to get another value than it has."""
    return AutotrackException.invalid(
        f"Changing param values is not allowed. Param with key={_short(key)} was already logged with "
        f"value={_short(before)} for run ID={run_id!r}. Attempted logging new value {_short(value)}; log it under "
        "another name, or in another run"
    )


def _short(value: str) -> str:
    return repr(value if len(value) <= 100 else value[:100] + "…")
