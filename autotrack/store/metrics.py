"""The whole curve of a metric, read from the journal itself: points are never rows."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import eq
from pathlib import Path

from sqlalchemy import Connection, select

from autotrack.entities import Metric
from autotrack.journal import points, reader
from autotrack.journal.format import EXACT, LATE
from autotrack.store import tables
from autotrack.store.look import exact_integer, exact_texts, pick


@dataclass(slots=True)
class History:
    """All points of one metric of a run as columns, ordered by time, step and value.

    ``values`` holds float64; a value that one cannot hold is in ``exact`` by its row. ``late`` are the rows added
    after the run had ended.
    """

    run_id: str
    key: str
    steps: list[int | float] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    exact: dict[int, int] = field(default_factory=dict)
    late: set[int] = field(default_factory=set)
    of: list[tuple[str | None, str | None, str | None]] = field(default_factory=list)
    """For each row the model id, data set name and digest that the point was logged with."""

    def __len__(self) -> int:
        return len(self.values)

    def metrics(self) -> list[Metric]:
        """The points as entities."""
        return [
            Metric(self.key, self.exact.get(row, value), time, step, *of, run_id=self.run_id)
            for row, (value, time, step, of) in enumerate(
                zip(self.values, self.times, self.steps, self.of, strict=True)
            )
        ]


def between(curve: History, start: float | None, end: float | None) -> History:
    """The points whose steps lie from ``start`` to ``end``, both included."""
    if start is None and end is None:
        return curve
    low, high = -math.inf if start is None else start, math.inf if end is None else end
    return _rows(curve, [row for row, step in enumerate(curve.steps) if low <= step <= high])


Place = tuple[int, int]
"""Where a page of a curve ends: the time of its last point, and how many points of that time were given."""


def page(curve: History, limit: int, after: Place | None) -> tuple[History, Place | None]:
    """The next points of a curve, and where they end if more follow. The curve holds at least all points from the time
    of ``after`` on."""
    time, given = after or (-(2**63), 0)
    first = bisect_left(curve.times, time) + given
    last = min(first + limit, len(curve))
    found = _rows(curve, range(first, last))
    if last >= len(curve) or last <= first:
        return found, None
    ends = curve.times[last - 1]
    return found, (ends, last - bisect_left(curve.times, ends))


def thinned(curve: History, points: int | None) -> History:
    """At most about ``points`` of a curve: of each of equal stretches the first, the least, the greatest and the last
    point."""
    if points is None or len(curve) <= points:
        return curve
    return _rows(curve, stretches(curve.values, max(1, points // 4)))


def stretches(values: Sequence[float], count: int) -> list[int]:
    """The rows of the first, the least, the greatest and the last value of each of so many equal stretches."""
    chosen: set[int] = set()
    for stretch in range(count):
        begin, end = len(values) * stretch // count, len(values) * (stretch + 1) // count
        if begin == end:
            continue
        chosen |= {begin, end - 1}
        part = values[begin:end]
        finite = part if all(map(eq, part, part)) else [value for value in part if value == value]
        if finite:
            chosen |= {begin + part.index(min(finite)), begin + part.index(max(finite))}
    return sorted(chosen)


def _rows(curve: History, rows: Sequence[int]) -> History:
    return History(
        curve.run_id,
        curve.key,
        [curve.steps[row] for row in rows],
        [curve.times[row] for row in rows],
        [curve.values[row] for row in rows],
        {new: curve.exact[old] for new, old in enumerate(rows) if old in curve.exact} if curve.exact else {},
        {new for new, old in enumerate(rows) if old in curve.late} if curve.late else set(),
        [curve.of[row] for row in rows],
    )


def history(connection: Connection, directory: Path, run_id: str, key: str) -> History:
    """The curve of a metric; empty if the run never logged it."""
    files: dict[str, dict[int, tuple[str | None, str | None, str | None]]] = {}
    column = tables.series.c
    for row in connection.execute(select(tables.series).where(column.run_id == run_id, column.key == key)):
        files.setdefault(row.writer, {})[row.key_id] = (row.model_id, row.dataset_name, row.dataset_digest)
    run = directory / "runs" / run_id
    steps: list[int | float] = []
    times: list[int] = []
    values: list[float] = []
    flags: list[int] = []
    of: list[tuple[str | None, str | None, str | None]] = []
    exact: dict[int, int] = {}
    for writer, ids in sorted(files.items()):
        try:
            found = points.select(run / reader.metrics_name(writer), set(ids))
        except FileNotFoundError:
            continue
        if any(flag & EXACT for flag in found.flags):
            exact |= {len(values) + row: number for row, number in _exact(run, writer, found)}
        steps += found.steps
        times += found.times
        values += found.values
        flags += found.flags
        of += [ids[key_id] for key_id in found.ids]
    order = _order(times, steps, values)
    where = {old: new for new, old in enumerate(order)} if exact else {}
    return History(
        run_id,
        key,
        [steps[row] for row in order],
        [times[row] for row in order],
        [values[row] for row in order],
        {where[row]: number for row, number in exact.items()},
        {new for new, old in enumerate(order) if flags[old] & LATE},
        [of[row] for row in order],
    )


def _order(times: Sequence[int], steps: Sequence[float], values: Sequence[float]) -> Sequence[int]:
    rows = range(len(values))
    if all(a < b for a, b in pairwise(times)):
        return rows
    # NaN compares with nothing; it goes last among its like.
    return sorted(rows, key=lambda row: (times[row], *_rank(steps[row]), *_rank(values[row]), row))


def _rank(value: float) -> tuple[bool, float]:
    return (False, value) if value == value else (True, 0.0)


def _exact(run: Path, writer: str, found: points.Columns) -> list[tuple[int, int]]:
    texts = exact_texts(run / reader.events_name(writer))
    rows: list[tuple[int, int]] = []
    for row, flag in enumerate(found.flags):
        if flag & EXACT:
            text = pick(texts, found.ids[row], found.steps[row], found.times[row], found.values[row])
            if text is not None:
                rows.append((row, exact_integer(text)))
    return rows
