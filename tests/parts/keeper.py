"""Runs a server for as long as its standard input stays open, then stops it and removes its directory.

    python keeper.py DIRECTORY SIGNAL USER LEFT COMMAND...

Whoever started it holds the other end of the pipe, which the kernel closes however that process ends, `kill -9`
included. ``USER`` is a user id, or -1 for the one that it has; ``LEFT`` are patterns, separated by colons, of names
below /tmp that the server would leave.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

_SECONDS = 5


def main(directory: str, stop: str, user: str, left: str, *command: str) -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # the pipe alone says when
    identity = {} if user == "-1" else {"user": int(user), "group": int(user), "extra_groups": []}
    server = subprocess.Popen(
        # Its output goes to the log: nobody reads the pipe, and a server that writes to a full one waits for ever.
        command, stdin=subprocess.DEVNULL, stdout=sys.stderr, cwd=directory, start_new_session=True, **identity,
        preexec_fn=_die_with_keeper,  # noqa: PLW1509 - there is one thread
    )  # fmt: skip
    sys.stdout.write(f"{server.pid}\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()
    _end(server, int(stop))
    shutil.rmtree(directory, ignore_errors=True)
    for pattern in filter(None, left.split(":")):
        for path in Path("/tmp").glob(pattern):
            path.unlink(missing_ok=True)


def _die_with_keeper() -> None:
    for default in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(default, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _end(server: subprocess.Popen[bytes], stop: int) -> None:
    server.send_signal(stop)
    try:
        server.wait(_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    with suppress(ProcessLookupError):  # what it has started
        os.killpg(server.pid, signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
