"""The process beside a program that does what a program which is killed has left to do.

It hears from the program, a line of JSON each: who the program is, then of every :class:`~autotrack.context.testament`
that it is to be kept, or that it is revoked. It ends with the program. What is not revoked by then it carries out.
"""

from __future__ import annotations

import json
import os
import select
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from autotrack import guard
from autotrack.context import beside
from autotrack.event import Process
from autotrack.journal.process import alive

SOURCE = "import sys; sys.path.append(sys.argv[1]); from autotrack.context import heir; heir.main()"
"""What the interpreter is started with; its argument is where autotrack lies."""
PATIENCE = 60.0
"""Seconds between a program's closing of its pipes and its end, as it dies. One that lives on has closed all that was
open, as one does that becomes a daemon, and can no longer revoke anything: then nothing is carried out."""
LOOK = 0.5
"""Seconds between two looks at the program, where the system does not tell of its end."""


def main() -> None:
    """Wait for the end of the program."""
    beside.stand_alone()
    program, testaments = _Program(), dict[int, dict[str, Any]]()
    if program.waited_for(testaments):
        # All files before anything else: the program may be started once more, and write them anew.
        left = [(testament, content(testament)) for testament in testaments.values()]
        for testament, found in left:
            if found is not None:
                with guard.guard("a testament"):
                    carry_out(testament, found)


def state(file: Path) -> list[int] | None:
    """What a file looks like from outside; ``None`` where there is none."""
    try:
        facts = file.stat()
    except OSError:
        return None
    return [facts.st_mtime_ns, facts.st_size]


def content(testament: dict[str, Any]) -> bytes | None:
    """What the file of a testament has; ``None`` where it is as it was before."""
    file = Path(testament["file"])
    if state(file) == testament["before"]:
        return None
    try:
        return file.read_bytes()
    except OSError:
        return None


def carry_out(testament: dict[str, Any], found: bytes) -> None:
    """Have the function of a testament add to its run."""
    from autotrack.run import Run  # much, and needed only now

    home = Path(testament["run"])
    if not home.is_dir():
        return  # a store that was deleted is not to rise again in parts
    sys.path.append(testament["place"])
    function = getattr(import_module(testament["module"]), testament["function"])
    with beside.in_place_of(home) as stream:
        function(Run(home.name, ("", ""), "", stream, managed=True), found, **testament["facts"])


class _Program:
    """The program, and what it says."""

    def __init__(self) -> None:
        self._said = b""
        self._process: Process | None = None
        self._ending = -1
        """A descriptor that can be read when the program has ended, if the system has such ones."""

    def waited_for(self, testaments: dict[int, dict[str, Any]]) -> bool:
        """Take down the testaments until the program ends; whether it is dead, as far as can be known."""
        heard = select.poll()
        heard.register(0, select.POLLIN)
        wait: float | None = None
        while True:
            ready = dict(heard.poll(None if wait is None else wait * 1000))
            if 0 in ready:  # before the end is looked at: what was said before it counts
                if self._hear(testaments):
                    if self._ending < 0 and self._process is not None:
                        wait = LOOK if not self._watch(heard) else None
                    continue
                heard.unregister(0)
                return bool(testaments) and self._dies()
            if self._ending in ready or alive(self._process) is False:
                return True

    def _hear(self, testaments: dict[int, dict[str, Any]]) -> bool:
        piece = os.read(0, 1 << 16)
        *lines, self._said = (self._said + piece).split(b"\n")
        for line in lines:
            said = json.loads(line)
            if "revoked" in said:
                testaments.pop(said["revoked"], None)
            elif "kept" in said:
                testaments[said["kept"]] = said
            else:
                self._process = Process(**said)
        return bool(piece)

    def _watch(self, heard: select.poll) -> bool:
        """Be told of the program's end."""
        assert self._process is not None
        try:
            self._ending = os.pidfd_open(self._process.pid)
        except (OSError, AttributeError):  # an old kernel, or it has ended, which a look will tell
            return False
        if alive(self._process) is False:  # the number is somebody else's already
            os.close(self._ending)
            self._ending = -1
            return False
        heard.register(self._ending, select.POLLIN)
        return True

    def _dies(self) -> bool:
        """Whether a program that has closed its pipes ends."""
        if self._ending >= 0:
            return bool(select.select([self._ending], [], [], PATIENCE)[0])
        for _ in range(int(PATIENCE / LOOK)):
            if alive(self._process) is False:
                return True
            select.select([], [], [], LOOK)
        return False
