"""All that differs between databases; everything else in the store is SQL that each of them understands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import (
    URL,
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Double,
    Engine,
    Select,
    Table,
    Text,
    any_,
    bindparam,
    create_engine,
    event,
    func,
    literal,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from autotrack.store import tables
from autotrack.store.search import regex

T = TypeVar("T")
BUSY_SECONDS = 30
"""How long a process waits for another one's writing to end."""

BATCH = 500
"""Values in one ``IN`` list, and rows looked up at once."""


def batches(items: Sequence[T], size: int = BATCH) -> Iterator[Sequence[T]]:
    """The items in parts of a size that one statement can take."""
    return (items[at : at + size] for at in range(0, len(items), size))


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, keep: bool = False) -> None:
    """Insert rows of the same columns; where the primary key is taken, ``keep`` the row that is there or replace it."""
    if not rows:
        return
    names = tuple(name for name in table.columns.keys() if name in rows[0])  # noqa: SIM118 - its own order
    texts = [isinstance(table.c[name].type, tables.Text) for name in names]
    places = list(zip(names, texts, strict=True))
    # By the driver itself: for every value, what lies between costs more than writing it.
    values: list[tuple[Any, ...]] = [
        tuple([tables.storable(row[name]) if text and row[name] is not None else row[name] for name, text in places])
        for row in rows
    ]
    if connection.dialect.name == "postgresql" and len(rows) >= _MANY_ROWS:
        key = [names.index(column.name) for column in table.primary_key]
        if keep:
            values.reverse()
        each = {tuple([row[place] for place in key]): row for row in values}
        columns = [list(column) for column in zip(*each.values(), strict=True)]
        for place, name in enumerate(names):
            if isinstance(table.c[name].type, Double):  # an array holds values of one type
                columns[place] = [None if value is None else float(value) for value in columns[place]]
        connection.exec_driver_sql(_upsert_arrays(table, names, keep=keep), tuple(columns))
        return
    connection.exec_driver_sql(_upsert(connection.dialect.name, table, names, keep=keep), values)


_MANY_ROWS = 20
"""Rows that PostgreSQL takes as arrays in one statement rather than one by one."""


@lru_cache(maxsize=256)
def _upsert(dialect: str, table: Table, names: tuple[str, ...], *, keep: bool) -> str:
    """The statement, with a place for each of the named columns in their order."""
    module: Any = postgresql if dialect == "postgresql" else sqlite
    statement = module.insert(table)
    key = [column.name for column in table.primary_key]
    others = {name: statement.excluded[name] for name in names if name not in key}
    if keep or not others:
        statement = statement.on_conflict_do_nothing(index_elements=key)
    else:
        statement = statement.on_conflict_do_update(index_elements=key, set_=others)
    places = "format" if dialect == "postgresql" else "qmark"
    return str(statement.compile(dialect=module.dialect(paramstyle=places), column_keys=list(names)))


@lru_cache(maxsize=256)
def _upsert_arrays(table: Table, names: tuple[str, ...], *, keep: bool) -> str:
    """The same for PostgreSQL with an array of values for each of the columns."""
    made: Any = postgresql
    types = (table.c[name].type for name in names)
    kinds = (made.TEXT() if isinstance(one, tables.Text) else one for one in types)  # an array has no collation
    arrays = ", ".join(f"%s::{kind.compile(dialect=made.dialect())}[]" for kind in kinds)
    before, _, after = _upsert("postgresql", table, names, keep=keep).partition(" VALUES (")
    return f"{before} SELECT * FROM unnest({arrays}){after.partition(')')[2]}"  # noqa: S608 - names of our own tables and columns


def planning(connection: Connection, *, each: bool) -> None:
    """Have PostgreSQL make a plan for ``each`` statement and its values, or one for any values of those that come
    often: that is a worse one where many rows have some values and few have others."""
    if connection.dialect.name == "postgresql":
        driver: Any = connection.connection.driver_connection
        driver.prepare_threshold = None if each else _OFTEN


_OFTEN = 5
"""As psycopg has it."""


@contextmanager
def sent_together(connection: Connection) -> Iterator[None]:
    """What is executed inside, none of it to be answered with rows, travels to PostgreSQL at once."""
    if connection.dialect.name != "postgresql":
        yield
        return
    driver: Any = connection.connection.driver_connection
    base = connection.dialect.loaded_dbapi.Error
    try:
        with driver.pipeline():
            yield
    except base as error:
        lost = connection.dialect.is_disconnect(error, driver, None)
        if lost:
            connection.invalidate(error)
        raise DBAPIError.instance(None, None, error, base, connection_invalidated=lost) from error


def together(sqlite: bool, questions: Sequence[Select[Any]]) -> Select[Any]:
    """What asks several questions of one column each, none of whose answers has an order that counts, at once."""
    if not sqlite:
        return select(*(func.array(one.scalar_subquery()) for one in questions))
    each = [one.subquery() for one in questions]
    return select(*(select(func.json_group_array(next(iter(one.c)))).scalar_subquery() for one in each))


def apart(sqlite: bool, row: Sequence[Any]) -> list[list[Any]]:
    """The answers to several questions, from the row that answers them at once."""
    return [json.loads(found) if sqlite else list(found) for found in row]


class Matches(GenericFunction[bool]):
    """``Matches(text, pattern)``: SQL's LIKE without an escape character, by letter case."""

    type = Boolean()
    inherit_cache = True
    name = "autotrack_matches"


