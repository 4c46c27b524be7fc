"""Fixtures for real servers that a test may ask for by name; each is started by the first that does."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from parts.azure import Azure
    from parts.google import Google
    from parts.postgresql import Postgresql
    from parts.s3 import S3


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Postgresql]:
    """The PostgreSQL of this session's process."""
    from parts.postgresql import Postgresql  # psycopg, which most tests go without

    server = Postgresql()
    yield server
    server.close()


@pytest.fixture
def postgresql(postgresql_server: Postgresql) -> Iterator[str]:
    """The URL of a database of this test's own, ``postgresql://…``."""
    with postgresql_server.database() as url:
        yield url


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3]:
    """The S3 server of this session's process."""
    from parts.s3 import S3  # obstore, which most tests go without

    server = S3()
    yield server
    server.close()


@pytest.fixture
def s3(s3_server: S3, monkeypatch: pytest.MonkeyPatch) -> S3:
    """An S3 server; its credentials are in the environment, and ``s3.bucket()`` is an empty place in it."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[Google]:
    """A server that is spoken to as Google Cloud Storage; as with ``s3``."""
    from parts.google import Google  # obstore, which most tests go without

    server = Google()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    yield server
    server.close()


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Azure]:
    """Azurite, where it is installed; as with ``s3``."""
    from parts.azure import PROGRAM, Azure  # for the tests that ask for it

    if shutil.which(PROGRAM) is None:
        pytest.skip(f"{PROGRAM} is not installed, and no wheel brings it: npm install azurite")
    server = Azure()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of this test's own: the test runs on each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'autotrack.db'}"
    url: str = request.getfixturevalue("postgresql")
    return url
