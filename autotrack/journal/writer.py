"""One process's own files in one run: no lock between processes, no buffer, one `write` per call."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from itertools import count
from pathlib import Path

from autotrack import guard
from autotrack.event import Event, Exact, Joined, Series, encode
from autotrack.journal.format import RECORD, record, writer_name
from autotrack.journal.process import rank, this_process

Key = str | tuple[str, str | None, str | None, str | None]
"""A metric's name, or ``(name, model id, data set name, data set digest)``."""

Point = tuple[Key, int, int, int, float]
"""``(key, flags, raw step, time in ms, value)``."""

RECORD_SIZE = RECORD.size
_SAFE = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
_write = os.write


class RunWriter:
    """Appends a process's facts about a run to ``events-<writer>.jsonl`` and ``metrics-<writer>.bin``.

    What a call returned from is in the kernel and survives the death of the process. Called from any thread. A
    forked child that goes on writing gets files of its own. Raises ``OSError`` when the medium refuses; nothing
    half-written is left behind then.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.writer = writer_name(rank())
        self._pid = os.getpid()
        # Signal handlers may log: one that interrupts a call enters it again, so each step leaves a whole record.
        self._lock = threading.RLock()
        self._keys: dict[Key, int] = {}
        self._ids = count(1)
        self._events = self._metrics = -1

    def event(self, event: Event, time_ms: int | None = None) -> None:
        """Append one event; ``time_ms`` defaults to now."""
        line = encode(event, time_ms)
        with self._lock:
            self._line(line)

    def point(self, key: Key, flags: int, step: int, time_ms: int, value: float) -> None:
        """Append one metric point: one system call, and one more for a key that is new here."""
        with self._lock:
            if self._metrics < 0:
                self._open_metrics()
            key_id = self._keys.get(key) or self._announce(key, time_ms)
            data = record(key_id, flags, step, time_ms, value)
            written = _write(self._metrics, data)
            if written != RECORD_SIZE:
                self._finish(self._metrics, data, written)

    def points(self, points: Iterable[Point]) -> None:
        """Append many points in one system call."""
        with self._lock:
            if self._metrics < 0:
                self._open_metrics()
            keys, announce = self._keys, self._announce
            data = b"".join([record(keys.get(p[0]) or announce(p[0], p[3]), p[1], p[2], p[3], p[4]) for p in points])
            written = _write(self._metrics, data)
            if written != len(data):
                self._finish(self._metrics, data, written)

    def exact(self, key: Key, step: int | float, time_ms: int, text: str) -> None:
        """Keep the text of a value beside the float64 of its point."""
        with self._lock:
            if self._metrics < 0:
                self._open_metrics()
            key_id = self._keys.get(key) or self._announce(key, time_ms)
            self._line(encode(Exact(key_id, step, time_ms, text), time_ms))

    def beat(self, time_ms: int) -> None:
        """Overwrite the heartbeat; says once when the record has been deleted under the program."""
        with self._lock:
            if self._events < 0 or self._pid != os.getpid():
                return
            if os.fstat(self._events).st_nlink == 0:
                guard.warn(guard.MEDIUM, f"{self.directory} was deleted: what the run logs is lost")
                return
            fd = os.open(self._path("alive", ""), os.O_WRONLY | os.O_CREAT | _SAFE, 0o600)
            try:
                os.write(fd, b"%d\n" % time_ms)
            finally:
                os.close(fd)

    def close(self) -> None:
        """Let the files go; a later call opens them again."""
        if self._lock._is_owned():  # type: ignore[attr-defined]  # what threading.Condition itself asks
            return  # called by a signal handler in the midst of a write to these files; whoever writes closes them
        with self._lock:
            events, metrics, self._events, self._metrics = self._events, self._metrics, -1, -1
            _open_writers.pop(id(self), None)
            for fd in (events, metrics):
                if fd >= 0:
                    os.close(fd)
            if self._pid != os.getpid():
                return  # the sign of life is the parent's
            try:
                os.unlink(self._path("alive", ""))
            except OSError:
                return

    def _path(self, stem: str, suffix: str) -> str:
        return f"{self.directory}/{stem}-{self.writer}{suffix}"

    def _line(self, line: bytes) -> None:
        if self._events < 0:
            self._open_events()
        written = _write(self._events, line)
        if written != len(line):
            self._finish(self._events, line, written)

    def _announce(self, key: Key, time_ms: int) -> int:
        # In the file before the first point, remembered only once it is there; a number is given out once.
        key_id = next(self._ids)
        name, model, dataset, digest = (key, None, None, None) if isinstance(key, str) else key
        self._line(encode(Series(key_id, name, model, dataset, digest), time_ms))
        self._keys[key] = key_id
        return key_id

    def _open_events(self) -> None:
        forked = self._pid != os.getpid()
        if forked:
            self.writer, self._pid, self._keys, self._ids = writer_name(rank()), os.getpid(), {}, count(1)
        self._events = _append_to(self._path("events", ".jsonl"))
        _open_writers[id(self)] = self
        if forked:
            self._line(encode(Joined(this_process())))

    def _open_metrics(self) -> None:
        if self._events < 0:
            self._open_events()
        self._metrics = _append_to(self._path("metrics", ".bin"))

    def _finish(self, fd: int, data: bytes, written: int) -> None:
        """Write the rest of what the medium took only a part of, or cut that part off again."""
        start = os.fstat(fd).st_size - written
        try:
            while written < len(data):
                more = _write(fd, data[written:])
                if more == 0:
                    raise OSError("the medium takes no more")
                written += more
        except OSError:
            os.ftruncate(fd, start)
            raise

    def _drop_after_fork(self) -> None:
        # The lock may be held by a thread that does not exist here; the open files are the parent's.
        self._lock = threading.RLock()
        for fd in (self._events, self._metrics):
            if fd >= 0:
                os.close(fd)
        self._events = self._metrics = -1


_open_writers: dict[int, RunWriter] = {}


def open_writers() -> list[RunWriter]:
    """The writers of this process that have open files."""
    return list(_open_writers.values())


def append_line(path: Path, line: bytes) -> None:
    """Append one whole line to a small file of this process's own."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fd = _append_to(str(path))
    try:
        if (written := _write(fd, line)) != len(line):
            os.ftruncate(fd, os.fstat(fd).st_size - written)
            raise OSError(f"{path}: the medium takes no more")
    finally:
        os.close(fd)


def _append_to(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _SAFE, 0o600)


def _after_fork() -> None:
    for writer in open_writers():
        writer._drop_after_fork()
    _open_writers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
