"""One local store: its journals, and the index that answers questions about them."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from autotrack.entities import Experiment, LoggedModel, Metric, PagedList, Run, ViewType
from autotrack.exceptions import AutotrackException
from autotrack.sinks.local import check_store
from autotrack.store import dialect, experiments, metrics, models, runs, tables
from autotrack.store.edit import Editor
from autotrack.store.index import Index
from autotrack.store.ingest import Ingest
from autotrack.store.registry import Registry
from autotrack.store.registry.rows import SCOPE

T = TypeVar("T")
_ATTEMPTS = 3


class Fault(NamedTuple):
    """Something in a journal that could not be read: the run (or the list), the file, the place and the reason."""

    scope: str
    file: str
    offset: int
    reason: str


class Store:
    """Answers questions about the runs of a directory. Every answer includes what was written before it was asked.

    Called from any thread. ``editor`` takes changes, ``registry`` has the registered models. Raises for a directory
    that is not a store of ours; one that does not exist yet is an empty store, and no question makes it.
    """

    def __init__(self, directory: Path) -> None:
        check_store(directory)
        self.directory = directory
        self._index = Index(directory)
        self._ingest = Ingest(directory, self._index)
        self.editor = Editor(directory)
        self.registry = Registry(directory, self._ask_registry)

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

    def run(self, run_id: str) -> Run:
        """A run; an unknown one is an error."""

        def ask(connection: Connection) -> Run | None:
            number = runs.run_number(connection, run_id)
            if number is None:
                return None
            return runs.whole_runs(connection, runs.run_rows(connection, self.directory, [number]))[0]

        found = self._ask(ask, run_id)
        if found is None and self._attempt(lambda: self._ingest.find(run_id)):
            found = self._ask(ask, run_id)
        if found is None:
            raise AutotrackException.missing(
                f"there is no run {run_id!r} in {self.directory}; `autotrack runs` lists those that are"
            )
        return found

    def rows(self, search: runs.Search) -> tuple[list[runs.Row], str | None]:
        """One page of runs as plain rows, without inputs and outputs, and the token of the next page."""

        def ask(connection: Connection) -> tuple[list[runs.Row], str | None]:
            found = runs.find_runs(connection, self.directory, search)
            return runs.run_rows(connection, self.directory, found.keys), found.token

        return self._ask(ask)

    def search_runs(self, search: runs.Search) -> PagedList[Run]:
        """One page of runs."""

        def ask(connection: Connection) -> PagedList[Run]:
            found = runs.find_runs(connection, self.directory, search)
            rows = runs.run_rows(connection, self.directory, found.keys)
            return PagedList(runs.whole_runs(connection, rows), found.token)

        return self._ask(ask)

    def count(self, experiment_ids: Sequence[str] | None = None, view: int = ViewType.ACTIVE_ONLY) -> int:
        """How many runs there are."""
        return self._ask(lambda connection: runs.count_runs(connection, experiment_ids, view))

    def history(self, run_id: str, key: str) -> metrics.History:
        """All points of a metric; empty for one that the run never logged, an error for an unknown run."""
        self.run(run_id)
        with self._index.read() as connection:
            return metrics.history(connection, self.directory, run_id, key)

    def last_metrics(self, run_id: str) -> list[Metric]:
        """The last point of each metric of a run."""
        self.run(run_id)

        def ask(connection: Connection) -> list[Metric]:
            number = runs.run_number(connection, run_id)
            return [] if number is None else runs.last_metrics(connection, number)

        return self._ask(ask, run_id)

    def last_event_time(self, scope: str) -> int:
        """The time of the last event taken in for a run, or for ``"experiments"``; 0 for none."""
        query = select(tables.progress.c.time).where(tables.progress.c.scope == scope)
        return self._ask(lambda connection: connection.scalar(query) or 0, scope)

    def experiment(self, experiment_id: str) -> Experiment | None:
        """An experiment by its id."""
        found = self._ask(lambda c: experiments.experiment_rows(c, self.directory, [str(experiment_id)]))
        return found[0] if found else None

    def experiment_named(self, name: str) -> Experiment | None:
        """An experiment by its name; an active one before a deleted one."""
        found = self._ask(lambda c: experiments.experiment_rows(c, self.directory, experiments.ids_named(c, name)[:1]))
        return found[0] if found else None

    def search_experiments(
        self,
        view: int = ViewType.ACTIVE_ONLY,
        filter_string: str | None = None,
        order_by: Sequence[str] | None = None,
        limit: int = 1000,
        token: str | None = None,
    ) -> PagedList[Experiment]:
        """One page of experiments, the newest first unless ordered otherwise."""

        def ask(connection: Connection) -> PagedList[Experiment]:
            found = experiments.find_experiments(connection, view, filter_string, order_by, limit, token)
            return PagedList(experiments.experiment_rows(connection, self.directory, found.keys), found.token)

        return self._ask(ask)

    def model(self, model_id: str) -> LoggedModel:
        """A logged model; an unknown one is an error."""
        found = self._ask(lambda connection: models.model_rows(connection, self.directory, [model_id]))
        if not found:
            raise AutotrackException.missing(
                f"there is no logged model {model_id!r} in {self.directory}; `autotrack show RUN` lists a run's models"
            )
        return found[0]

    def search_models(
        self,
        experiment_ids: Sequence[str],
        filter_string: str | None = None,
        datasets: Sequence[Mapping[str, Any]] | None = None,
        order_by: Sequence[Mapping[str, Any]] | None = None,
        limit: int = 100,
        token: str | None = None,
    ) -> PagedList[LoggedModel]:
        """One page of logged models, the newest first unless ordered otherwise."""

        def ask(connection: Connection) -> PagedList[LoggedModel]:
            found = models.find_models(connection, experiment_ids, filter_string, datasets, order_by, limit, token)
            return PagedList(models.model_rows(connection, self.directory, found.keys), found.token)

        return self._ask(ask)

    def _ask(self, question: Callable[[Connection], T], run_id: str | None = None) -> T:
        """The answer to a question; one about a single run does not wait for the others to be brought up to date."""

        def ask() -> T:
            self._ingest.catch_up(run_id)
            with self._index.read() as connection:
                return question(connection)

        return self._attempt(ask)

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
