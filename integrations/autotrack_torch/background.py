"""Files that are read beside the program: by one thread, which is made when there is first something to read."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from autotrack.hooks import Run
from autotrack_torch.integration import INTEGRATION

_MOST = 256
"""Tasks that may wait."""
_PATIENCE = 2.0
"""Seconds that the end of a run waits for what is read for it."""


class Task:
    """Something to find out, and what to do when it is known, or with ``None`` when it is waited for no longer."""

    def __init__(self, run: Run, find: Callable[[], Any], then: Callable[[Any], None]) -> None:
        self.run = run
        self.find = find
        self._then: Callable[[Any], None] | None = then

    def settle(self, found: Any) -> None:
        """Whoever comes first says what was found."""
        with _lock:
            then, self._then = self._then, None
        if then is not None and not self.run.ended:
            with INTEGRATION.attempt("file"):
                then(found)


_lock = threading.Lock()
_changed = threading.Condition(threading.Lock())
_waiting: deque[Task] = deque()
_open: list[Task] = []
"""Those that wait, and the one that is worked at."""
_thread: threading.Thread | None = None


def later(run: Run, find: Callable[[], Any], then: Callable[[Any], None]) -> None:
    """Find something out, then go on with it; neither happens here, unless there is too much to do."""
    global _thread
    task = Task(run, find, then)
    with _changed:
        full = len(_waiting) >= _MOST
        if not full:
            _waiting.append(task)
            _open.append(task)
            if _thread is None or not _thread.is_alive():
                _thread = threading.Thread(target=_work, name="autotrack-files", daemon=True)
                _thread.start()
            _changed.notify_all()
    if full:
        task.settle(None)


def finish(run: Run) -> None:
    """A run is about to end: wait a moment for what is read for it, and go on without what takes longer."""
    until = time.monotonic() + _PATIENCE
    with _changed:
        while any(task.run is run for task in _open) and time.monotonic() < until:
            _changed.wait(until - time.monotonic())
        left = [task for task in _open if task.run is run]
        for task in left:
            _open.remove(task)
            if task in _waiting:
                _waiting.remove(task)
    for task in left:
        task.settle(None)


def _work() -> None:
    while True:
        with _changed:
            while not _waiting:
                _changed.wait()
            task = _waiting.popleft()
        found = None
        with INTEGRATION.attempt("file"):
            found = task.find()
        task.settle(found)
        with _changed:
            if task in _open:
                _open.remove(task)
            _changed.notify_all()


def _in_child() -> None:
    """A forked child has none of this: its parent's thread is not there."""
    global _thread, _lock, _changed
    _thread, _lock, _changed = None, threading.Lock(), threading.Condition(threading.Lock())
    _waiting.clear()
    _open.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
