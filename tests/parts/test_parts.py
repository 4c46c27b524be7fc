"""The real servers that tests use: what they promise to the machine that they run on."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from parts.kept import Kept, plain_environment, running
from parts.postgresql import Postgresql
from parts.s3 import S3


def test_each_test_has_a_database_of_its_own(postgresql_server: Postgresql):
    """It begins empty and goes with the test, also while somebody is connected."""
    with postgresql_server.database() as one, postgresql_server.database() as other:
        connection = psycopg.connect(one, autocommit=True)
        connection.execute("CREATE TABLE mine (x int)")
        with psycopg.connect(other) as beside:
            assert beside.execute("SELECT to_regclass('mine')").fetchone() == (None,)
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    connection.close()


def test_no_server_listens_beyond_the_loopback(postgresql_server: Postgresql, s3_server: S3):
    """All their ports are this machine's own."""
    inodes = {inode for pid in (postgresql_server.pid, s3_server.pid) for inode in _sockets(pid)}
    listening = [line.split() for name in ("tcp", "tcp6") for line in _lines(f"/proc/net/{name}")]
    addresses = {fields[1].split(":")[0] for fields in listening if fields[3] == "0A" and fields[9] in inodes}
    assert addresses == {socket.inet_aton("127.0.0.1")[::-1].hex().upper()}


def test_no_server_runs_as_root(postgresql_server: Postgresql):
    """PostgreSQL refuses to, and no user is made for it."""
    assert Path(f"/proc/{postgresql_server.pid}").stat().st_uid != 0


def test_a_killed_test_process_leaves_no_server_and_no_file():
    """The server ends and its directory goes however the process that started it ends."""
    left = Path(tempfile.mktemp(prefix="autotrack-left-", dir="/tmp"))
    left.touch()
    program = (
        "import sys; from parts.kept import Kept, plain_environment\n"
        "kept = Kept('autotrack-killed')\n"
        "kept.start([sys.executable, '-c', 'import signal; signal.pause()'], 2, plain_environment(),"
        f" left=[{left.name!r}])\n"
        "print(kept.pid, kept.directory, kept._keeper.pid, flush=True)\n"
        "import signal; signal.pause()\n"
    )
    paths = plain_environment(PYTHONPATH=str(Path(__file__).parent.parent))
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=paths) as process:
        assert process.stdout is not None
        pid, directory, keeper = process.stdout.readline().split()
        assert running(int(pid))
        watched = os.pidfd_open(int(keeper))
        process.kill()
    _wait(watched)
    assert not running(int(pid))
    assert not Path(os.fsdecode(directory)).exists()
    assert not left.exists()


def test_a_server_whose_keeper_is_killed_ends_too():
    """Nobody is left to stop it then, so the kernel does."""
    kept = Kept("autotrack-orphan")
    kept.start([sys.executable, "-c", "import signal; signal.pause()"], signal.SIGINT, plain_environment())
    watched = os.pidfd_open(kept.pid)
    assert kept._keeper is not None
    kept._keeper.kill()
    _wait(watched)
    kept.close()
    assert not kept.directory.exists()


def _wait(process: int) -> None:
    """Until a process that is not our child has ended."""
    try:
        assert select.select([process], [], [], 60)[0]
    finally:
        os.close(process)


def _sockets(pid: int) -> set[str]:
    found = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since
            found.add(str(entry.readlink()).removeprefix("socket:[").removesuffix("]"))
    return found


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()[1:]
