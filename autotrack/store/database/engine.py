"""Connections to a database: reads that see one state, and writes that are repeated where that is safe."""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Generic, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from autotrack.exceptions import AutotrackException
from autotrack.store import dialect

T = TypeVar("T")
OLDEST = 14
"""The oldest version of PostgreSQL that knows all that it is told."""
_ATTEMPTS = 4
_THREADS = 20
"""Connections that one process holds to a PostgreSQL server at once; further threads wait."""
_TOGETHER = 64
"""Changes that one transaction of SQLite carries out."""
_AGAIN = ("40001", "40P01")
"""PostgreSQL's codes for a transaction that stood in another's way."""


class Database:
    """One database. Called from any thread; a forked child opens connections of its own."""

    def __init__(self, url: str) -> None:
        self.url = _parsed(url)
        self.name = self.url.render_as_string(hide_password=True)
        self.engine = _engine(self.url)
        self._reading = self._reading_once = self.engine
        if self.engine.dialect.name == "postgresql":
            self._reading = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            self._reading_once = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._lock = threading.Lock()
        self._queue: deque[_Change[Any]] | None = deque() if self.is_sqlite else None
        _all.add(self)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of this machine."""
        return self.engine.dialect.name == "sqlite"

    def read(self, question: Callable[[Connection], T]) -> T:
        """The answer to a question, all of whose parts see the same state."""

        return self._read(self._reading, question)

    def read_once(self, question: Callable[[Connection], T]) -> T:
        """The same for a question of a single statement, which sees one state without a transaction."""
        return self._read(self._reading_once, question)

    def _read(self, engine: Engine, question: Callable[[Connection], T]) -> T:
        def ask() -> T:
            with engine.connect() as connection:
                dialect.planning(connection, each=True)
                answer = question(connection)
                connection.commit()  # psycopg forgets what it has prepared with each transaction that is taken back
                return answer

        return self._attempt(ask)

    def write(self, action: Callable[[Connection], T]) -> T:
        """Carry out a change as one transaction; nothing of it remains if it raises.

        It is repeated if the connection was lost, or another transaction stood in its way, before it was committed.
        """
        if self._queue is None:
            return self._attempt(lambda: self._transaction(action))
        change = _Change(action)
        self._queue.append(change)
        with self._lock:
            while not change.done:
                self._carry_out(self._queue)
        return change.result()

    def _transaction(self, action: Callable[[Connection], T]) -> T:
        with self.engine.connect().execution_options(writes=True) as connection:
            dialect.planning(connection, each=False)
            transaction = connection.begin()
            try:
                result = action(connection)
            except BaseException:
                transaction.rollback()
                raise
            try:
                transaction.commit()
            except SQLAlchemyError as error:
                raise self._told(error) from error  # nobody can say whether it was done
            return result

    def _carry_out(self, queue: deque[_Change[Any]]) -> None:
        """Do what waits as one transaction, each change on its own within it: SQLite has one writer at a time, and
        most of a small change's time is spent on having the disk keep it."""
        changes = [queue.popleft() for _ in range(min(len(queue), _TOGETHER))]

        def together(connection: Connection) -> None:
            for change in changes:
                with suppress(_Undone), connection.begin_nested():
                    change.carry_out(connection)

        try:
            if len(changes) == 1:
                only = changes[0]
                self._attempt(lambda: self._transaction(only.keep))
            else:
                self._attempt(lambda: self._transaction(together))
        except Exception as error:  # noqa: BLE001 - raised to each of those whose change it was
            for change in changes:
                change.fail(error)
        except BaseException:  # this thread is told to stop; the others are not
            for change in changes:
                change.fail(AutotrackException(f"{self.name} was interrupted; try again", "TEMPORARILY_UNAVAILABLE"))
            raise
        finally:
            for change in changes:
                change.done = True

    def close(self) -> None:
        """Let the connections go; the next question opens others."""
        self.engine.dispose()

    def _attempt(self, action: Callable[[], T]) -> T:
        for attempt in range(_ATTEMPTS):
            try:
                return action()
            except IntegrityError:
                raise
            except SQLAlchemyError as error:
                if attempt == _ATTEMPTS - 1 or not _worth_another(error):
                    raise self._told(error) from error
        raise AssertionError("unreachable")

    def _told(self, error: SQLAlchemyError) -> AutotrackException:
        reason = str(getattr(error, "orig", None) or error).strip().split("\n")[0]
        # Class 54: a text that is too long for an index.
        if isinstance(error, DataError) or str(getattr(getattr(error, "orig", None), "sqlstate", "")).startswith("54"):
            return AutotrackException.invalid(f"the database does not take a value: {reason}")
        lost = isinstance(error, PoolTimeout) or (isinstance(error, DBAPIError) and error.connection_invalidated)
        if lost or _worth_another(error) or "locked" in reason or "connect" in reason:
            return AutotrackException(
                f"the database {self.name} does not answer: {reason}; try again", "TEMPORARILY_UNAVAILABLE"
            )
        return AutotrackException(f"the database {self.name} cannot be used: {reason}")

    def after_fork(self) -> None:
        """Forget what belongs to the parent."""
        _inherited.append(self.engine.pool)
        self.engine.dispose(close=False)
        self._lock = threading.Lock()
        self._queue = deque() if self.is_sqlite else None


