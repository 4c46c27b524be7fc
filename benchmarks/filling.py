"""Many runs in a server's database without asking the server for each: rows as they are, or copies of those that it
made itself."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, Self

from sqlalchemy import Column, Connection, Engine, Index, Integer, MetaData, Table, create_engine, insert, select, text
from sqlalchemy.pool import NullPool

_ROWS = 5000
"""Written at once."""


class Filling:
    """Rows go into some tables, of each of which the columns are named, in the order of its primary key; the indexes
    are made when all of them are there, and PostgreSQL tidies up then."""

    def __init__(self, engine: Engine, names: Mapping[Table, Sequence[str]]) -> None:
        self._engine, self._names = engine, names

    def __enter__(self) -> Self:
        self._connection = self._engine.connect().execution_options(writes=True)
        self._transaction = self._connection.begin()
        for index in self._indexes():
            index.drop(self._connection)
        return self

    def add(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write some rows."""
        names = ", ".join(f'"{name}"' for name in self._names[table])
        driver: Any = self._connection.connection.driver_connection
        if self._engine.dialect.name == "postgresql":
            with driver.cursor().copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            places = ", ".join("?" * len(self._names[table]))
            driver.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({places})", rows)

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        with closing(self._connection):
            if kind is not None:
                return
            for index in self._indexes():
                index.create(self._connection)
            self._transaction.commit()
        tidy(self._engine)

    def _indexes(self) -> list[Index]:
        return [index for table in self._names for index in table.indexes]


def tidy(engine: Engine) -> None:
    """Have PostgreSQL look at what it holds and tidy up, as it would by itself a minute later and beside the
    questions."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def copy_runs(url: str, experiment: str, times: int) -> None:
    """Copy every run of an experiment so many times, with all that belongs to it, under ids of their own and later
    start times."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=NullPool)
    known = MetaData()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of indexes on expressions, which are of no concern here
        known.reflect(engine)
    runs = known.tables["runs"]
    (own,) = runs.primary_key
    with engine.begin() as connection:
        inside = connection.execute(select(runs).where(runs.c.experiment_id == _id(runs, experiment))).mappings().all()
        made: dict[Any, list[Any]] = {row[own.name]: [] for row in inside}
        copies = [_copy(dict(row), number, len(inside)) for number in range(times) for row in inside]
        for row, copied in zip([row for _ in range(times) for row in inside], copies, strict=True):
            keys = [column for column in copied if column != own.name or not isinstance(own.type, Integer)]
            new = connection.execute(insert(runs), {key: copied[key] for key in keys}).inserted_primary_key
            assert new is not None
            made[row[own.name]].append(new[0])
        for table, column in _belonging(known, own):
            _write(connection, table, _copied(connection, table, column, made))
    tidy(engine)


def _id(runs: Table, experiment: str) -> Any:
    return int(experiment) if isinstance(runs.c.experiment_id.type, Integer) else experiment


def _copy(row: dict[str, Any], number: int, count: int) -> dict[str, Any]:
    """A run under another id, wherever its id stands in it."""
    before = next(value for value in row.values() if isinstance(value, str) and len(value) == 32)
    after = uuid.uuid4().hex
    changed = {key: value.replace(before, after) if isinstance(value, str) else value for key, value in row.items()}
    return changed | {"start_time": row["start_time"] + (number + 1) * count}


def _belonging(known: MetaData, own: Column[Any]) -> Iterator[tuple[Table, Column[Any]]]:
    """The tables of what runs have, and the column that says whose it is."""
    for table in known.sorted_tables:
        for column in table.columns:
            if any(key.column is own for key in column.foreign_keys):
                yield table, column


def _copied(
    connection: Connection, table: Table, column: Column[Any], made: dict[Any, list[Any]]
) -> Iterator[dict[str, Any]]:
    counted = {one.name for one in table.primary_key if isinstance(one.type, Integer) and not one.foreign_keys}
    if len(table.primary_key) > 1:
        counted = set()
    counted |= {one.name for one in table.columns if one.computed is not None}
    for row in connection.execute(select(table)).mappings().all():
        for new in made.get(row[column.name], ()):
            yield {key: value for key, value in row.items() if key not in counted} | {column.name: new}


def _write(connection: Connection, table: Table, rows: Iterator[dict[str, Any]]) -> None:
    some: list[dict[str, Any]] = []
    for row in rows:
        some.append(row)
        if len(some) == _ROWS:
            _insert(connection, table, some)
            some = []
    _insert(connection, table, some)


def _insert(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)
