"""Servers in the process of the test, and as processes of their own."""

from __future__ import annotations

import asyncio
from urllib.parse import unquote

import httpx
import pytest

from autotrack.server.access import Access
from autotrack.server.app import Application
from autotrack.server.start import Options, opened


class Asker:
    """Asks an application in the same process, as a client of httpx does."""

    def __init__(self, application, address="127.0.0.1", **headers):
        self.application, self.address, self.headers = application, address, headers

    def request(self, method, url, **more):
        """The answer."""
        return asyncio.run(self._ask(method, url, more))

    def get(self, url, **more):
        """The answer to a GET."""
        return self.request("GET", url, **more)

    def post(self, url, **more):
        """The answer to a POST."""
        return self.request("POST", url, **more)

    def put(self, url, **more):
        """The answer to a PUT."""
        return self.request("PUT", url, **more)

    def raw(self, method, target, content=b""):
        """Status and body of the answer to a target as it stands on the wire: what httpx would put right first."""
        scope = {
            "type": "http", "method": method, "path": unquote(target), "raw_path": target.encode(), "query_string": b"",
            "headers": [(b"host", b"localhost"), (b"content-length", str(len(content)).encode())], "root_path": "",
            "http_version": "1.1", "scheme": "http", "server": ("localhost", 80), "client": (self.address, 1),
        }  # fmt: skip
        sent = []

        async def receive():
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message):
            sent.append(message)

        asyncio.run(self.application(scope, receive, send))
        return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])

    async def _ask(self, method, url, more):
        transport = httpx.ASGITransport(self.application, raise_app_exceptions=False, client=(self.address, 1))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", headers=self.headers, timeout=60
        ) as asker:
            return await asker.request(method, url, **more)


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
