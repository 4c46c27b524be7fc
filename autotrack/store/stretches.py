"""The curves of a local store at any zoom.

A long file of points is summed up in stretches of fixed length, when somebody first looks at one of its curves, and its
end whenever somebody looks again. The sums lie in the index, and go with it; the journal is read where a zoom is finer
than they are, and behind the last whole stretch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from autotrack.journal import points, reader
from autotrack.store import tables
from autotrack.store.buckets import Asked, Buckets, Part, Points, part_of, reach, summed, together
from autotrack.store.dialect import upsert
from autotrack.store.index import Index

RECORDS = 1 << 14
"""Records of a stretch."""
_AT_ONCE = 32
"""Stretches that are written in one transaction."""
_EVERY = 0
"""The key id of a row that says that a stretch has been summed up."""


def zoomed(index: Index, directory: Path, run_id: str, key: str, asked: Asked) -> Buckets:
    """A curve of a run at a zoom."""
    series, taken = _known(index, run_id, key)
    parts: list[Part] = []
    for writer, ids in series.items():
        file = directory / "runs" / run_id / reader.metrics_name(writer)
        whole = taken.get(file.name, 0) // (RECORDS * points.SIZE)
        if whole:
            points.load_numpy()  # such a curve is looked at again, at other zooms
        _sum_up(index, run_id, writer, file, whole)
        parts += _summed(index, run_id, writer, file, ids, asked.axis)
        parts += _unsummed(file, whole, ids, asked.axis)
    return together(asked, parts)


def _known(index: Index, run_id: str, key: str) -> tuple[dict[str, set[int]], Mapping[str, int]]:
    """The key ids of a metric by writer, and up to where the index has each file of the run."""
    own, source = tables.series.c, tables.sources.c
    found: dict[str, set[int]] = {}
    with index.read() as connection:
        for row in connection.execute(select(own.writer, own.key_id).where(own.run_id == run_id, own.key == key)):
            found.setdefault(row.writer, set()).add(row.key_id)
        files = connection.execute(select(source.file, source.offset).where(source.scope == run_id))
        return found, {row.file: row.offset for row in files}


def _sum_up(index: Index, run_id: str, writer: str, file: Path, whole: int) -> None:
    """Have the first stretches of a file summed up, as many as are whole."""
    own = tables.stretches.c
    query = select(func.max(own.number)).where(own.run_id == run_id, own.writer == writer, own.key_id == _EVERY)
    with index.read() as connection:
        last = connection.scalar(query)
    for first in range(0 if last is None else last + 1, whole, _AT_ONCE):
        rows = [
            {"run_id": run_id, "writer": writer, "number": number, **row}
            for number in range(first, min(whole, first + _AT_ONCE))
            for row in _rows(file, number)
        ]
        with index.write() as connection:
            upsert(connection, tables.stretches, rows)


def _rows(file: Path, number: int) -> Iterator[dict[str, Any]]:
    names = ("low_step", "high_step", "low_time", "high_time", "step_cells", "time_cells")
    yield {"key_id": _EVERY, **dict.fromkeys(names)}
    for key_id, columns in _by_key(file, number, RECORDS).items():
        values = (*reach(columns[0]), *reach(columns[1]), *summed(*columns))
        yield {"key_id": key_id, **dict(zip(names, values, strict=True))}


def _summed(index: Index, run_id: str, writer: str, file: Path, ids: set[int], axis: str) -> list[Part]:
    own = tables.stretches.c
    columns = (own.number, own[f"low_{axis}"], own[f"high_{axis}"], own[f"{axis}_cells"])
    query = select(*columns).where(own.run_id == run_id, own.writer == writer, own.key_id.in_(sorted(ids)))
    with index.read() as connection:
        return [
            Part(low, high, cells, partial(_chosen, file, number, RECORDS, ids))
            for number, low, high, cells in connection.execute(query)
        ]


def _unsummed(file: Path, whole: int, ids: set[int], axis: str) -> list[Part]:
    """The points behind the last whole stretch."""
    try:
        count = file.stat().st_size // points.SIZE - whole * RECORDS
    except FileNotFoundError:
        return []
    return [part_of(*_chosen(file, whole, count, ids), axis)] if count > 0 else []


def _chosen(file: Path, number: int, count: int, ids: set[int]) -> Points:
    """The points of some key ids among so many records from the beginning of a stretch on."""
    chosen: tuple[list[float], list[float], list[float]] = ([], [], [])
    for key_id, columns in _by_key(file, number, count).items():
        if key_id in ids:
            for target, column in zip(chosen, columns, strict=True):
                target.extend(column)
    return chosen


def _by_key(file: Path, number: int, count: int) -> Mapping[int, Points]:
    start = number * RECORDS * points.SIZE
    columns, _ = points.read(file, start, start + count * points.SIZE, count)
    if columns.ids and min(columns.ids) == max(columns.ids):
        return {columns.ids[0]: (columns.steps, columns.times, columns.values)}
    found: dict[int, tuple[list[float], list[float], list[float]]] = {}
    for key_id, step, time, value in zip(columns.ids, columns.steps, columns.times, columns.values, strict=True):
        steps, times, values = found.setdefault(key_id, ([], [], []))
        steps.append(step)
        times.append(time)
        values.append(value)
    return found
