"""The registry's state in a database, and filling it from the log."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, select, true, update

from autotrack import guard
from autotrack.store import tables
from autotrack.store.dialect import upsert
from autotrack.store.registry import chain
from autotrack.store.registry.book import Row, Unfit, apply, name_after
from autotrack.store.registry.changes import Entry, body, parsed

SCOPE = "registry"
TABLES = (
    tables.registered_models, tables.registered_model_tags, tables.registered_model_aliases, tables.model_versions,
    tables.model_version_tags, tables.registry_log,
)  # fmt: skip


class SqlBook:
    """A :class:`~autotrack.store.registry.book.Book` in a database."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, table: Table, **where: Any) -> list[Row]:
        """See the protocol."""
        query = select(table).where(_all(table, where))
        return [dict(row._mapping) for row in self._connection.execute(query)]

    def put(self, table: Table, row: Row) -> None:
        """See the protocol."""
        upsert(self._connection, table, [row])

    def change(self, table: Table, values: Mapping[str, Any], **where: Any) -> None:
        """See the protocol."""
        self._connection.execute(update(table).where(_all(table, where)).values(**values))

    def drop(self, table: Table, **where: Any) -> None:
        """See the protocol; the database deletes what refers to the rows."""
        self._connection.execute(delete(table).where(_all(table, where)))


def _all(table: Table, where: Mapping[str, Any]) -> Any:
    return and_(true(), *(table.c[name] == value for name, value in where.items()))


def note(connection: Connection, entry: Entry, before: str) -> None:
    """Carry an entry out and keep it; :class:`Unfit` if it does not fit."""
    model = apply(SqlBook(connection), entry)
    row = {
        "number": entry.number,
        "time": entry.time,
        "model": model,
        "name": name_after(entry.change),
        "version": getattr(entry.change, "version", None),
        "kind": entry.change.kind,
        "hash": entry.hash,
        "body": body(entry, before).decode("ascii"),
    }
    upsert(connection, tables.registry_log, [row])


def tail(connection: Connection) -> tuple[int, str, int]:
    """Number, hash and time of the last entry taken in; for none ``(0, chain.START, 0)``."""
    log = tables.registry_log.c
    row = connection.execute(select(log.number, log.hash, log.time).order_by(log.number.desc()).limit(1)).one_or_none()
    return (0, chain.START, 0) if row is None else (row.number, row.hash, row.time)


def entry_of(row: Any) -> Entry:
    """The entry of a row of the log."""
    entry, _ = parsed(row.body.encode("ascii"))
    return Entry(entry.number, entry.time, entry.author, entry.change, entry.why, row.hash)


def changed(connection: Connection, directory: Path) -> bool:
    """Whether the log on disk is longer or shorter than what was taken in."""
    number, before, _ = tail(connection)
    if number > 0 and not chain.exists(directory, number):
        return True
    if fault(connection) is None:
        return chain.exists(directory, number + 1)
    try:
        return chain.read(directory, number + 1, before) is not None
    except (chain.Broken, OSError):
        return False  # as it was


def fault(connection: Connection) -> str | None:
    """Why the log could not be taken in to its end."""
    found = tables.faults.c
    reason: str | None = connection.scalar(select(found.reason).where(found.scope == SCOPE).limit(1))
    return reason


def take_registry(connection: Connection, directory: Path) -> None:
    """Carry out the entries that were added to the log. What follows an entry that is not sound is not believed."""
    number, before, _ = tail(connection)
    whole = number == 0
    if number > 0 and not chain.exists(directory, number):
        guard.warn("registry", f"the registry of {directory} has lost entry {number}; what is left of it is read again")
        forget(connection)
        number, before, whole = 0, chain.START, True
    connection.execute(delete(tables.faults).where(tables.faults.c.scope == SCOPE))
    try:
        while (entry := chain.read(directory, number + 1, before)) is not None:
            note(connection, entry, before)
            number, before = entry.number, entry.hash
        beyond = [one for one in chain.numbers(directory) if one > number] if whole else []
        if beyond and not chain.exists(directory, number + 1):
            reason = f"is missing, and entry {beyond[0]} is there"
            raise chain.Broken(chain.path_of(directory, number + 1), number + 1, reason)
    except chain.Broken as error:
        _fault(connection, error.number, error.message)
    except (Unfit, OSError) as error:
        path = chain.path_of(directory, number + 1)
        _fault(connection, number + 1, f"entry {number + 1} of the registry ({path}) cannot be taken in: {error}")


def forget(connection: Connection) -> None:
    """Empty the registry's tables, so that the log is read from its beginning."""
    for table in reversed(TABLES):
        connection.execute(delete(table))


def _fault(connection: Connection, number: int, reason: str) -> None:
    row = {"scope": SCOPE, "file": f"{number}.json", "offset": 0, "reason": reason}
    upsert(connection, tables.faults, [row])
