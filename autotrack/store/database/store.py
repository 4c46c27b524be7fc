"""A store on a database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from autotrack.exceptions import AutotrackException
from autotrack.store import rows
from autotrack.store.buckets import Asked, Buckets
from autotrack.store.database import curves, schema, zoom
from autotrack.store.database.context import ServerContext
from autotrack.store.database.editor import DatabaseEditor
from autotrack.store.database.engine import Database
from autotrack.store.database.registry import DatabaseRegistry
from autotrack.store.metrics import History, Place
from autotrack.store.questions import Questions

T = TypeVar("T")


class DatabaseStore(Questions):
    """Runs, experiments, models and the registry in a database, which is their truth."""

    def __init__(self, database: Database, artifact_root: str) -> None:
        self.database = database
        self.context = ServerContext(database.name, artifact_root)
        self.editor = DatabaseEditor(database)
        self.registry = DatabaseRegistry(database, self.context)

    def close(self) -> None:
        """See :class:`Questions`."""
        self.database.close()

    def history(
        self,
        run_id: str,
        key: str,
        start_step: float | None = None,
        end_step: float | None = None,
        points: int | None = None,
    ) -> History:
        """See :class:`Questions`."""

        return self._ask_of_run(
            run_id, lambda connection, run: curves.history(connection, run, run_id, key, start_step, end_step, points)
        )

    def buckets(self, run_id: str, key: str, asked: Asked) -> Buckets:
        """See :class:`Questions`."""
        return self._ask_of_run(run_id, lambda connection, run: zoom.zoomed(connection, run, key, asked))

    def history_page(
        self, run_id: str, key: str, limit: int, after: Place | None = None
    ) -> tuple[History, Place | None]:
        """See :class:`Questions`; what lies before and behind the page is not read."""
        return self._ask_of_run(
            run_id, lambda connection, run: curves.page_of(connection, run, run_id, key, limit, after)
        )

    def last_event_time(self, scope: str) -> int:  # noqa: ARG002 - changes are applied as they arrive
        """See :class:`Questions`."""
        return 0

    def taken_in(self, run_id: str, writer: str) -> int:
        """Up to where the bytes of a writer of a run were taken in; 0 for nothing."""
        return self._ask(lambda connection: curves.taken_in(connection, run_id, writer))

    def _ask_of_run(self, run_id: str, question: Callable[[Connection, int], T]) -> T:
        def ask(connection: Connection) -> T:
            number = rows.run_number(connection, run_id)
            if number is None:
                raise AutotrackException.missing(f"Run with id={run_id} not found in {self.context.name}")
            return question(connection, number)

        return self._ask(ask)

    def _ask(self, question: Callable[[Connection], T], run_id: str | None = None) -> T:  # noqa: ARG002 - for journals
        return self.database.read(question)

    def _ask_once(self, question: Callable[[Connection], T]) -> T | None:
        return self.database.read_once(question)


def open_database(url: str, artifact_root: str, *, migrate: bool = False) -> DatabaseStore:
    """The store on ``sqlite:///PATH`` or ``postgresql://…``; files lie below ``artifact_root``, a URI.

    An empty database is set up. One of an older version is an error unless ``migrate``, which brings it up to date;
    one of a newer version, or one that autotrack did not make, is an error and stays untouched.
    """
    database = Database(url)
    if database.is_sqlite:
        schema.check_file(Path(str(database.url.database)))
    try:
        schema.ready(database, migrate=migrate)
    except BaseException:
        database.close()
        raise
    return DatabaseStore(database, artifact_root)
