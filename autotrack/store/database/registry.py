"""The registry of a database: its log is a table, and one row of another is held by whoever adds to it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, insert, select, update

from autotrack.store import tables
from autotrack.store.context import Context
from autotrack.store.database.engine import Database
from autotrack.store.database.tables import registry_head
from autotrack.store.registry import Registry, chain, rows
from autotrack.store.registry.book import Book, apply
from autotrack.store.registry.changes import Author, Change, Entry
from autotrack.store.registry.rows import SqlBook

T = TypeVar("T")
_PAGE = 1000
_HEAD = 1


class DatabaseRegistry(Registry):
    """Decides and writes in one transaction, so that there is always one who is first."""

    def __init__(self, database: Database, context: Context) -> None:
        super().__init__(context, database.read)
        self._database = database

    def change(
        self, decide: Callable[[Book], Change], author: Author, why: str = "", *, when: int | None = None
    ) -> Entry:
        """See :class:`Registry`; whoever comes second waits, and decides on what the first has left."""

        def change(connection: Connection) -> Entry:
            head = registry_head.c
            query = select(head.number, head.hash, head.time).where(head.id == _HEAD).with_for_update()
            number, before, last = connection.execute(query).one()
            book = SqlBook(connection)
            made = decide(book)
            now = max(time.time_ns() // 1_000_000, last)
            entry = Entry(number + 1, now if when is None else when, author, made, why)
            entry, _ = chain.sealed(entry, before)
            model = apply(book, entry)
            connection.execute(insert(tables.registry_log), rows.log_row(entry, before, model))
            values = {"number": entry.number, "hash": entry.hash, "time": entry.time}
            connection.execute(update(registry_head).where(head.id == _HEAD).values(values))
            return entry

        return self._database.write(change)

    def verify(self, head: str | None = None) -> chain.Verdict:
        """See :class:`Registry`."""
        return self._database.read(lambda connection: _verify(connection, (head or "").strip().lower()))


def make_head(connection: Connection) -> None:
    """The row of an empty log."""
    connection.execute(insert(registry_head), {"id": _HEAD, "number": 0, "hash": chain.START, "time": 0})


def _verify(connection: Connection, wanted: str) -> chain.Verdict:
    log = tables.registry_log.c
    count, before, seen = 0, chain.START, not wanted
    problems: list[str] = []
    while not problems:
        query = select(log.number, log.body, log.hash).where(log.number > count).order_by(log.number).limit(_PAGE)
        page = connection.execute(query).all()
        for row in page:
            try:
                text = row.body.encode("ascii")[:-1] + b',"hash":"' + row.hash.encode("ascii") + b'"}\n'
                entry = chain.entry_in(text, f"registry_log, {row.number}", count + 1, before)
            except (chain.Broken, UnicodeEncodeError) as error:
                problems.append(str(error))
                break
            count, before = entry.number, entry.hash
            seen = seen or before == wanted
        if not page:
            break
    stated = connection.execute(select(registry_head.c.number, registry_head.c.hash)).one()
    if not problems and (stated.number, stated.hash) != (count, before):
        problems.append(f"the log ends with entry {count}, and its head says that it ends with entry {stated.number}")
    if not seen:
        problems.append(chain.lost(wanted))
    return chain.Verdict(count, before if count else "", tuple(problems))
