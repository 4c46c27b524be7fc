"""MLflow's server and autotrack's, side by side; each is started by the first test that asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from comparing import Sides
from launched import Server, autotrack_server, mlflow_server


@pytest.fixture(scope="session")
def mlflow_url() -> Iterator[str]:
    """MLflow's own server."""
    server = mlflow_server()
    yield server.url
    server.close()


@pytest.fixture(scope="session")
def local_server() -> Iterator[Server]:
    """autotrack's server on SQLite and a directory."""
    server = autotrack_server("sqlite:///{directory}/autotrack.db", "{directory}/artifacts")
    yield server
    server.close()


@pytest.fixture(scope="session")
def team_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """autotrack's server on PostgreSQL and S3."""
    postgresql, s3 = request.getfixturevalue("postgresql_server"), request.getfixturevalue("s3_server")
    with postgresql.database() as url:
        server = autotrack_server(url, s3.bucket(), **s3.environment)
        yield server
        server.close()


@pytest.fixture(params=["local", pytest.param("team", marks=pytest.mark.slow)])
def autotrack(request: pytest.FixtureRequest) -> Server:
    """autotrack's server on SQLite and a directory, and on PostgreSQL and S3."""
    found: Server = request.getfixturevalue(f"{request.param}_server")
    return found


@pytest.fixture(scope="session")
def seen() -> dict[str, dict[str, Any]]:
    """What each case saw of MLflow's server, which is asked once."""
    return {}


@pytest.fixture(autouse=True)
def client_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that does not try again, and writes nothing."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    monkeypatch.setenv("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")


@pytest.fixture
def sides(mlflow_url: str, autotrack: Server, seen: dict[str, dict[str, Any]]) -> Sides:
    """Both servers."""
    return Sides(mlflow_url, autotrack.url, seen)
