"""Bringing the index up to date with the journals.

Only what may have changed is looked at: the ends of the lists of opened runs, the runs whose writers may still write,
the experiments' files, and the next entry of the registry. Every step is one transaction that reads its own starting
points, so processes that do this at once, or one that is killed in the middle, leave an index that is right.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import SQLAlchemyError

from autotrack.exceptions import AutotrackException
from autotrack.journal import reader
from autotrack.sinks.local import check_store
from autotrack.store import status, tables, write
from autotrack.store.dialect import batches, upsert
from autotrack.store.experiments import take_experiments
from autotrack.store.index import Index
from autotrack.store.look import Known, News, due, look
from autotrack.store.registry import rows as registry

_CHUNK = 256
"""Runs brought up to date in one transaction: short enough that others are not kept waiting."""
OPENED, SCANNED = "opened", "scanned"


class Ingest:
    """Keeps the index of one store up to date."""

    def __init__(self, directory: Path, index: Index) -> None:
        self._directory = directory
        self._index = index
        self._lock = threading.Lock()

    def catch_up(self, run_id: str | None = None) -> None:
        """Take in what was written since the last time, to one run or to any."""
        check_store(self._directory)
        with self._lock:
            with self._index.read() as connection:
                scanned = connection.scalar(select(tables.meta.c.value).where(tables.meta.c.name == SCANNED))
                changed = not scanned or self._lists_changed(connection)
                promoted = registry.changed(connection, self._directory)
            if changed:
                with self._index.write() as connection:
                    self._take_lists(connection, first=not scanned)
            if promoted:
                with self._index.write() as connection:
                    registry.take_registry(connection, self._directory)
            with self._index.read() as connection:
                query = select(tables.watched.c.run_id, tables.watched.c.since)
                if run_id is not None:
                    query = query.where(tables.watched.c.run_id == run_id)
                waiting = list(connection.execute(query))
            for chunk in batches(waiting, _CHUNK):
                self._bring_up([(row.run_id, row.since) for row in chunk])

    def reindex(self) -> None:
        """Look at every run of the store again from its beginning; what was deleted from the disk goes away."""
        if not check_store(self._directory):
            return
        with self._lock:
            names = set(_names(self._directory / "runs"))
            with self._index.write() as connection:
                known = set(connection.scalars(select(tables.runs.c.run_id)))
                write.forget_runs(connection, sorted(known - names))
                for table in (tables.sources, tables.progress, tables.faults):
                    connection.execute(delete(table).where(table.c.scope.in_(["experiments", OPENED])))
                connection.execute(delete(tables.experiments))
                self._take_lists(connection, first=True)
                registry.forget(connection)
                registry.take_registry(connection, self._directory)
            for chunk in batches(sorted(names), _CHUNK):
                self._bring_up([(name, 0) for name in chunk if reader.valid_run_id(name)], again=True)

    def find(self, run_id: str) -> bool:
        """Take in one run that no list names, such as one whose directory was copied here."""
        if not reader.valid_run_id(run_id) or not (self._directory / "runs" / run_id).is_dir():
            return False
        with self._lock:
            self._bring_up([(run_id, _now())])
        return True

    def _lists_changed(self, connection: Connection) -> bool:
        for scope, directory in self._lists():
            rows = connection.execute(select(tables.sources).where(tables.sources.c.scope == scope))
            if {row.file: row.size for row in rows} != _sizes(directory):
                return True
        return False

    def _lists(self) -> list[tuple[str, Path]]:
        return [(OPENED, self._directory / "opened"), ("experiments", self._directory / "experiments")]

    def _take_lists(self, connection: Connection, *, first: bool) -> None:
        now = _now()
        listed: set[str] = set()
        for scope, directory in self._lists():
            rows = connection.execute(select(tables.sources).where(tables.sources.c.scope == scope))
            known = {row.file: (row.offset, row.size) for row in rows}
            sizes = _sizes(directory)
            grown = {name: size for name, size in sizes.items() if known.get(name, (0, -1))[1] != size}
            ends: dict[str, int] = {}
            if scope == OPENED:
                for name, size in grown.items():
                    start = known.get(name, (0, 0))[0]
                    ids, ends[name] = reader.read_opened(directory / name, start if start <= size else 0)
                    listed.update(ids)
            else:
                ends = take_experiments(connection, directory, grown, {n: known[n][0] for n in known if n in sizes})
            upsert(
                connection,
                tables.sources,
                [{"scope": scope, "file": n, "offset": end, "size": sizes.get(n, 0)} for n, end in ends.items()],
            )
        if first:
            listed.update(name for name in _names(self._directory / "runs") if reader.valid_run_id(name))
            upsert(connection, tables.meta, [{"name": SCANNED, "value": "yes"}])
        upsert(connection, tables.watched, [{"run_id": name, "since": now} for name in sorted(listed)], keep=True)

    def _bring_up(self, chunk: Sequence[tuple[str, int]], *, again: bool = False) -> None:
        """Look at those runs of a chunk that are due, and write what is new."""
        now = _now()
        with self._index.read() as connection:
            known = write.known(connection, [run_id for run_id, _ in chunk], series=False)
        alive = status.Alive()
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


def _names(directory: Path) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            return [entry.name for entry in entries if entry.is_dir()]
    except FileNotFoundError:
        return []


def _sizes(directory: Path) -> dict[str, int]:
    try:
        with os.scandir(directory) as entries:
            return {entry.name: entry.stat().st_size for entry in entries if not entry.name.startswith(".")}
    except FileNotFoundError:
        return {}


def _now() -> int:
    return time.time_ns() // 1_000_000
