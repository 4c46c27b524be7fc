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
from autotrack.store.registry.book import Book, Past, Row, Unfit, apply, name_after
from autotrack.store.registry.changes import Entry, body, parsed

SCOPE = "registry"
_MANY = 200
"""So many entries that were added at once are a reason to read the log from its beginning."""
STATE = (
    tables.registered_models, tables.registered_model_tags, tables.registered_model_aliases, tables.model_versions,
    tables.model_version_tags,
)  # fmt: skip
"""The tables that the log's entries fill, each after those that it refers to."""


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


def log_row(entry: Entry, before: str, model: int) -> Row:
    """An entry as a row of the log."""
    return {
        "number": entry.number,
        "time": entry.time,
        "model": model,
        "name": name_after(entry.change),
        "version": getattr(entry.change, "version", None),
        "kind": entry.change.kind,
        "hash": entry.hash,
        "body": body(entry, before).decode("ascii"),
    }


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
    if not chain.exists(directory, number + 1):
        return False
    if fault(connection) is None:
        return True
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
    if number > 0 and not chain.exists(directory, number):
        guard.warn("registry", f"the registry of {directory} has lost entry {number}; what is left of it is read again")
        forget(connection)
        number, before = 0, chain.START
    elif number > 0 and chain.exists(directory, number + _MANY):
        forget(connection)
        number, before = 0, chain.START
    # A whole log is folded in memory, and what comes of it is written at once, which takes far less time an entry.
    past = Past() if number == 0 else None
    book: Book = SqlBook(connection) if past is None else past
    log: list[Row] = []
    connection.execute(delete(tables.faults).where(tables.faults.c.scope == SCOPE))
    try:
        while (entry := chain.read(directory, number + 1, before)) is not None:
            log.append(log_row(entry, before, apply(book, entry)))
            number, before = entry.number, entry.hash
        beyond = [] if past is None else [one for one in chain.numbers(directory) if one > number]
        if beyond and not chain.exists(directory, number + 1):
            reason = f"is missing, and entry {beyond[0]} is there"
            raise chain.Broken(chain.path_of(directory, number + 1), number + 1, reason)
    except chain.Broken as error:
        _fault(connection, error.number, error.message)
    except (Unfit, OSError) as error:
        path = chain.path_of(directory, number + 1)
        _fault(connection, number + 1, f"entry {number + 1} of the registry ({path}) cannot be taken in: {error}")
    if past is not None:
        for table in STATE:
            upsert(connection, table, past.find(table))
    upsert(connection, tables.registry_log, log)


def forget(connection: Connection) -> None:
    """Empty the registry's tables, so that the log is read from its beginning."""
    for table in (tables.registry_log, *reversed(STATE)):
        connection.execute(delete(table))


def _fault(connection: Connection, number: int, reason: str) -> None:
    row = {"scope": SCOPE, "file": f"{number}.json", "offset": 0, "reason": reason}
    upsert(connection, tables.faults, [row])
