"""A forward proxy, as companies have it: it connects to where it is told, and writes down where that was."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class ForwardProxy:
    """Listens at ``url``. ``password`` is what it asks for, as ``user:password`` in Basic authentication."""

    def __init__(self, credentials: str | None = None) -> None:
        self.asked: list[str] = []
        """Method and target of each request."""
        self._credentials = credentials
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._serve, name="forward", daemon=True).start()

    def close(self) -> None:
        """Be gone."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._one, args=(client,), name="forward", daemon=True).start()

    def _one(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            head = b""
            while b"\r\n\r\n" not in head and (some := client.recv(65536)):
                head += some
            line, _, rest = head.partition(b"\r\n")
            method, target, version = line.decode().split(" ")
            self.asked.append(f"{method} {target}")
            wanted = self._credentials and f"Proxy-Authorization: Basic {self._credentials}".encode()
            if wanted and wanted not in rest:
                client.sendall(b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")
                return
            if method == "CONNECT":
                host, _, port = target.rpartition(":")
                with socket.create_connection((host, int(port))) as server:
                    client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                    _pass(client, server)
                return
            parts = urlsplit(target)
            path = target.partition(parts.netloc)[2] or "/"
            # One request a connection: what follows on it would be another's.
            rest = rest.replace(b"Connection: keep-alive", b"Connection: close")
            with socket.create_connection((str(parts.hostname), parts.port or 80)) as server:
                server.sendall(f"{method} {path} {version}\r\n".encode() + rest)
                _pass(client, server)


def _pass(one: socket.socket, other: socket.socket) -> None:
    """Hand on what comes from either until one of them is gone."""
    while True:
        ready, _, _ = select.select([one, other], [], [], 60)
        if not ready:
            return
        for source in ready:
            some = source.recv(65536)
            if not some:
                return
            (other if source is one else one).sendall(some)


@contextmanager
def forwarding(credentials: str | None = None) -> Iterator[ForwardProxy]:
    """A proxy for a while."""
    proxy = ForwardProxy(credentials)
    try:
        yield proxy
    finally:
        proxy.close()