class MatchesFolded(GenericFunction[bool]):
    """``MatchesFolded(text, pattern)``: the same without regard to letter case."""

    type = Boolean()
    inherit_cache = True
    name = "autotrack_matches_folded"


class MatchesExpression(GenericFunction[bool]):
    """``MatchesExpression(text, expression)``: a regular expression is found; on SQLite only."""

    type = Boolean()
    inherit_cache = True
    name = "autotrack_matches_expression"


def among(column: ColumnElement[Any], texts: Sequence[str]) -> ColumnElement[bool]:
    """On PostgreSQL: whether a text is one of many, which are one bound value."""
    found: ColumnElement[bool] = column == any_(literal(list(texts), postgresql.ARRAY(Text())))
    return found


NUMBERS = "numbers"
"""The name of the value that :func:`numbered` binds unless it is given another one."""


def numbered(sqlite: bool, column: ColumnElement[Any], name: str = NUMBERS) -> ColumnElement[bool]:
    """Whether an integer is one of many, which are one bound value of a name however many they are."""
    if sqlite:
        listed = func.json_each(bindparam(name, type_=Text())).table_valued("value")
        return column.in_(select(listed.c.value))
    found: ColumnElement[bool] = column == any_(bindparam(name, type_=postgresql.ARRAY(BigInteger())))
    return found


def numbers(connection: Connection, values: Sequence[int]) -> Any:
    """Integers as the value that :func:`numbered` binds."""
    return json.dumps(values) if connection.dialect.name == "sqlite" else list(values)


@compiles(Matches, "postgresql")
def _matches(element: Matches, compiler: Any, **options: Any) -> str:
    text, pattern = (compiler.process(part, **options) for part in element.clauses)
    return f"({text} LIKE {pattern} ESCAPE '')"


@compiles(MatchesFolded, "postgresql")
def _matches_folded(element: MatchesFolded, compiler: Any, **options: Any) -> str:
    text, pattern = (compiler.process(part, **options) for part in element.clauses)
    # The database's own locale may fold ASCII only. Before PostgreSQL 17 there is ICU for it, in all but odd builds.
    folding = "pg_c_utf8" if (compiler.dialect.server_version_info or (17,)) >= (17,) else "und-x-icu"
    return f"({text} ILIKE {pattern} COLLATE \"{folding}\" ESCAPE '')"


def open_sqlite(path: str, *, shared_memory: bool, durable: bool = False) -> Engine:
    """An engine on an SQLite file. ``shared_memory`` allows WAL, which a network file system cannot carry; with
    ``durable`` what was committed survives a power loss.

    A transaction begins with a write lock when its connection has the execution option ``writes``: two processes that
    read first and write later would otherwise both fail.
    """
    options = {"timeout": BUSY_SECONDS, "check_same_thread": False}
    engine = create_engine(URL.create("sqlite", database=path), connect_args=options, max_overflow=-1)

    @event.listens_for(engine, "connect")
    def connected(connection: Any, record: Any) -> None:  # noqa: ARG001 - the signature is SQLAlchemy's
        connection.isolation_level = None  # transactions are begun below, not guessed by the driver
        connection.create_function("autotrack_matches", 2, _like, deterministic=True)
        connection.create_function("autotrack_matches_folded", 2, _ilike, deterministic=True)
        connection.create_function("autotrack_matches_expression", 2, _expression, deterministic=True)
        connection.execute(f"PRAGMA journal_mode = {'WAL' if shared_memory else 'DELETE'}")
        connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cache_size = -32000")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def damaged(error: BaseException) -> bool:
    """Whether a database error says that the SQLite file itself is beyond use."""
    return any(text in str(error) for text in ("malformed", "not a database", "no such table"))


def unwritable(error: BaseException) -> bool:
    """Whether a database error says that the place of the SQLite file takes no more writes."""
    return any(text in str(error) for text in ("readonly", "disk is full", "unable to open", "disk I/O error"))


def _like(text: str | None, pattern: str) -> bool:
    return text is not None and like(text, pattern)


def _ilike(text: str | None, pattern: str) -> bool:
    return text is not None and like(_folded(text), _folded(pattern))


def _folded(text: str) -> str:
    """In lower case by Unicode's simple mapping, as PostgreSQL folds: each character by itself, for one other."""
    return text.lower() if text.isascii() else "".join(one.lower()[0] for one in text)


def _expression(text: str | None, pattern: str) -> bool:
    return text is not None and regex.matches(pattern, text)


def like(text: str, pattern: str) -> bool:
    """SQL's LIKE: ``%`` stands for any text, ``_`` for one character; time grows with the product of the lengths."""
    parts = _parts(pattern)
    begin = parts[0].match(text)
    if begin is None or len(parts) == 1:
        return begin is not None and len(text) == len(pattern)
    at, end = begin.end(), len(text) - (len(pattern) - pattern.rfind("%") - 1)
    if end < at or parts[-1].match(text, end) is None:
        return False
    for part in parts[1:-1]:
        found = part.search(text, at, end)
        if found is None:
            return False
        at = found.end()
    return at <= end


@lru_cache(maxsize=64)
def _parts(pattern: str) -> list[re.Pattern[str]]:
    parts = (".".join(map(re.escape, part.split("_"))) for part in pattern.split("%"))
    return [re.compile(part, re.DOTALL) for part in parts]
