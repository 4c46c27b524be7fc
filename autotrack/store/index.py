"""The index file of a local store: where it lies, and how a useless one is replaced.

The index is a cache of the journals. It lies in the store where that is writable and on a local file system, else in
the user's cache directory, else in a temporary directory of this process; it may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, insert, inspect, schema, select
from sqlalchemy.exc import DatabaseError

from autotrack import guard
from autotrack.exceptions import AutotrackException
from autotrack.journal.format import MARK
from autotrack.store import dialect, medium, tables

FILE = "index.db"
_LOOSE = "loose"


class Index:
    """Connections to the index of one store, whose tables are there and of this version's format."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path: Path | None = None
        self._engine: Engine | None = None
        self._opened = (0, "", 0)
        self._left: set[Path] = set()
        self._lock = threading.RLock()

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one state of the index."""
        with self._engine_now().connect() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that no other process writes beside."""
        with self._engine_now().connect().execution_options(writes=True) as connection, connection.begin():
            yield connection

    def loosen(self) -> None:
        """Do without what finds rows by their values, which costs more to keep up for very many rows than to make
        anew. Questions take longer meanwhile, and are answered alike."""
        with self.write() as connection:
            dialect.upsert(connection, tables.meta, [{"name": _LOOSE, "value": "yes"}])
            for one in _found_by_value():
                one.drop(connection, checkfirst=True)

    def fasten(self) -> None:
        """Make again what :meth:`loosen` has taken away, in whatever process that was."""
        with self.read() as connection:
            if not connection.scalar(select(tables.meta.c.value).where(tables.meta.c.name == _LOOSE)):
                return
        with self.write() as connection:
            for one in _found_by_value():
                one.create(connection, checkfirst=True)
            connection.execute(delete(tables.meta).where(tables.meta.c.name == _LOOSE))

    def rebuild(self, error: BaseException) -> None:
        """Put an empty index in the place of one that the database refuses to read."""
        with self._lock:
            failed = self._opened[2]
            self.close()
            if self.path is None:
                return
            guard.warn(f"index {self.path}", f"{self.path} is damaged and is built anew from the journals ({error})")
            with _only_one(self.path):
                if _inode(self.path) == failed:  # else another process has replaced it already
                    _remove(self.path)

    def discard(self) -> None:
        """Remove the index from wherever it may lie, with all that it has of the journals."""
        with self._lock:
            self.close()
            for path in (self.directory / FILE, *_cached(self.directory)):
                if path.exists():
                    with _only_one(path):
                        _remove(path)

    def leave(self) -> None:
        """Give up the place where the index lies, which takes no more writes, for the next best one."""
        with self._lock:
            self.close()
            if self.path is not None:
                self._left.add(self.path)

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            if self._engine is not None:
                # A forked child must not close what its parent still uses.
                self._engine.dispose(close=self._opened[0] == os.getpid())
            self._engine = None

    def _engine_now(self) -> Engine:
        with self._lock:
            identity = _identity(self.directory)
            if self._engine is None or self._opened != (os.getpid(), identity, _inode(self.path)):
                self.close()
                self._engine = self._open(identity)
                self._opened = (os.getpid(), identity, _inode(self.path))
            return self._engine

    def _open(self, identity: str) -> Engine:
        refused: Exception | None = None
        for path in _places(self.directory, bool(identity)):
            if path in self._left:
                continue
            try:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                with _only_one(path):
                    if _emptied(path):
                        _remove(path)
                    try:
                        engine = _open_file(path, identity)
                    except DatabaseError as error:
                        if not dialect.damaged(error):
                            raise
                        _remove(path)
                        engine = _open_file(path, identity)
            except (OSError, DatabaseError) as error:
                refused = error
                continue
            self.path = path
            return engine
        raise AutotrackException(f"no place for an index of {self.directory}: {refused}")


def _found_by_value() -> list[schema.Index]:
    return [one for table in (tables.metrics, tables.params, tables.tags) for one in table.indexes]


def _open_file(path: Path, identity: str) -> Engine:
    engine = dialect.open_sqlite(str(path), shared_memory=not medium.on_network(path.parent))
    try:
        with engine.connect() as connection:
            ready = _is_ready(connection, identity)
        if not ready:
            with engine.connect().execution_options(writes=True) as connection, connection.begin():
                _prepare(connection, identity)
            path.chmod(0o600)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _is_ready(connection: Connection, identity: str) -> bool:
    """Whether the tables that are there are of this format and of this very store."""
    if "meta" not in inspect(connection).get_table_names():
        return False
    found = {row.name: row.value for row in connection.execute(select(tables.meta))}
    return found.get("format") == str(tables.FORMAT) and found.get("store") == identity


def _prepare(connection: Connection, identity: str) -> None:
    if _is_ready(connection, identity):
        return
    quote = connection.dialect.identifier_preparer.quote
    for name, _ in reversed(inspect(connection).get_sorted_table_and_fkc_names()):
        if name is not None:
            connection.exec_driver_sql(f"DROP TABLE {quote(name)}")
    tables.records.create_all(connection)
    tables.cursors.create_all(connection)
    facts = {"format": str(tables.FORMAT), "store": identity}
    connection.execute(insert(tables.meta), [{"name": name, "value": value} for name, value in facts.items()])


def _identity(directory: Path) -> str:
    """What tells this store from another one made later at the same place; empty where there is none yet."""
    try:
        mark = (directory / MARK).stat()
    except OSError:
        return ""
    return f"{mark.st_ino}-{mark.st_mtime_ns}"


def _places(directory: Path, exists: bool) -> Iterator[Path]:
    # A directory that is no store yet is not made one by a question.
    if exists and _writable(directory) and not medium.on_network(directory):
        yield directory / FILE
    if exists:
        yield from _cached(directory)
    temporary = tempfile.mkdtemp(prefix="autotrack-")
    weakref.finalize(_temporary, shutil.rmtree, temporary, ignore_errors=True)
    yield Path(temporary) / FILE


def _cached(directory: Path) -> Iterator[Path]:
    name = sha256(os.fsencode(os.path.realpath(directory))).hexdigest()[:16]
    with contextlib.suppress(RuntimeError):  # no home directory
        yield _cache_directory() / f"{name}.db"


def _writable(directory: Path) -> bool:
    file = directory / FILE
    return os.access(directory, os.W_OK) and (os.access(file, os.W_OK) or not file.exists())


def _inode(path: Path | None) -> int:
    try:
        return path.stat().st_ino if path is not None else 0
    except OSError:
        return 0


class _Lifetime:
    """Temporary indexes are removed when the process ends."""


_temporary = _Lifetime()


def _cache_directory() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "autotrack" / "index"
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/autotrack/index"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "autotrack" / "index"


@contextlib.contextmanager
def _only_one(path: Path) -> Iterator[None]:
    """One process at a time decides whether an index is opened or replaced."""
    with Path(f"{path}.lock").open("ab") as file:
        try:
            import fcntl  # not on every system; without it two processes may both build the index
        except ImportError:
            yield
            return
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _emptied(path: Path) -> bool:
    """Whether somebody cut the file off under those who use it: they would keep a new one locked."""
    return path.exists() and path.stat().st_size == 0 and Path(f"{path}-wal").exists()


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
