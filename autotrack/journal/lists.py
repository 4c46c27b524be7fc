"""A process's own lists of what it does in a store: the runs that it opens or changes, and experiments' events.

A reader knows from the list itself whether more may come, so it need not ask after every list each time: the first
line says whose it is, and one to which nothing was added for an hour is never added to again.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from autotrack.event import Event, Joined, Process, decode, encode
from autotrack.journal.format import writer_name
from autotrack.journal.process import rank, this_process
from autotrack.journal.writer import append_line

OPENED, EXPERIMENTS = "opened", "experiments"
IN_USE_SECONDS = 3600
"""How long after the last line a list may get another one, by the clock of its writer."""
ANNOUNCE_SECONDS = 5.0
"""How long a run that was listed needs not be listed again: an index looks at it for longer than that."""
_HEAD = 4096


class OwnList:
    """This process's list in one directory. Called from any thread; a forked child has one of its own."""

    def __init__(self, directory: Path, suffix: str = "") -> None:
        self._directory = directory
        self._suffix = suffix
        self._pid, self._last = 0, 0.0
        self._path = directory

    def append(self, line: bytes) -> None:
        """Add whole lines, with one `write`; raises ``OSError`` when the medium refuses."""
        now, path = time.time(), self._path
        if self._pid != os.getpid() or not 0 <= now - self._last < IN_USE_SECONDS:
            path = self._directory / f"{writer_name(rank())}{self._suffix}"
            line = encode(Joined(this_process())) + line
        append_line(path, line)
        self._pid, self._path, self._last = os.getpid(), path, now


class Opened(OwnList):
    """The runs of a store that this process opened or changed."""

    def __init__(self, store: Path) -> None:
        super().__init__(store / OPENED)

    def add(self, *run_ids: str) -> None:
        """Have every index of the store look at some runs; their change is written before."""
        self.append("".join(f"{run_id}\n" for run_id in run_ids).encode())


class Experiments(OwnList):
    """What this process said about experiments of a store."""

    def __init__(self, store: Path) -> None:
        super().__init__(store / EXPERIMENTS, ".jsonl")

    def add(self, event: Event, time_ms: int | None = None) -> None:
        """Append an event; ``time_ms`` defaults to now."""
        self.append(encode(event, time_ms))


def owner(path: Path) -> Process | None:
    """Whose list a file is, as far as it says so."""
    with path.open("rb") as file:
        line, newline, _ = file.read(_HEAD).partition(b"\n")
    if not newline or not line.startswith(b"{"):
        return None
    try:
        found = decode(line)
    except (ValueError, OverflowError):
        return None
    return found[1].process if found is not None and isinstance(found[1], Joined) else None
