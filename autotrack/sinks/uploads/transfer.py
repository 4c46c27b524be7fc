"""Files on their way to a server: a few at a time, beside the requests for everything else."""

from __future__ import annotations

import copy
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from autotrack.exceptions import AutotrackException
from autotrack.wire.address import Address
from autotrack.wire.connection import Connection, Refused, Unavailable
from autotrack.wire.parts import Parts
from autotrack.wire.roots import root

AT_ONCE = 4
"""Files that are sent at the same time."""


class Transfer:
    """One file. Whoever put it on its way looks at ``over`` and ``failed``."""

    def __init__(self, uri: str, path: str, file: Path, kept: dict[str, Any], *, in_parts: bool) -> None:
        self.uri, self.path, self.file = uri, path, file
        self.name = f"{uri}/{path}"
        self.over = False
        """Whether it has arrived, or will never."""
        self.failed: Unavailable | None = None
        """What kept it from arriving; it may be sent again."""
        self.refused = ""
        """Why it will never arrive."""
        self.kept = kept
        """How far it has come in parts; replaced, never changed."""
        self.noted: Callable[[], None] = lambda: None
        """Called when ``kept`` is another."""
        self._parts = Parts(in_parts, copy.deepcopy(kept), self._keep)
        self._cancelled = False

    def cancel(self) -> None:
        """Have it not sent, if its turn has not come."""
        self._cancelled = True

    def send(self, connection: Connection) -> None:
        """Send it; never raises."""
        if self._cancelled:
            return
        try:
            root(self.uri, connection).put(self.path, self.file, self._parts)
        except Unavailable as error:
            self.failed = error
            return
        except Refused as error:
            if not error.wrong:
                self.failed = Unavailable(error.message)
                return
            self.refused = error.message
        except AutotrackException as error:
            self.failed = Unavailable(error.message)
            return
        except FileNotFoundError:
            self.refused = "the file was gone before it could be sent"
        except OSError as error:
            self.refused = f"the file cannot be read: {error.strerror or error}"
        self.over = True

    def _keep(self) -> None:
        self.kept = copy.deepcopy(self._parts.kept)
        self.noted()


_IDLE_SECONDS = 5.0
"""After which a thread that has nothing to send ends."""


class Transfers:
    """The threads that send files to one server; ``wake`` is called whenever one has arrived, or has not."""

    def __init__(self, server: Address, wake: Callable[[], None]) -> None:
        self._server, self._wake = server, wake
        self._queue: SimpleQueue[Transfer] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._under_way = 0
        self._lock = threading.Lock()

    def put(self, transfer: Transfer) -> None:
        """Have a file sent."""
        transfer.noted = self._wake  # how far it has come is to be written down at once
        with self._lock:  # around both: a thread that finds nothing to do goes only while nothing is put
            self._under_way += 1
            enough = len(self._threads) >= min(AT_ONCE, self._under_way)
            self._queue.put(transfer)
        if enough:
            return
        thread = threading.Thread(target=self._work, name="autotrack-files", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the interpreter is ending, and starts no more threads
            if not self._threads:
                self._one(self._queue.get(), Connection(self._server))
        else:
            with self._lock:
                self._threads.append(thread)

    def text(self, connection: Connection, uri: str, path: str, content: dict[str, Any], beside: Path) -> None:
        """Send a small JSON file at once; raises what the connection raises."""
        temporary = beside / f".{Path(path).name}-{os.urandom(4).hex()}"
        try:
            temporary.write_text(json.dumps(content, indent=1), "utf-8")
            root(uri, connection).put(path, temporary)
        finally:
            temporary.unlink(missing_ok=True)

    def _work(self) -> None:
        connection = Connection(self._server)
        while True:
            try:
                transfer = self._queue.get(timeout=_IDLE_SECONDS)
            except Empty:
                with self._lock:
                    if self._queue.empty():
                        self._threads = [one for one in self._threads if one is not threading.current_thread()]
                        connection.close()
                        return
                continue
            self._one(transfer, connection)

    def _one(self, transfer: Transfer, connection: Connection) -> None:
        transfer.send(connection)
        with self._lock:
            self._under_way -= 1
        self._wake()
