"""Whether a database is one of ours, and of this version."""

from __future__ import annotations

import time

from sqlalchemy import Connection, inspect

from autotrack.event import ExperimentCreated
from autotrack.exceptions import AutotrackException
from autotrack.store import tables
from autotrack.store.database import tables as own
from autotrack.store.database.engine import Database
from autotrack.store.database.experiments import change_experiment
from autotrack.store.database.registry import make_head
from autotrack.store.experiments import DEFAULT_ID, DEFAULT_NAME


def ready(database: Database, *, migrate: bool) -> None:  # noqa: ARG001 - there is one version
    """See :func:`autotrack.store.database.open_database`."""
    database.write(_make)


def _make(connection: Connection) -> None:
    found = set(inspect(connection).get_table_names())
    if "registry_head" in found:
        return
    if found:
        raise AutotrackException(f"{connection.engine.url} is no database of autotrack's")
    tables.records.create_all(connection)
    own.own.create_all(connection)
    make_head(connection)
    change_experiment(connection, time.time_ns() // 1_000_000, ExperimentCreated(DEFAULT_ID, DEFAULT_NAME))
