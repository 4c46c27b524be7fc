"""One load generator for every server: prepared requests over connections that stay open.

Requests are bytes before the clock starts, and of an answer only status and length are read, so that what is measured
is the server. What the generator itself can do is measured against a server that does nothing:
``python -m benchmarks.load PORT``.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

CONNECTIONS = 4
IDLE_SECONDS = 2
"""A server closes a connection that was idle for longer than some seconds."""


def post(path: str, body: Any) -> bytes:
    """A POST of JSON below ``/api/2.0/mlflow``."""
    content = json.dumps(body).encode()
    head = (
        f"POST /api/2.0/mlflow/{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def get(path: str, below: str = "/api/2.0/mlflow") -> bytes:
    """A GET below ``/api/2.0/mlflow``, or elsewhere."""
    return f"GET {below}/{path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


class Connection:
    """One connection to the loopback."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._held = bytearray()
        self._open()

    def ask(self, request: bytes) -> bytes:
        """The body of the answer; raises for a status other than 200."""
        if time.monotonic() - self._used > IDLE_SECONDS:
            self.close()
            self._open()
        self._socket.sendall(request)
        while (end := self._held.find(b"\r\n\r\n")) < 0:
            self._receive()
        head = bytes(self._held[:end]).lower()
        del self._held[: end + 4]
        body = self._chunks() if b"transfer-encoding: chunked" in head else self._take(_length(head))
        self._used = time.monotonic()
        if head[9:12] != b"200":
            raise OSError(f"{head[:80]!r}: {body[:500]!r}")
        return body

    def close(self) -> None:
        """Let it go."""
        self._socket.close()

    def _open(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=600)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._used = time.monotonic()

    def _receive(self) -> None:
        received = self._socket.recv(1 << 20)
        if not received:
            raise ConnectionError("the server closed the connection")
        self._held += received

    def _take(self, size: int) -> bytes:
        while len(self._held) < size:
            self._receive()
        taken = bytes(memoryview(self._held)[:size])
        del self._held[:size]
        return taken

    def _chunks(self) -> bytes:
        body = bytearray()
        while True:
            while (end := self._held.find(b"\r\n")) < 0:
                self._receive()
            size = int(self._take(end), 16)
            self._take(2)
            body += self._take(size)
            self._take(2)
            if not size:
                return bytes(body)


def flood(port: int, requests: Sequence[bytes], seen: Callable[[bytes], object] = lambda _: None) -> float:
    """Seconds until all requests are answered, each connection taking every fourth, one after the other."""
    connections = [Connection(port) for _ in range(CONNECTIONS)]
    ready, failed = threading.Barrier(CONNECTIONS + 1), list[BaseException]()

    def work(number: int) -> None:
        ready.wait()
        try:
            for request in requests[number::CONNECTIONS]:
                seen(connections[number].ask(request))
        except (OSError, ValueError) as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    ready.wait()
    begin = time.perf_counter()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begin
    for connection in connections:
        connection.close()
    if failed:
        raise failed[0]
    return took


def _length(head: bytes) -> int:
    return int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])


class _Nothing(asyncio.Protocol):
    """Answers each request with an empty document."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._held = b""

    def data_received(self, data: bytes) -> None:
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            head = self._held[:end].lower()
            size = end + 4 + (_length(head) if b"content-length:" in head else 0)
            if len(self._held) < size:
                return
            self._held = self._held[size:]
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Nothing, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
