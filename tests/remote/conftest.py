"""A real MLflow server, and a proxy before it that fails as it is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from faults import Faults
from trackingserver import Tracking


@pytest.fixture(autouse=True)
def no_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a program's helper adds to a run comes when it comes, also after its end."""
    monkeypatch.setenv("AUTOTRACK_CONTEXT", "0")


@pytest.fixture(scope="session")
def tracking() -> Iterator[Tracking]:
    """MLflow's own server on SQLite and a directory."""
    server = Tracking()
    yield server
    server.close()


@pytest.fixture
def faults(tracking: Tracking) -> Iterator[Faults]:
    """The way to it, on which anything may happen."""
    proxy = Faults(tracking.url)
    yield proxy
    proxy.close()
