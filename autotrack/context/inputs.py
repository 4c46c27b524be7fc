"""Files that a program has read become inputs of its runs, once a thread has taken their digests.

A program that ends waits a moment for that. What is missing then is finished by a process of its own, where one can be
started; else the input says that nobody has read it.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import threading
import time
import weakref

from autotrack import guard
from autotrack.capture import reads
from autotrack.capture.reads import Read
from autotrack.context import detached, protocol
from autotrack.event import DatasetUsed
from autotrack.run import Run

_KNOWN = 1000
_ROOM = 60_000
"""Bytes that a pipe takes without waiting for whoever reads them."""


class _Worker:
    """The files whose digest is still to be taken, and the thread that does it."""

    def __init__(self) -> None:
        self._queue: queue.Queue[tuple[Run, Read]] = queue.Queue()
        self._lock = threading.Lock()
        self._over = False
        self._current: tuple[Run, Read] | None = None
        self._known: dict[Read, DatasetUsed] = {}
        self._thread: threading.Thread | None = None

    def put(self, run: Run, read: Read) -> None:
        self._queue.put((run, read))
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="autotrack-inputs", daemon=True)
            self._thread.start()

    def settle(self, seconds: float) -> list[tuple[Run, Read]]:
        """Wait a moment, then stop; what was not done."""
        until = time.monotonic() + seconds
        with self._queue.all_tasks_done:
            while self._queue.unfinished_tasks and (left := until - time.monotonic()) > 0:
                self._queue.all_tasks_done.wait(left)
        with self._lock:
            self._over = True
            found = [self._current] if self._current is not None else []
        with contextlib.suppress(queue.Empty):
            while True:
                found.append(self._queue.get_nowait())
        return found

    def _work(self) -> None:
        while True:
            run, read = self._queue.get()
            with guard.guard("inputs"):
                self._current = (run, read)
                event = self._known.get(read)
                if event is None:
                    event = _used(read)
                    if len(self._known) < _KNOWN:
                        self._known[read] = event
                with self._lock:
                    if self._over:
                        return
                    self._current = None
                    run.dataset(event)
            self._queue.task_done()


_worker = _Worker()
_given: weakref.WeakKeyDictionary[Run, set[Read]] = weakref.WeakKeyDictionary()


def begin(run: Run) -> None:
    """A run has begun: what the program has read for it is its input."""
    for read in reads.waiting():
        give(run, read)


def give(run: Run, read: Read) -> None:
    """Have a file among the inputs of a run."""
    known = _given.setdefault(run, set())
    same = read._replace(reader="")
    if same not in known and len(known) < reads.MOST:
        known.add(same)
        _worker.put(run, read)


def leave(seconds: float) -> None:
    """The program ends: wait so long for the digests, and leave the rest to a process that comes after it."""
    global _worker
    left, _worker = _worker.settle(seconds), _Worker()
    room = _ROOM
    late: list[tuple[Run, Read, str]] = []
    unread: list[tuple[Run, Read, str]] = []
    for run, read in left:
        home = _journal(run)
        words = json.dumps([home, list(read)])
        room -= len(words)
        (unread if home is None or room < 0 else late).append((run, read, words))
    if late and not _finish_later([words for _, _, words in late]):
        unread += late
    for run, read, _ in unread:
        run.dataset(_used(read, unread=True))


def reset() -> None:
    """Forget everything, as between two tests."""
    reads.forget()
    _given.clear()


def _used(read: Read, *, unread: bool = False) -> DatasetUsed:
    from autotrack.capture.inputs import used  # loads OpenSSL; only a program that reads files needs it

    return used(read, unread=unread)


def _finish_later(late: list[str]) -> bool:
    """Have a process of its own take the digests that are missing; whether one was started."""
    pipes = detached.connected(protocol.SOURCE)
    if pipes is None:
        return False
    try:
        return detached.tell(pipes[0], b'{"reads": [' + ",".join(late).encode() + b"]}\n")
    finally:
        for fd in pipes:
            detached.close(fd)


def _journal(run: Run) -> str | None:
    """The directory of a run's journal, if it is kept in a store's directory."""
    home = run.files.parent
    return str(home) if home.parent.name == "runs" and home.is_dir() else None


def _after_fork() -> None:
    global _worker
    _worker = _Worker()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
