"""What the tests of stores on databases share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import event

from autotrack.event import Event, ExperimentCreated, Process, RunCreated
from autotrack.exceptions import AutotrackException
from autotrack.journal.format import experiment_id, new_run_id, raw_step
from autotrack.store.database import DatabaseStore, open_database

ROOT = "mlflow-artifacts:"


@contextmanager
def opened(url: str) -> Iterator[DatabaseStore]:
    """The store of a database, closed afterwards."""
    store = open_database(url, ROOT)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def statements(store: DatabaseStore) -> Iterator[list[str]]:
    """What is sent to the database meanwhile."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(store.database.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(store.database.engine, "before_cursor_execute", note)


def code_of(action: Callable[[], object]) -> str | None:
    """The error code of what goes wrong, ``None`` if nothing does."""
    try:
        action()
    except AutotrackException as error:
        return error.error_code
    return None


def point(key: str, value: float, step: float = 0, time: int = 0) -> tuple[str, int, int, int, float]:
    """A point as an editor takes it."""
    raw, flags = raw_step(step)
    return key, flags, raw, time, value


class Recording:
    """One run of a database, written to as :class:`journals.Writer` writes a journal."""

    def __init__(self, store: DatabaseStore, run_id: str) -> None:
        self._store, self.run_id = store, run_id

    def event(self, event: Event, time: int) -> None:
        self._store.editor.event(self.run_id, event, time_ms=time)

    def point(self, key: str, value: float, step: float = 0, time: int = 0) -> None:
        self._store.editor.points(self.run_id, [point(key, value, step, time)])


class Recorder:
    """A database that several imagined processes write to, as :class:`journals.Journal` is a directory."""

    def __init__(self, store: DatabaseStore) -> None:
        self._store = store

    def run(
        self, name: str = "a run", time: int = 1000, *, experiment: str = "exp", process: Process | None = None
    ) -> Recording:
        chosen, run_id = experiment_id(experiment), new_run_id()
        if self._store.experiment(chosen) is None:
            self._store.editor.experiment(ExperimentCreated(chosen, experiment))
        self._store.editor.create(run_id, [(time, RunCreated(chosen, experiment, name, None, "ada", process))])
        return Recording(self._store, run_id)
