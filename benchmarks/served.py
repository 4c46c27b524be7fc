"""A tracker's server on a database of its own, for as long as it is measured."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from benchmarks.tracker import Tracker

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests"))  # where the real parts of tests lie, PostgreSQL among them
DATABASES = (("sqlite", "SQLite"), ("postgresql", "PostgreSQL"))


class Served:
    """A tracker's server on a database, or for None one that does nothing."""

    def __init__(self, tracker: type[Tracker] | None, database: str = "") -> None:
        kept = import_module("parts.kept")
        self._kept, self._more = kept.Kept("benchmark-server"), []
        self.port: int = kept.free_port()
        self.store = f"sqlite:///{self._kept.directory}/store.db"
        if database == "postgresql":
            cluster = import_module("parts.postgresql").Postgresql()
            self._more.append(cluster)
            self.store = cluster.url()
        if tracker is None:
            command, environment = ["-m", "benchmarks.load", str(self.port)], {}
        else:
            found = tracker.server(self.store, f"{self._kept.directory}/files", self.port)
            assert found is not None
            command, environment = found
        self._command = [sys.executable, *command]
        self._environment: dict[str, str] = kept.plain_environment(PYTHONPATH=str(ROOT), **environment)
        self._start()

    def again(self) -> float:
        """Seconds until another one on the same database answers, the first being gone."""
        os.kill(self._kept.pid, signal.SIGKILL)
        while _answers(self.port):
            time.sleep(0.01)
        return self._start()

    def busy(self) -> float:
        """Seconds of processor time that the server, its database and their children took so far."""
        sessions = {str(one.pid) for one in (self._kept, *self._more)}
        facts: dict[str, list[str]] = {}
        for process in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # it has ended
                facts[process.parent.name] = process.read_text().rpartition(")")[2].split()
        ours = {pid for pid, fields in facts.items() if fields[3] in sessions}
        # Each of PostgreSQL's processes begins a session of its own.
        ours |= {pid for pid, fields in facts.items() if fields[1] in ours}
        return sum(int(ticks) for pid in ours for ticks in facts[pid][11:15]) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """Stop it; nothing is left."""
        for one in (self._kept, *self._more):
            one.close()

    def _start(self) -> float:
        begin = time.perf_counter()
        self._kept.start(self._command, signal.SIGTERM, self._environment)
        if not self._kept.wait_until(lambda: _answers(self.port)):
            raise OSError(f"the server did not start:\n{self._kept.log()[-3000:]}")
        return time.perf_counter() - begin


def _answers(port: int) -> bool:
    """Whether somebody answers; until then a connection is refused."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as one:
            one.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return b" 200 " in one.recv(100)
    except OSError:
        return False
