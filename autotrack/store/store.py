"""One local store: its journals, and the index that answers questions about them."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from autotrack.exceptions import AutotrackException
from autotrack.sinks.local import check_store
from autotrack.store import dialect, metrics, stretches, tables
from autotrack.store.buckets import Asked, Buckets
from autotrack.store.context import LocalContext
from autotrack.store.edit import Editor
from autotrack.store.index import Index
from autotrack.store.ingest import Ingest
from autotrack.store.questions import Fault, Questions
from autotrack.store.registry import FileRegistry
from autotrack.store.registry.rows import SCOPE

T = TypeVar("T")
_ATTEMPTS = 3


class Store(Questions):
    """Answers questions about the runs of a directory. Every answer includes what was written before it was asked.

    Called from any thread. ``editor`` takes changes, ``registry`` has the registered models. Raises for a directory
    that is not a store of ours; one that does not exist yet is an empty store, and no question makes it.
    """

    def __init__(self, directory: Path) -> None:
        check_store(directory)
        self._directory = directory
        self.context = LocalContext(directory)
        self._index = Index(directory)
        self._ingest = Ingest(directory, self._index)
        self.editor = Editor(directory)
        self.registry = FileRegistry(directory, self.context, self._ask_registry)

    @property
    def directory(self) -> Path:
        """Where the runs and their files are."""
        return self._directory

    def refresh(self) -> None:
        """Take in what the journals hold by now."""
        self._attempt(self._ingest.catch_up)

    def reindex(self) -> None:
        """Read every journal again from its beginning, also those that no list names."""
        self._attempt(self._ingest.reindex)

    def close(self) -> None:
        """Let the index go; the next question opens it again."""
        self._index.close()

    @property
    def index_path(self) -> Path | None:
        """Where the index lies, once a question has been asked."""
        return self._index.path

    def faults(self) -> list[Fault]:
        """What could not be read."""
        table = tables.faults.c
        query = select(table.scope, table.file, table.offset, table.reason).order_by(
            table.scope, table.file, table.offset
        )
        return self._ask(lambda connection: [Fault(*row) for row in connection.execute(query)])

    def history(
        self,
        run_id: str,
        key: str,
        start_step: float | None = None,
        end_step: float | None = None,
        points: int | None = None,
    ) -> metrics.History:
        """See :class:`Questions`."""
        self.run(run_id)
        with self._index.read() as connection:
            found = metrics.history(connection, self.directory, run_id, key)
        return metrics.thinned(metrics.between(found, start_step, end_step), points)

    def buckets(self, run_id: str, key: str, asked: Asked) -> Buckets:
        """See :class:`Questions`."""
        self.run(run_id)
        return self._attempt(lambda: stretches.zoomed(self._index, self.directory, run_id, key, asked))

    def history_page(
        self, run_id: str, key: str, limit: int, after: metrics.Place | None = None
    ) -> tuple[metrics.History, metrics.Place | None]:
        """See :class:`Questions`."""
        return metrics.page(self.history(run_id, key), limit, after)

    def last_event_time(self, scope: str) -> int:
        """See :class:`Questions`: the time of the last event taken in."""
        query = select(tables.progress.c.time).where(tables.progress.c.scope == scope)
        return self._ask(lambda connection: connection.scalar(query) or 0, scope)

    def _ask(self, question: Callable[[Connection], T], run_id: str | None = None) -> T:
        """The answer to a question; one about a single run does not wait for the others to be brought up to date."""

        def ask() -> T:
            self._ingest.catch_up(run_id)
            with self._index.read() as connection:
                return question(connection)

        return self._attempt(ask)

    def _find(self, run_id: str) -> bool:
        return self._attempt(lambda: self._ingest.find(run_id))

    def _ask_registry(self, question: Callable[[Connection], T]) -> T:
        return self._ask(question, SCOPE)  # which is no run's id: no run is looked at

    def _attempt(self, action: Callable[[], T]) -> T:
        """Carry out an action on the index, on a new one where the old one turns out to be of no use."""
        for attempt in range(_ATTEMPTS):
            try:
                return action()
            except SQLAlchemyError as error:
                if attempt == _ATTEMPTS - 1:
                    raise AutotrackException(f"the index of {self.directory} cannot be used: {error}") from error
                if dialect.damaged(error):
                    self._index.rebuild(error)
                elif dialect.unwritable(error):
                    self._index.leave()
                else:
                    raise AutotrackException(f"the index of {self.directory} cannot be used: {error}") from error
        raise AssertionError("unreachable")


_open: OrderedDict[Path, Store] = OrderedDict()
_MOST_OPEN = 8
"""Stores whose index is kept open at once."""
_inherited: list[Store] = []
_lock = threading.Lock()


def open_store(directory: Path) -> Store:
    """The store of a directory, the same one each time in this process."""
    with _lock:
        if directory not in _open:
            _open[directory] = Store(directory)
            if len(_open) > _MOST_OPEN:
                _open.popitem(last=False)[1].close()
        _open.move_to_end(directory)
        return _open[directory]


def _after_fork() -> None:
    global _lock
    # The locks may be held by threads that do not exist here, and the connections are the parent's: not even closed.
    _lock = threading.Lock()
    _inherited.extend(_open.values())
    _open.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
