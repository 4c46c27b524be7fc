"""What one process adds to a run that another one owns, as the ranks of a distributed training do."""

from __future__ import annotations

import atexit
import os
import time
import weakref
from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from autotrack import guard, settings
from autotrack.event import DatasetUsed, Joined, ModelLogged
from autotrack.journal.process import this_process
from autotrack.run import Run
from autotrack.sinks.null import NullStream
from autotrack.sinks.open import usable_sink

_HELD = 10_000
"""Values that wait until it is known which run they belong to."""

_open: weakref.WeakSet[Contribution] = weakref.WeakSet()


class Contribution(Run):
    """Values for a run of another process, each under a prefix.

    The owner alone opens, names, describes and ends the run: parameters, tags, models and data sets that are recorded
    here are its own as well, and go nowhere. Values are held until :meth:`attach` says which run it is.
    """

    def __init__(self, prefix: str) -> None:
        super().__init__("", ("", ""), "", NullStream(), managed=True)
        self.attached = False
        self._prefix = prefix
        self._points: deque[tuple[str, Any, int | float | None, int]] = deque(maxlen=_HELD)
        if not _open:
            atexit.register(_end_all)
        _open.add(self)

    def attach(self, run_id: str) -> bool:
        """These are values of that run; whether it is known where this process keeps its own."""
        sink = None if settings.disabled() else usable_sink()
        if self._pid != os.getpid() or sink is None or not sink.has(run_id):
            return False
        self.run_id = run_id
        # As of the first value: the owner's end, which decides how the run came out, is later than that.
        self._stream = sink.open(run_id, Joined(this_process()), self.started)
        self.attached = self.kept = True
        held, self._points = self._points, deque()
        for key, value, step, time_ms in held:
            super().metric(key, value, step, time_ms=time_ms)
        return True

    def metric(
        self, key: str, value: Any, step: int | float | None = None, *, time_ms: int | None = None, **_of: Any
    ) -> None:
        """Add one point to this process's own curve."""
        if self.attached:
            super().metric(self._prefix + key, value, step, time_ms=time_ms)
        elif not self.ended:
            when = time.time_ns() // 1_000_000 if time_ms is None else time_ms
            self._points.append((self._prefix + key, value, step, when))

    def metrics(
        self, values: Mapping[str, Any], step: int | float | None = None, *, time_ms: int | None = None, **_of: Any
    ) -> None:
        """Add one point to each of several curves."""
        for key, value in values.items():
            self.metric(key, value, step, time_ms=time_ms)

    def curve(self, key: str, points: Iterable[tuple[int, float, int]]) -> None:
        """Add ``(step, value, time in ms)`` to one curve."""
        if self.attached:
            super().curve(self._prefix + key, points)
        elif not self.ended:
            self._points += [(self._prefix + key, value, step, when) for step, value, when in points]

    def params(self, values: Mapping[str, Any]) -> None:
        """The owner's to say."""

    def tags(self, values: Mapping[str, Any]) -> None:
        """The owner's to say."""

    def dataset(self, dataset: DatasetUsed) -> None:
        """The owner's to say."""

    def model(self, model: ModelLogged) -> None:
        """The owner's to keep."""

    def rename(self, name: str) -> None:
        """The owner's to say."""

    def text(self, content: str | bytes, path: str) -> None:
        """The owner's to keep."""

    def artifact(self, source: str | Path, directory: str | None = None) -> None:
        """The owner's to keep."""

    def end(self, *_outcome: Any, **_when: Any) -> None:
        """Nothing more is added. How the run came out is the owner's to say."""
        last, self.before_end = self.before_end, []
        if self._pid == os.getpid():
            for call in last:
                with guard.guard("ending a run"):
                    call()
        self.ended = True
        self._points.clear()
        _open.discard(self)
        self._let_go()


def _end_all() -> None:
    for contribution in list(_open):
        contribution.end()
