"""Changes that somebody makes to a store from outside the run: events of the changing process's own writer."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from autotrack.event import Event, RunCreated
from autotrack.exceptions import AutotrackException
from autotrack.journal.lists import ANNOUNCE_SECONDS, Experiments, Opened
from autotrack.journal.writer import Point, RunWriter
from autotrack.sinks.local import make_store
from autotrack.sinks.uploads.outbox import added_to
from autotrack.store.changes import Exact, Position, Stamped

_KEPT = 256
"""Runs whose writer is remembered, so that many changes of one run go to one file."""


class Editor:
    """Appends changes to the journals of a store."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.RLock()
        self._pid = 0
        self._opened = Opened(directory)
        self._experiments = Experiments(directory)
        self._writers: OrderedDict[str, RunWriter] = OrderedDict()
        self._announced: dict[str, float] = {}
        self._last: dict[str, int] = {}

    def event(self, run_id: str, event: Event, *, after: int = 0, time_ms: int | None = None) -> None:
        """Record a change of a run. Its time is now, but later than ``after``, what the change was based on."""
        with self._writing(run_id, new=isinstance(event, RunCreated)) as writer:
            writer.event(event, self._time(run_id, after) if time_ms is None else time_ms)

    def points(self, run_id: str, points: Iterable[Point], exact: Iterable[Exact] = ()) -> None:
        """Add metric points to a run; ``exact`` are key, step, time and text of integers that a float64 rounds."""
        with self._writing(run_id) as writer:
            for key, step, time_ms, text in exact:
                writer.exact(key, step, time_ms, text)
            writer.points(points)

    def create(self, run_id: str, events: Sequence[Stamped]) -> None:
        """Begin a run that is not there yet by its first events."""
        self.batch(run_id, events)

    def batch(
        self,
        run_id: str,
        events: Sequence[Stamped] = (),
        points: Sequence[Point] = (),
        exact: Sequence[Exact] = (),
        position: Position | None = None,
    ) -> None:
        """Record many things at once. A journal holds no positions of others, so one given is an error."""
        if position is not None:
            raise AutotrackException(
                f"{self._directory} takes no batches by their position; send them to a server on a database",
                "NOT_IMPLEMENTED",
            )
        for time_ms, event in events:
            self.event(run_id, event, time_ms=time_ms)
        if points:
            self.points(run_id, points, exact)

    def experiment(self, event: Event, *, after: int = 0, time_ms: int | None = None) -> None:
        """Record a change of an experiment."""
        with self._lock, _told(self._directory):
            make_store(self._directory)
            self._experiments.add(event, self._time("experiments", after) if time_ms is None else time_ms)

    @contextmanager
    def _writing(self, run_id: str, *, new: bool = False) -> Iterator[RunWriter]:
        with self._lock, _told(self._directory):
            make_store(self._directory)
            self._begin_anew_after_fork()
            run = self._directory / "runs" / run_id
            if new:
                run.mkdir(parents=True, exist_ok=True, mode=0o700)
            elif not run.is_dir():  # removed since whoever changes it has looked
                raise AutotrackException.missing(f"run {run_id} is not in {self._directory} any more")
            writer = self._writers.pop(run_id, None) or RunWriter(run)
            self._writers[run_id] = writer
            if len(self._writers) > _KEPT:
                forgotten, _ = self._writers.popitem(last=False)
                self._announced.pop(forgotten, None)
                self._last.pop(forgotten, None)
            try:
                yield writer
            finally:
                writer.close()
            # After the change, so that whoever reads the announcement finds the change.
            if time.monotonic() - self._announced.get(run_id, -ANNOUNCE_SECONDS) >= ANNOUNCE_SECONDS:
                self._opened.add(run_id)
                self._announced[run_id] = time.monotonic()
            added_to(self._directory / "runs" / run_id)

    def _time(self, scope: str, after: int) -> int:
        now = max(time.time_ns() // 1_000_000, after + 1, self._last.get(scope, 0) + 1)
        self._last[scope] = now
        return now

    def _begin_anew_after_fork(self) -> None:
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._writers.clear()
            self._announced.clear()


@contextmanager
def _told(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AutotrackException(
            f"{directory} cannot be written: {error.strerror or error}; nothing was changed"
        ) from error
