"""Where the files of a server's runs lie, and when a run counts as lost."""

from __future__ import annotations

import time

from sqlalchemy import BigInteger, ColumnElement, and_, bindparam, case, func, literal, null, select

from autotrack.store import tables
from autotrack.store.context import ARTIFACTS, Context
from autotrack.store.database.tables import intake
from autotrack.store.status import LEASE_MS


class ServerContext(Context):
    """That of a database; files lie below ``root``, a URI."""

    def __init__(self, name: str, root: str) -> None:
        self.name = name
        self._root = root.rstrip("/")
        self._between = "/" if self._root else ""

    def experiment_uri(self, experiment_id: str, location: str) -> str:
        """See :class:`Context`."""
        return location.rstrip("/") or f"{self._root}{self._between}{experiment_id}"

    def run_uri(self, run_id: str, experiment_id: str, location: str | None) -> str:
        """See :class:`Context`."""
        return f"{self.experiment_uri(experiment_id, location or '')}/{run_id}{ARTIFACTS}"

    def run_uri_column(self) -> ColumnElement[str]:
        """See :class:`Context`."""
        above, run = tables.experiments.c, tables.runs.c
        chosen = select(func.rtrim(above.artifact_location, "/")).where(above.experiment_id == run.experiment_id)
        own = literal(f"{self._root}{self._between}") + run.experiment_id
        root = func.coalesce(func.nullif(chosen.scalar_subquery(), ""), own)
        return root + literal("/") + run.run_id + literal(ARTIFACTS)

    def file_uri(self, location: str) -> str:
        """See :class:`Context`; the registry of a server has URIs."""
        return location

    def location(self, uri: str) -> str:
        """See :class:`Context`."""
        return uri

    def mark_column(self) -> ColumnElement[int | None]:
        """See :class:`Context`."""
        own, run = intake.c, tables.runs.c
        mark = 2 * own.revision + case((_silent(), 1), else_=0)
        return select(mark).where(own.run == run.id).scalar_subquery()

    def lost_at_column(self) -> ColumnElement[int | None]:
        """Known of one whose writer promised signs of life and gives none."""
        own, run = intake.c, tables.runs.c
        silent = select(own.last_seen).where(own.run == run.id, _silent()).scalar_subquery()
        # In a CASE, as the row of each run that has not ended: the silence of all runs is not looked at.
        return case((run.status != "RUNNING", null()), else_=silent)

    def status_column(self) -> ColumnElement[str]:
        """See :class:`Context`."""
        return case((self.lost_at_column().is_not(None), literal("LOST")), else_=tables.runs.c.status)

    def end_time_column(self) -> ColumnElement[int | None]:
        """See :class:`Context`."""
        return func.coalesce(self.lost_at_column(), tables.runs.c.end_time)


def _lease() -> int:
    """A sign of life before this is too old."""
    return time.time_ns() // 1_000_000 - LEASE_MS


# Computed when a statement is carried out, which is put together once; one value in all of the statement.
_LEASE = bindparam("lease", callable_=_lease, type_=BigInteger())


def _silent() -> ColumnElement[bool]:
    return and_(intake.c.leased, intake.c.last_seen < _LEASE)
