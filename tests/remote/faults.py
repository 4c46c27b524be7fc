"""A proxy that fails as a test tells it to, and writes down what came by."""

from __future__ import annotations

import gzip
import http.client
import socket
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Fault = Callable[[str, int], "str | None"]
"""From the last part of a request's path and how many such came before to what happens to it: ``drop`` (the server
gets it, its answer is lost), ``lose`` (the server does not get it), ``hang`` (no answer, ever), ``late`` (the server
gets it, its answer comes once ``released``), ``trickle`` (until then byte by byte), ``500`` or another status, ``None``
for nothing."""


class Faults:
    """Listens at ``url`` and hands on to a server."""

    def __init__(self, target: str, *, keep: bool = False) -> None:
        self.fault: Fault = _nothing
        self.kept: list[str] | None = [] if keep else None
        """What was sent, lines and headers and bodies."""
        self.requests: list[tuple[str, str, int]] = []
        """Method, path and size of the body of each request."""
        self.headers: list[dict[str, str]] = []
        self.retry_after: str | None = None
        self.location = ""
        """Where those are sent who get a status that sends elsewhere."""
        self.packed: str | None = None
        """The status that compressed requests get."""
        self.released = threading.Event()
        """Lets go of those that hang, or are held back."""
        self._seen: Counter[str] = Counter()
        self._target = urlsplit(target)
        self._port = 0
        self.listen()

    def listen(self) -> None:
        """Take connections, at the same port each time."""
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: Any) -> None:
                return

            def _any(self) -> None:
                proxy._handle(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815 - names that the library looks for

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self._port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self._port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), name="faults", daemon=True).start()

    def refuse(self) -> None:
        """Take no connections until it listens again."""
        self._server.shutdown()
        self._server.server_close()

    def close(self) -> None:
        """Be gone."""
        self.released.set()
        with suppress(OSError):
            self.refuse()

    def count(self, ending: str) -> int:
        """How many requests came to a path."""
        return sum(path.endswith(ending) for _, path, _ in self.requests)

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        path = handler.path.partition("?")[0]
        name = "/".join(path.split("/")[-2:])
        number = self._seen[name]
        self._seen[name] += 1
        self.requests.append((handler.command, path, len(body)))
        self.headers.append(dict(handler.headers))
        if self.kept is not None:
            plain = gzip.decompress(body) if handler.headers.get("Content-Encoding") == "gzip" else body
            self.kept.append(f"{handler.requestline}\n{handler.headers}\n{plain.decode('utf-8', 'replace')}")
        fault = self.fault(name, number)
        if self.packed is not None and handler.headers.get("Content-Encoding"):
            fault = self.packed
        if fault == "hang":
            self.released.wait(60)
        if fault in ("lose", "hang"):
            self._cut(handler)
        elif fault is not None and fault.isdecimal():
            handler.send_response(int(fault))
            if self.retry_after is not None:
                handler.send_header("Retry-After", self.retry_after)
            if self.location:
                handler.send_header("Location", self.location)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        else:
            self._pass(handler, body, fault)

    def _pass(self, handler: BaseHTTPRequestHandler, body: bytes, fault: str | None) -> None:
        connection = http.client.HTTPConnection(self._target.hostname or "", self._target.port, timeout=60)
        headers = {name: value for name, value in handler.headers.items() if name.lower() not in ("host", "connection")}
        try:
            connection.request(handler.command, handler.path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        except OSError:
            self._cut(handler)
            return
        finally:
            connection.close()
        if fault == "drop":
            self._cut(handler)
            return
        if fault == "late":
            self.released.wait(60)
        handler.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length", "date", "server"):
                handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content)))
        sent = 0
        try:
            handler.end_headers()
            while fault == "trickle" and sent < len(content) and not self.released.wait(0.2):
                handler.wfile.write(content[sent : sent + 1])
                sent += 1
            handler.wfile.write(content[sent:])
        except OSError:  # who waited for it has gone
            handler.close_connection = True

    def _cut(self, handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        with suppress(OSError):
            handler.connection.shutdown(socket.SHUT_RDWR)


def _nothing(path: str, count: int) -> None:
    return
