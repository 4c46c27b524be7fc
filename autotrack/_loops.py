"""Models that the program trains call by call, in a loop of its own: one run for each, and when such a loop is over."""

from __future__ import annotations

import threading
import time
import weakref
from typing import Any, Generic, TypeVar

from autotrack.run import Run


class Loop:
    """One model that is trained call by call, in a run that is opened for it or in the user's own. The model is not
    kept alive."""

    patience = 32
    """So many other trainings may begin in the loop's thread since its last call before it counts as over."""

    def __init__(self, model: Any, run: Run, owned: bool) -> None:
        self.run = run
        self.ref = weakref.ref(model)
        self.thread = threading.get_ident()
        self.others = 0
        """The trainings that began since the last call."""
        self.seconds = 0.0
        """Of all calls."""
        self.failed = False
        """Whether a call has raised."""
        self._owned = owned
        self._last_ms = run.started
        self._over = False
        run.before_end.append(self._finish)
        if owned and run.parent is not None:
            run.parent.before_end.append(run.end)

    @property
    def open(self) -> bool:
        """Whether more calls may be recorded."""
        return not self._over and not self.run.ended

    def conclude(self, model: Any) -> None:
        """To be written for each kind of model: record what is left, ``None`` if the program has let the model go."""
        raise NotImplementedError

    def touch(self) -> None:
        """Something was recorded: the run lasts until then at least."""
        self._last_ms = time.time_ns() // 1_000_000

    def end(self, status: str = "FINISHED", error: BaseException | None = None) -> None:
        """No call will come any more."""
        self.failed = error is not None
        if self._owned:
            self.run.end(status, error, time_ms=None if error else self._last_ms)
        else:
            self._finish()

    def _finish(self) -> None:
        if not self._over:
            self._over = True
            self.conclude(self.ref())


_L = TypeVar("_L", bound=Loop)


class Loops(Generic[_L]):
    """Those of one integration that may go on."""

    def __init__(self) -> None:
        self._known: dict[int, _L] = {}
        self._lock = threading.RLock()

    def of(self, model: Any) -> _L | None:
        """The loop that trains a model, if more of its calls may be recorded."""
        loop = self._known.get(id(model))
        return loop if loop is not None and loop.ref() is model and loop.open else None

    def add(self, model: Any, loop: _L) -> None:
        """A loop has begun."""
        with self._lock:
            self._known[id(model)] = loop

    def pass_by(self, mine: _L | None = None) -> None:
        """A training begins, or a call of the loop ``mine``: end those that are over."""
        if len(self._known) <= (mine is not None):
            return
        ended: list[_L] = []
        thread = threading.get_ident()
        with self._lock:
            for key, loop in list(self._known.items()):
                if loop is mine:
                    continue
                loop.others += loop.thread == thread
                if loop.ref() is None or not loop.open or loop.others > loop.patience:
                    ended.append(self._known.pop(key))
        for loop in ended:
            loop.end()

    def over(self, model: Any, error: BaseException | None = None) -> None:
        """End the loop of a model, if there is one: it is trained otherwise now, or a call has failed."""
        with self._lock:
            loop = self._known.get(id(model))
            if loop is None or loop.ref() is not model:
                return
            del self._known[id(model)]
        if error is None:
            loop.end()
        else:
            loop.end("FAILED" if isinstance(error, Exception) else "KILLED", error)
