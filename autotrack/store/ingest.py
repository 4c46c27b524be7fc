"""Bringing the index up to date with the journals.

Only what may have changed is looked at: the ends of the lists of opened runs, the runs whose writers may still write,
the experiments' files, and the next entry of the registry. Every step is one transaction that reads its own starting
points, so processes that do this at once, or one that is killed in the middle, leave an index that is right.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import SQLAlchemyError

from autotrack.exceptions import AutotrackException
from autotrack.journal import reader
from autotrack.journal.lists import EXPERIMENTS, OPENED
from autotrack.sinks.local import check_store
from autotrack.store import status, tables, write
from autotrack.store.dialect import batches, upsert
from autotrack.store.experiments import take_experiments
from autotrack.store.index import Index
from autotrack.store.lists import Lists, Look
from autotrack.store.look import Known, News, due, look
from autotrack.store.registry import rows as registry

_CHUNK = 256
"""Runs brought up to date in one transaction: short enough that others are not kept waiting."""
_MANY = 1000
"""Runs that are taken in faster when what finds them by their values is made afterwards."""
SCANNED = "scanned"


class Ingest:
    """Keeps the index of one store up to date."""

    def __init__(self, directory: Path, index: Index) -> None:
        self._directory = directory
        self._index = index
        self._lock = threading.Lock()
        self._opened = Lists(directory, OPENED)
        self._experiments = Lists(directory, EXPERIMENTS)

    def catch_up(self, run_id: str | None = None) -> None:
        """Take in what was written since the last time, to one run or to any."""
        check_store(self._directory)
        with self._lock:
            alive = status.Alive()
            with self._index.read() as connection:
                scanned = _scanned(connection)
                looks = self._look(connection, alive)
                promoted = registry.changed(connection, self._directory)
            if not scanned or any(looks):
                with self._index.write() as connection:
                    # Whatever another process has taken in since is taken in once more, but of an empty index that
                    # has come in the place of this one more would be missing.
                    if scanned != _scanned(connection):
                        scanned, looks = False, self._look(connection, alive)
                    self._take_lists(connection, *looks, first=not scanned)
            if promoted:
                with self._index.write() as connection:
                    registry.take_registry(connection, self._directory)
            with self._index.read() as connection:
                query = select(tables.watched.c.run_id, tables.watched.c.since)
                if run_id is not None:
                    query = query.where(tables.watched.c.run_id == run_id)
                waiting = list(connection.execute(query))
            if not scanned and len(waiting) >= _MANY:
                self._index.loosen()
            for chunk in batches(waiting, _CHUNK):
                self._bring_up([(row.run_id, row.since) for row in chunk], alive)
            self._index.fasten()

    def reindex(self) -> None:
        """Look at every run of the store again from its beginning; what was deleted from the disk goes away."""
        if not check_store(self._directory):
            return
        with self._lock:
            names = set(_names(self._directory / "runs"))
            with self._index.write() as connection:
                known = set(connection.scalars(select(tables.runs.c.run_id)))
                write.forget_runs(connection, sorted(known - names))
                for one in (self._opened, self._experiments):
                    one.forget(connection)
                for table in (tables.progress, tables.faults):
                    connection.execute(delete(table).where(table.c.scope == EXPERIMENTS))
                connection.execute(delete(tables.experiments))
                self._take_lists(connection, *self._look(connection, status.Alive()), first=True)
                registry.forget(connection)
                registry.take_registry(connection, self._directory)
            if len(names) >= _MANY:
                self._index.loosen()
            for chunk in batches(sorted(names), _CHUNK):
                named = [(name, 0) for name in chunk if reader.valid_run_id(name)]
                self._bring_up(named, status.Alive(), again=True)
            self._index.fasten()

    def find(self, run_id: str) -> bool:
        """Take in one run that no list names, such as one whose directory was copied here."""
        if not reader.valid_run_id(run_id) or not (self._directory / "runs" / run_id).is_dir():
            return False
        with self._lock:
            self._bring_up([(run_id, _now())], status.Alive())
        return True

    def _look(self, connection: Connection, alive: status.Alive) -> tuple[Look, Look]:
        return self._opened.look(connection, alive), self._experiments.look(connection, alive)

    def _take_lists(self, connection: Connection, opened: Look, experiments: Look, *, first: bool) -> None:
        now, alive = _now(), status.Alive()
        listed: set[str] = set()
        ends: dict[str, int] = {}
        for name, found in opened.lists.items():
            with contextlib.suppress(FileNotFoundError):
                ids, ends[name] = reader.read_opened(self._opened.directory / name, found.start)
                listed.update(ids)
        self._opened.taken(connection, opened, ends, alive)
        starts = {name: found.start for name, found in experiments.lists.items()}
        ends = take_experiments(connection, self._experiments, starts)
        self._experiments.taken(connection, experiments, ends, alive)
        if first:
            listed.update(name for name in _names(self._directory / "runs") if reader.valid_run_id(name))
            upsert(connection, tables.meta, [{"name": SCANNED, "value": "yes"}])
        upsert(connection, tables.watched, [{"run_id": name, "since": now} for name in sorted(listed)], keep=True)

    def _bring_up(self, chunk: Sequence[tuple[str, int]], alive: status.Alive, *, again: bool = False) -> None:
        """Look at those runs of a chunk that are due, and write what is new."""
        now = _now()
        with self._index.read() as connection:
            known = write.known(connection, [run_id for run_id, _ in chunk], series=False)
        needed = [one for one in chunk if again or self._is_due(*one, known[one[0]], alive, now)]
        if not needed:
            return
        try:
            self._write(needed, now, again=again)
        except (SQLAlchemyError, OverflowError) as error:
            if write.beyond_one_run(error):
                raise
            for one in needed:
                self._write_alone(one, now, again=again)

    def _is_due(self, run_id: str, since: int, known: Known, alive: status.Alive, now: int) -> bool:
        known.since = since
        try:
            if known.row is None and not known.sizes and self._run(run_id).is_dir():
                return True
            return due(self._run(run_id), known, alive, now)
        except OSError:
            return True  # the look itself reports it

    def _write(self, chunk: Sequence[tuple[str, int]], now: int, *, again: bool) -> None:
        with self._index.write() as connection:
            known = write.known(connection, [run_id for run_id, _ in chunk])
            news: list[News] = []
            for run_id, since in chunk:
                before = known[run_id]
                if again:
                    known[run_id] = before = Known(row=before.row)
                before.since = since
                try:
                    found = look(self._run(run_id), run_id, before, status.Alive(), now)
                    found.restart = found.restart or (again and not found.gone)
                    news.append(found)
                except (OSError, AutotrackException, MemoryError) as error:
                    write.fault(connection, run_id, str(error))
            write.write(connection, news, known)

    def _write_alone(self, one: tuple[str, int], now: int, *, again: bool) -> None:
        # Whichever run of the chunk the database refuses must not take the others with it.
        try:
            self._write([one], now, again=again)
        except (SQLAlchemyError, OverflowError) as error:
            if write.beyond_one_run(error):
                raise
            with self._index.write() as connection:
                write.fault(connection, one[0], str(getattr(error, "orig", error)))
                connection.execute(delete(tables.watched).where(tables.watched.c.run_id == one[0]))

    def _run(self, run_id: str) -> Path:
        return self._directory / "runs" / run_id


def _scanned(connection: Connection) -> bool:
    """Whether the store has been listed once, for what no list names."""
    return connection.scalar(select(tables.meta.c.value).where(tables.meta.c.name == SCANNED)) is not None


def _names(directory: Path) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return [entry.name for entry in entries if entry.is_dir()]
    except FileNotFoundError:
        return []


def _now() -> int:
    return time.time_ns() // 1_000_000
