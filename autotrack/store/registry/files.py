"""The registry of a directory: its log is files, and what came of them is in the index."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from autotrack.exceptions import AutotrackException
from autotrack.sinks.local import make_store
from autotrack.store.context import Context
from autotrack.store.registry import chain, rows
from autotrack.store.registry.book import Book
from autotrack.store.registry.changes import Author, Change, Entry
from autotrack.store.registry.registry import Ask, Registry
from autotrack.store.registry.rows import SqlBook

T = TypeVar("T")
_PATIENCE = 60.0
"""Seconds for which a change is tried again while others are faster; each time one of them has got through."""


class FileRegistry(Registry):
    """Appends to the log by claiming the next number; whoever comes second decides anew."""

    def __init__(self, directory: Path, context: Context, ask: Ask) -> None:
        super().__init__(context, ask)
        self.directory = directory
        self._lock = threading.Lock()

    def change(
        self, decide: Callable[[Book], Change], author: Author, why: str = "", *, when: int | None = None
    ) -> Entry:
        """See :class:`Registry`; decided anew each time that somebody else was faster."""

        def look(connection: Connection) -> tuple[int, str, int, Change]:
            return (*rows.tail(connection), decide(SqlBook(connection)))

        deadline = time.monotonic() + _PATIENCE
        with self._lock:
            while True:
                number, before, last, change = self._ask(look)
                self._check_tail(number, before)
                # By a clock that was set back an entry must not come before the one that it follows.
                now = max(time.time_ns() // 1_000_000, last)
                entry = Entry(number + 1, now if when is None else when, author, change, why)
                try:
                    if number == 0:
                        make_store(self.directory)
                    return chain.append(self.directory, entry, before)
                except chain.Taken:
                    if time.monotonic() > deadline:
                        raise AutotrackException(
                            f"the registry of {self.directory} was changed by others for {_PATIENCE:.0f} s without a "
                            "pause; nothing was changed, try again",
                            "TEMPORARILY_UNAVAILABLE",
                        ) from None
                    time.sleep(random.SystemRandom().uniform(0, 0.005))
                except OSError as error:
                    raise AutotrackException(
                        f"the registry of {self.directory} cannot be written: {error.strerror or error}; nothing was "
                        "changed"
                    ) from error

    def verify(self, head: str | None = None) -> chain.Verdict:
        """See :class:`Registry`."""
        return chain.verify(self.directory, head)

    def _check_tail(self, number: int, before: str) -> None:
        if number == 0:
            return
        entry = chain.read(self.directory, number)
        if entry is None or entry.hash != before:
            path = chain.path_of(self.directory, number)
            raise chain.Broken(path, number, "was replaced since it was read; `autotrack models verify` tells more")

    def _ask(self, question: Callable[[Connection], T]) -> T:
        def ask(connection: Connection) -> T:
            reason = rows.fault(connection)
            if reason is not None:
                raise AutotrackException(
                    f"{reason}. Nothing in the registry is to be trusted until the file is restored from a copy of the "
                    "store; `autotrack models verify` tells more",
                    "INVALID_STATE",
                )
            return question(connection)

        return super()._ask(ask)
