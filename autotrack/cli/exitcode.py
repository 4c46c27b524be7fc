"""The exit code of a program, for the runs that were still open when it ended.

Python offers no place where a program's exit code can be seen from within: when ``SystemExit`` has ended it,
the ``atexit`` functions run, but the number is known to the C code alone. The C library does offer one,
``on_exit``, whose functions get the number when the interpreter itself is gone. So a process that ends with
an open run starts a small helper, hands it the exit code through a pipe by way of C, and waits for it: when
the program is over, the record says how it went. A process without an open run does nothing of this, and
where the C library has no ``on_exit`` (it is glibc's) the code stays unknown.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from autotrack import guard
from autotrack.event import Ended, Tags
from autotrack.journal.lists import Opened
from autotrack.journal.writer import RunWriter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autotrack.run import Run

_HELPER = """
import sys
sys.path.insert(0, sys.argv[1])
from autotrack.cli import exitcode
exitcode.note(sys.argv[2:])
"""
_UNBUFFERED = 2  # _IONBF of stdio.h
PATIENCE = 10
"""Seconds after which a helper that cannot write gives up and lets the program end."""


def watch(runs: Sequence[Run]) -> None:
    """Have the exit code noted in runs that this process has just ended; the last thing at exit."""
    # A run that keeps nothing, or keeps it elsewhere, has no directory in a store.
    homes = [run._stream.artifacts.parent for run in runs]
    directories = [str(home) for home in homes if home.parent.name == "runs"]
    if not directories:
        return
    import ctypes  # the way to on_exit; only for a program that ends with an open run

    libc = ctypes.CDLL(None)
    if not hasattr(libc, "on_exit"):
        return
    code_out, code_in = os.pipe()
    done_out, done_in = os.pipe()
    root = str(Path(__file__).parents[2])
    os.posix_spawn(
        sys.executable,
        [sys.executable, "-I", "-S", "-c", _HELPER, root, *directories],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, code_out, 0), (os.POSIX_SPAWN_DUP2, done_in, 1)],
    )
    os.close(code_out)
    os.close(done_in)
    libc.fdopen.restype = ctypes.c_void_p
    code, done = (ctypes.c_void_p(libc.fdopen(fd, mode)) for fd, mode in ((code_in, b"w"), (done_out, b"r")))
    libc.setvbuf(code, None, _UNBUFFERED, 0)
    # Called in reverse: first fputc(exit code, code), then fgetc(done), which returns when the helper is
    # gone.
    libc.__cxa_atexit(libc.fgetc, done, None)
    libc.on_exit(libc.fputc, code)


def note(directories: list[str]) -> None:
    """The helper: read the exit code from stdin and write it into the runs.

    Without one, as when the program is killed in the middle of its exit, nothing is written.
    """
    signal.alarm(PATIENCE)
    told = sys.stdin.buffer.read(1)
    if not told:
        return
    for directory in map(Path, directories):
        with guard.guard("exit code"):
            writer = RunWriter(directory)
            writer.event(Tags({"autotrack.exit_code": str(told[0])}))
            if told[0]:
                writer.event(Ended("FAILED", f"SystemExit: {told[0]}\n", str(told[0])))
            writer.close()
            # So that an indexer that has seen the end looks once more.
            Opened(directory.parent.parent).add(directory.name)
