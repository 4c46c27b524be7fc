"""Asking the server's application in the process of the test."""

import asyncio
from urllib.parse import unquote

import httpx


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

    def raw(self, method, target, content=b"", host="localhost"):
        """Status and body of the answer to a target as it stands on the wire: what httpx would put right first."""
        scope = {
            "type": "http", "method": method, "path": unquote(target), "raw_path": target.encode(), "query_string": b"",
            "headers": [(b"host", host.encode()), (b"content-length", str(len(content)).encode())], "root_path": "",
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
