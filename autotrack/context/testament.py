"""What is to be added to a run if this process is killed before it can do that itself.

A framework that computes without Python, and keeps what it found in files of its own until it is done, cannot be
listened to at every step. So a process beside this one, which is started for the first testament and ends with this
process, learns what is to be done, and does it when this one has died.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any

from autotrack import settings
from autotrack.context import detached, heir
from autotrack.journal.format import MARK
from autotrack.journal.process import this_process
from autotrack.run import Run

LONGEST = 4096
"""Bytes of a message; so many are written whole or not at all (``PIPE_BUF`` of Linux)."""
_ids = count(1)


class Testament:
    """``function(run, content, **facts)`` is to be called, by another process, when this one has died.

    ``content`` are the bytes of a file as it is then; nothing is called unless the file has changed since this was
    made. The function is one of a module; ``run`` takes metrics and tags; ``facts`` can be said in JSON.
    """

    def __init__(self, run: Run, function: Callable[..., None], file: Path, **facts: Any) -> None:
        self._run = run
        self._function = function
        self._file = file.absolute()
        self._before = heir.state(file)
        self._facts = facts
        self._id = 0

    def keep(self) -> None:
        """Have it carried out if this process dies from now on; it takes milliseconds, the first time. Nothing is done
        where there can be no such process, or the run is not kept in a local store."""
        home = self._run.files.parent
        if not (self._run.kept and settings.context() and (home.parent.parent / MARK).is_file()):
            return
        module = sys.modules[self._function.__module__]
        words = {
            "kept": (new := next(_ids)),
            "run": str(home),
            "place": str(Path(module.__file__ or "").parents[module.__name__.count(".")]),
            "module": module.__name__,
            "function": self._function.__name__,
            "file": str(self._file),
            "before": self._before,
            "facts": self._facts,
        }
        self._id = new if _say(words, start=True) else 0

    def revoke(self) -> None:
        """This process has lived to do it."""
        if self._id:
            _say({"revoked": self._id}, start=False)
            self._id = 0


class _Heir:
    """The process beside this one."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._fd = -1
        pipes = detached.connected(heir.SOURCE)
        if pipes is not None:
            self._fd, answers = pipes
            detached.close(answers)
            self.say(asdict(this_process()))

    def say(self, words: dict[str, Any]) -> bool:
        """Whether it could be said."""
        line = json.dumps(words).encode() + b"\n"
        return len(line) <= LONGEST and detached.tell(self._fd, line)

    def close(self) -> None:
        """In a forked process: the heir is the parent's."""
        detached.close(self._fd)


_heir: _Heir | None = None
_lock = threading.RLock()


def _say(words: dict[str, Any], *, start: bool) -> bool:
    global _heir
    with _lock:
        if start and (_heir is None or _heir.pid != os.getpid()):
            _heir = _Heir()
        return _heir is not None and _heir.pid == os.getpid() and _heir.say(words)


def _after_fork() -> None:
    global _heir, _lock
    _lock = threading.RLock()
    if _heir is not None:
        _heir.close()
        _heir = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
