"""Whether a database is one of ours, and of this version; setting up an empty one, and bringing up an old one."""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, column, inspect, select, table, text

from autotrack.event import ExperimentCreated
from autotrack.exceptions import AutotrackException
from autotrack.store.database.engine import Database
from autotrack.store.database.experiments import change_experiment
from autotrack.store.database.registry import make_head
from autotrack.store.experiments import DEFAULT_ID, DEFAULT_NAME

VERSION_TABLE = "autotrack_version"
"""Alembic's own name for it is that of other programs' databases too."""
MIGRATIONS = Path(__file__).parent.parent / "migrations"
_alembic = threading.Lock()
"""What Alembic works on is one state for the whole process."""
_ONE_AT_A_TIME = 7_203_115_640_911
"""The number of the lock under which a PostgreSQL database is set up."""


def check_file(path: Path) -> None:
    """Raise for an SQLite file that is not ours, before anything opens it in a way that changes it."""
    if not path.exists() or path.stat().st_size == 0:
        return
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            found = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.Error as error:
        raise AutotrackException.invalid(f"{path} is no database that can be read: {error}") from None
    _refuse_foreign(str(path), found)


def ready(database: Database, *, migrate: bool) -> None:
    """See :func:`autotrack.store.database.open_database`."""
    before = _steps()
    (head,) = before.keys() - before.values()
    if database.read(_version) == head:
        return

    def bring_up(connection: Connection) -> None:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _ONE_AT_A_TIME})
        names = set(inspect(connection).get_table_names())
        _refuse_foreign(database.name, names)
        version = _version(connection)
        if version is not None:
            _refuse_other(database, version, known=version in before, migrate=migrate or version == head)
        if version == head:
            return  # another process has just done it
        _upgrade(connection)
        if version is None:
            make_head(connection)
            change_experiment(connection, time.time_ns() // 1_000_000, ExperimentCreated(DEFAULT_ID, DEFAULT_NAME))

    database.write(bring_up)


def _refuse_foreign(name: str, tables: set[str]) -> None:
    if not tables or VERSION_TABLE in tables:
        return
    mlflow = {"alembic_version", "experiments", "latest_metrics"} <= tables
    what = "is MLflow's" if mlflow else f"holds tables that are not autotrack's ({', '.join(sorted(tables)[:3])} …)"
    raise AutotrackException.invalid(
        f"the database {name} {what}, and was left as it is; give autotrack an empty one"
        + (", and let MLflow's server go on with this one" if mlflow else "")
    )


def _refuse_other(database: Database, version: str, *, known: bool, migrate: bool) -> None:
    if not known:
        raise AutotrackException.invalid(
            f"the database {database.name} is of version {version}, which this version of autotrack does not know; "
            "upgrade with `pip install -U autotrack-ml`. It was left as it is"
        )
    if not migrate:
        raise AutotrackException.invalid(
            f"the database {database.name} is of an older version, {version}; make a copy of it, stop every server on "
            "it, and run `autotrack server --upgrade` with the same --store. It was left as it is"
        )


def _version(connection: Connection) -> str | None:
    if VERSION_TABLE not in inspect(connection).get_table_names():
        return None
    version: str | None = connection.scalar(select(column("version_num")).select_from(table(VERSION_TABLE)))
    return version


def _steps() -> dict[str, str | None]:
    """Each version with the one before it, as the steps that lead to them say: Alembic, which takes longer to load than
    everything else here, is for going them."""
    found: dict[str, str | None] = {}
    for file in (MIGRATIONS / "versions").glob("v*.py"):
        said = dict(re.findall(r'^(revision|down_revision) = "(\w+)"$', file.read_text("utf-8"), re.MULTILINE))
        found[said["revision"]] = said.get("down_revision")
    return found


def _upgrade(connection: Connection) -> None:
    from alembic import command  # heavy: see above
    from alembic.config import Config  # the same

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    with _alembic:
        command.upgrade(config, "head")
