"""Servers in the process of the test, and as processes of their own."""

from __future__ import annotations

import pytest
from asking import Asker

from autotrack.server.access import Access
from autotrack.server.app import Application
from autotrack.server.start import Options, opened


def options_of(kind, place):
    """A server on a local store's directory, or on SQLite with a directory for files."""
    if kind == "directory":
        return Options(directory=str(place / "store"))
    return Options(store=f"sqlite:///{place}/autotrack.db", artifacts=str(place / "artifacts"))


@pytest.fixture(params=["directory", "sqlite"])
def service(request, tmp_path):
    """What the routes stand on, for each kind of store."""
    found = opened(options_of(request.param, tmp_path))
    yield found
    found.store.close()


@pytest.fixture
def client(service):
    """Asks a server that wants no token."""
    return Asker(Application(service, Access(None, ())))


@pytest.fixture
def api(client):
    """``api("POST", "runs/create", run_name="a")`` gives the answer's document; a refusal fails the test."""

    def ask(method, path, expect=200, /, **fields):  # None for whatever it is
        if not path.startswith("mlflow-artifacts"):
            path = f"mlflow/{path}"
        given = {"params": fields} if method == "GET" else {"json": fields}
        answer = client.request(method, f"/api/2.0/{path}", **given)
        assert expect in (None, answer.status_code), answer.text
        return answer.json()

    return ask


@pytest.fixture
def run_id(api):
    """A run."""
    return api("POST", "runs/create", experiment_id="0")["run"]["info"]["run_id"]
