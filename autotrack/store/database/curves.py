"""The points of runs in a database.

A batch of points is one row of the tail, whatever keys it has. When a run's tail has become long it is folded: each
series gets a chunk, and where a series has many small ones they are merged. So a write costs at most one fold of a
bounded tail, and a curve lies in few rows that need no other one to be read.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    union_all,
)

from autotrack.journal.format import LATE
from autotrack.store import tables
from autotrack.store.buckets import summed
from autotrack.store.database.points import (
    Columns,
    Name,
    chunk_blob,
    from_chunk,
    from_tail,
    tail_blob,
)
from autotrack.store.database.tables import chunks, positions, tail
from autotrack.store.dialect import batches
from autotrack.store.look import exact_integer
from autotrack.store.metrics import History, Place, between, page, stretches, thinned

MOST_PIECES, MOST_POINTS = 64, 32_768
"""Rows, and points, of a run's tail that are folded."""
_FULL, _CLOSED = 8192, 99
"""Points from which a chunk takes no more, and the level that says so."""
_FEW = 8
"""Chunks of one level that are merged into one of the next."""
_SKETCHED, _STRETCHES = 1024, 64
"""Points from which a chunk has a sketch, and the stretches that this has four points of each."""
_NAME = ("key", "model_id", "dataset_name", "dataset_digest")


def append(connection: Connection, run: int, series: Mapping[Name, Columns]) -> None:
    """Add points that are known to be new; the run is held."""
    count = sum(map(len, series.values()))
    if count:
        low, high = _reach(columns.reach for columns in series.values())
        row = {"run": run, "points": count, "low_step": low, "high_step": high, "data": tail_blob(series)}
        connection.execute(insert(tail).inline(), row)


