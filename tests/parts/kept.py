"""A server that lives no longer than the process that started it, and its ports."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

NOBODY = 65534
_READY_SECONDS = 180
"""Sixteen of them may start at once on two cores."""


class Kept:
    """A server in a directory of its own; :meth:`close` stops it and removes the directory, as does the death of this
    process."""

    def __init__(self, name: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix=f"{name}-"))
        self._keeper: subprocess.Popen[bytes] | None = None
        self.pid = 0

    def start(
        self,
        command: Sequence[str | Path],
        stop: int,
        environment: dict[str, str],
        user: int = -1,
        left: Sequence[str] = (),
    ) -> None:
        """Run the command in the directory; ``stop`` is the signal by which it ends, ``left`` are patterns of names
        below /tmp that it would leave."""
        keeper = Path(__file__).with_name("keeper.py")
        with (self.directory / "log").open("ab") as log:
            self._keeper = subprocess.Popen(
                [
                    sys.executable, "-I", str(keeper), str(self.directory), str(stop), str(user), ":".join(left),
                    *map(str, command),
                ],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment, start_new_session=True,
            )  # fmt: skip
        assert self._keeper.stdout is not None
        self.pid = int(self._keeper.stdout.readline())

    def wait_until(self, ready: Callable[[], bool]) -> bool:
        """Until it answers; False if it ended instead."""
        limit = time.monotonic() + _READY_SECONDS
        while not ready():
            if not running(self.pid):
                return False
            if time.monotonic() > limit:
                raise TimeoutError(f"no answer within {_READY_SECONDS} s:\n{self.log()[-2000:]}")
            time.sleep(0.02)
        return True

    def log(self) -> str:
        """What it has written."""
        return (self.directory / "log").read_text("utf-8", "replace")

    def close(self) -> None:
        """Stop it; nothing is left."""
        if self._keeper is not None:
            assert self._keeper.stdin is not None
            assert self._keeper.stdout is not None
            self._keeper.stdin.close()
            self._keeper.wait()
            self._keeper.stdout.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def running(pid: int) -> bool:
    """Whether a process is there and not only waiting to be reaped."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


_CHANCE = random.SystemRandom()
"""Tests seed the common generator, and two processes of them alike."""


def free_port(*offsets: int) -> int:
    """A port of the loopback at which nobody listens, nor at those at the given distances from it."""
    for _ in range(1000):
        port = _CHANCE.randrange(20000, 32000)  # below those that connections get
        if all(_free(port + offset) for offset in (0, *offsets)):
            return port
    raise OSError("no free port")


def _free(port: int) -> bool:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def plain_environment(**more: str) -> dict[str, str]:
    """What a server needs of this program's environment, which holds a developer's settings too."""
    kept = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ} | more