class _Undone(Exception):
    """Takes one change back, and leaves those that it shares the transaction with."""


class _Change(Generic[T]):
    """A change that waits for its turn, and what came of it."""

    def __init__(self, action: Callable[[Connection], T]) -> None:
        self._action = action
        self._result: T
        self._error: BaseException | None = None
        self.done = False

    def keep(self, connection: Connection) -> None:
        """Carry it out; raises what it raises."""
        self._result = self._action(connection)

    def carry_out(self, connection: Connection) -> None:
        """The same beside others; :class:`_Undone` if it raises what concerns itself alone."""
        self._error = None
        try:
            self.keep(connection)
        except Exception as error:
            if isinstance(error, SQLAlchemyError) and not isinstance(error, IntegrityError):
                raise
            self._error = error
            raise _Undone from error

    def fail(self, error: BaseException) -> None:
        """Nothing of it was done."""
        self._error = self._error or error

    def result(self) -> T:
        """What the action gave; raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._result


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    kind = "" if parsed is None else parsed.drivername.partition("+")[0]
    if parsed is None or kind not in ("sqlite", "postgresql", "postgres"):
        raise AutotrackException.invalid(
            f"{_shown(url)} is no database of a store; give sqlite:///PATH or postgresql://USER@HOST/NAME"
        )
    if kind != "sqlite":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.database in (None, "", ":memory:") or parsed.query:
        raise AutotrackException.invalid(f"{_shown(url)} names no file; give sqlite:///PATH")
    return parsed.set(drivername="sqlite", database=str(Path(str(parsed.database)).expanduser().absolute()))


def _shown(url: str) -> str:
    before, at, after = url.rpartition("@")
    return f"{before.partition('://')[0]}://…{at}{after}" if at else url


def _engine(url: URL) -> Engine:
    if url.drivername == "sqlite":
        place = Path(str(url.database))
        if not place.parent.is_dir():
            raise AutotrackException.invalid(f"there is no directory {place.parent} for the database {place.name}")
        return dialect.open_sqlite(str(place), shared_memory=True, durable=True)
    engine = create_engine(url, pool_size=_THREADS // 2, max_overflow=_THREADS // 2, pool_use_lifo=True)

    @event.listens_for(engine, "connect")
    def connected(connection: Any, record: Any) -> None:  # noqa: ARG001 - the signature is SQLAlchemy's
        version = connection.info.server_version // 10_000
        if version < OLDEST:
            raise AutotrackException.invalid(
                f"{url.render_as_string(hide_password=True)} is PostgreSQL {version}; autotrack needs {OLDEST} or later"
            )
        connection.autocommit = True
        connection.execute("SET jit = off")  # compiling a query takes longer than any of ours
        connection.execute("SET random_page_cost = 1.1")  # there are few disks left whose heads have to move
        connection.execute("SET enable_memoize = off")  # what is looked up for a row is not looked up for another
        connection.autocommit = False

    return engine


def _worth_another(error: SQLAlchemyError) -> bool:
    if not isinstance(error, DBAPIError):
        return False
    return error.connection_invalidated or getattr(error.orig, "sqlstate", None) in _AGAIN


_all: weakref.WeakSet[Database] = weakref.WeakSet()
_inherited: list[Any] = []
"""The parent's connections: a child that closed them would end them for the parent."""


def _after_fork() -> None:
    for database in list(_all):
        database.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