def fold(connection: Connection, run: int) -> None:
    """Put a run's tail into chunks, and merge what has become many; the run is held."""
    rows = connection.execute(select(tail.c.id, tail.c.data).where(tail.c.run == run).order_by(tail.c.id)).all()
    if not rows:
        return
    series: dict[Name, Columns] = {}
    for row in rows:
        for name, columns in from_tail(row.data):
            if name in series:
                series[name].extend(columns)
            else:
                series[name] = columns
    _insert(connection, run, ((name, columns, 0) for name, columns in series.items()))
    connection.execute(delete(tail).where(tail.c.run == run, tail.c.id <= rows[-1].id))
    _merge(connection, run, max(_FEW * _FEW, len(series) // 4))


def _merge(connection: Connection, run: int, most: int) -> None:
    """Merge the small chunks of some series; of more of them than a fold fills, so that none is left behind."""
    own = chunks.c
    group = [own[part] for part in (*_NAME, "level")]
    small = select(*group).where(own.run == run, own.level < _CLOSED).group_by(*group)
    many = small.having(func.count() >= _FEW).limit(most).subquery()
    same = and_(*(own[part] == many.c[part] for part in (*_NAME, "level")))
    query = select(own.id, own.data, *group).join(many, same).where(own.run == run).order_by(own.id)
    merged: dict[tuple[Name, int], Columns] = defaultdict(Columns)
    ids: list[int] = []
    for row in connection.execute(query):
        merged[(row.key, row.model_id, row.dataset_name, row.dataset_digest), row.level].extend(from_chunk(row.data))
        ids.append(row.id)
    for some in batches(ids):
        connection.execute(delete(chunks).where(own.id.in_(some)))
    _insert(connection, run, ((name, columns, level + 1) for (name, level), columns in merged.items()))


def _insert(connection: Connection, run: int, series: Iterable[tuple[Name, Columns, int]]) -> None:
    rows = []
    for name, columns, level in series:
        whole = columns.ordered()
        for start in range(0, len(whole), 2 * _FULL):
            part = whole.chosen(range(start, min(start + 2 * _FULL, len(whole)))) if len(whole) > 2 * _FULL else whole
            low, high = part.reach
            rows.append(
                {
                    "run": run,
                    **dict(zip(_NAME, name, strict=True)),
                    "level": _CLOSED if len(part) >= _FULL else level,
                    "points": len(part),
                    "low_step": low,
                    "high_step": high,
                    "low_time": min(part.times),
                    "high_time": max(part.times),
                    "data": chunk_blob(part),
                    **_summed_up(part),
                }
            )
    if rows:
        connection.execute(insert(chunks), rows)


def _summed_up(columns: Columns) -> dict[str, bytes | None]:
    if len(columns) < _SKETCHED:
        return dict.fromkeys(("sketch", "step_cells", "time_cells"))
    cells = summed(columns.steps, columns.times, columns.values)
    sketch = chunk_blob(columns.chosen(stretches(columns.values, _STRETCHES)))
    return {"sketch": sketch, "step_cells": cells[0], "time_cells": cells[1]}


def known(connection: Connection, run: int, reach: Mapping[Name, tuple[float, float]]) -> dict[Name, set[Any]]:
    """The identities of the points of some series between two steps of each."""
    own = chunks.c
    found: dict[Name, set[Any]] = {name: set() for name in reach}

    def take(name: Name, columns: Columns) -> None:
        if name in found:
            lowest, highest = reach[name]
            near = [row for row, step in enumerate(columns.steps) if not (step < lowest or step > highest)]
            found[name].update(map(columns.identity, near))

    low, high = _reach(reach.values())
    for some in batches(sorted({name[0] for name in reach})):
        near = and_(own.run == run, own.key.in_(some), own.high_step >= low, own.low_step <= high)
        for row in connection.execute(select(chunks).where(near)):
            name = (row.key, row.model_id, row.dataset_name, row.dataset_digest)
            if name in reach and row.high_step >= reach[name][0] and row.low_step <= reach[name][1]:
                take(name, from_chunk(row.data))
    near = or_(tail.c.low_step.is_(None), and_(tail.c.high_step >= low, tail.c.low_step <= high))
    for data in connection.scalars(select(tail.c.data).where(tail.c.run == run, near)):
        for name, columns in from_tail(data):
            take(name, columns)
    return found


def _reach(parts: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """From the lowest to the highest step of several series."""
    lows, highs = zip(*parts, strict=True)
    return min(lows), max(highs)


def history(
    connection: Connection, run: int, run_id: str, key: str, start: float | None, end: float | None, points: int | None
) -> History:
    """A curve, whole or by range and resolution; the connection sees one state."""
    low, high = -math.inf if start is None else start, math.inf if end is None else end
    kept = tables.storable(key)
    if points is not None:
        parts = _sketched(connection, run, kept, low, high, points)
    else:
        parts = _parts(connection, run, kept, low, high)
    return thinned(between(_curve(run_id, key, parts), start, end), points)


def page_of(
    connection: Connection, run: int, run_id: str, key: str, limit: int, after: Place | None
) -> tuple[History, Place | None]:
    """The next points of a curve by time; the connection sees one state."""
    own = chunks.c
    time, given = after or (-(2**63), 0)
    kept = tables.storable(key)
    late = and_(own.run == run, own.key == kept, own.high_time >= time)
    places = connection.execute(select(own.id, own.low_time, own.points).where(late).order_by(own.low_time)).all()
    parts = _tail_parts(connection, run, kept)
    read, wanted = 0, given + limit + 1
    while True:
        # What comes before the first point of a chunk that was not read is all there.
        whole = places[read].low_time if read < len(places) else 2**63
        if sum(sum(time <= one < whole for one in columns.times) for _, columns in parts) >= wanted:
            break
        if read == len(places):
            break
        ids, expected = [], 0
        while read < len(places) and expected < wanted:
            ids.append(places[read].id)
            expected, read = expected + places[read].points, read + 1
        parts += _chunk_parts(connection, kept, own.id.in_(ids))
    found, place = page(_curve(run_id, key, parts), limit, after)
    return found, place


def _curve(run_id: str, key: str, parts: Iterable[tuple[Name, Columns]]) -> History:
    """Parts of a curve as one."""
    together = Columns()
    of: dict[Name, tuple[str | None, str | None, str | None]] = {}
    owners: list[tuple[str | None, str | None, str | None]] = []
    for name, columns in parts:
        if name not in of:
            of[name] = (name[1] or None, name[2] or None, name[3] or None)
        together.extend(columns)
        owners += [of[name]] * len(columns)
    return _ordered(run_id, key, together, owners)


def _ordered(run_id: str, key: str, columns: Columns, owners: Sequence[Any]) -> History:
    rows = columns.order()
    steps = columns.steps
    return History(
        run_id,
        key,
        [steps[row] for row in rows],
        [columns.times[row] for row in rows],
        [columns.values[row] for row in rows],
        {new: exact_integer(columns.exact[old]) for new, old in enumerate(rows) if old in columns.exact}
        if columns.exact
        else {},
        {new for new, old in enumerate(rows) if columns.flags[old] & LATE},
        [owners[row] for row in rows],
    )


def _parts(connection: Connection, run: int, key: str, low: float, high: float) -> Iterator[tuple[Name, Columns]]:
    """The series of a metric with the points of all chunks that reach into a range of steps."""
    own = chunks.c
    reach = and_(own.run == run, own.key == key, own.high_step >= low, own.low_step <= high)
    columns = (own.model_id, own.dataset_name, own.dataset_digest, own.data)
    pieces = select(null(), null(), null(), tail.c.data).where(tail.c.run == run)
    # One statement: a fold between two would be seen by half.
    for row in connection.execute(union_all(select(*columns).where(reach), pieces)):
        if row[0] is None:
            yield from from_tail(row[3], key)
        else:
            yield (key, row[0], row[1], row[2]), from_chunk(row[3])


def _tail_parts(connection: Connection, run: int, key: str) -> list[tuple[Name, Columns]]:
    blobs = connection.scalars(select(tail.c.data).where(tail.c.run == run))
    return [part for data in blobs for part in from_tail(data, key)]


def _chunk_parts(connection: Connection, key: str, which: ColumnElement[bool]) -> list[tuple[Name, Columns]]:
    own = chunks.c
    rows = connection.execute(select(own.model_id, own.dataset_name, own.dataset_digest, own.data).where(which))
    return [((key, row[0], row[1], row[2]), from_chunk(row[3])) for row in rows]


def _sketched(
    connection: Connection, run: int, key: str, low: float, high: float, points: int
) -> Iterator[tuple[Name, Columns]]:
    """The same, of chunks with more points than can be shown only their sketch."""
    own = chunks.c
    reach = and_(own.run == run, own.key == key, own.high_step >= low, own.low_step <= high)
    total = connection.scalar(select(func.sum(own.points)).where(reach)) or 0
    # A chunk's share of the points to be shown; what its sketch gives more than once is shown from the sketch.
    coarse = total > 0 and points * _FULL <= total * _STRETCHES * 2
    inside = and_(own.low_step >= low, own.high_step <= high)
    use = and_(own.sketch.is_not(None), inside) if coarse else literal(False)
    picked = func.coalesce(own.sketch, own.data)
    columns = (own.model_id, own.dataset_name, own.dataset_digest)
    for row in connection.execute(
        union_all(
            select(*columns, picked).where(reach, use),
            select(*columns, own.data).where(reach, ~use),
            select(null(), null(), null(), tail.c.data).where(tail.c.run == run),
        )
    ):
        if row[0] is None:
            yield from from_tail(row[3], key)
        else:
            yield (key, row[0], row[1], row[2]), from_chunk(row[3])


def taken_in(connection: Connection, run_id: str, writer: str) -> int:
    """Up to where the bytes of a writer were taken in."""
    run = tables.runs.c
    query = select(positions.c.end).join(tables.runs).where(run.run_id == run_id, positions.c.writer == writer)
    return connection.scalar(query) or 0
