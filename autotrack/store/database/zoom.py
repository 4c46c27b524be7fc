"""The curves of a database at any zoom."""

from __future__ import annotations

import math
import sys
from functools import partial

from sqlalchemy import Connection, and_, case, select

from autotrack.store import tables
from autotrack.store.buckets import Asked, Buckets, Part, Points, part_of, together
from autotrack.store.database.points import from_chunk, from_tail
from autotrack.store.database.tables import chunks, tail

_LARGEST = sys.float_info.max


def zoomed(connection: Connection, run: int, key: str, asked: Asked) -> Buckets:
    """A curve of a run at a zoom; the connection sees one state."""
    kept = tables.storable(key)
    parts = [
        part_of(found.steps, found.times, found.values, asked.axis)
        for data in connection.scalars(select(tail.c.data).where(tail.c.run == run))
        for _, found in from_tail(data, kept)
    ]
    own = chunks.c
    low, high = own[f"low_{asked.axis}"], own[f"high_{asked.axis}"]
    start, end = asked.reach
    reaches = and_(high >= max(start, -_LARGEST), low <= min(end, _LARGEST))
    # What lies outside tells how far the curve reaches, and is not read.
    columns = (own.id, low, high, case((reaches, own[f"{asked.axis}_cells"])))
    for number, lowest, highest, cells in connection.execute(select(*columns).where(own.run == run, own.key == kept)):
        points = partial(_points, connection, number)
        if math.isfinite(lowest) and math.isfinite(highest):
            parts.append(Part(float(lowest), float(highest), cells, points))
        else:  # some of its steps lie nowhere
            parts.append(part_of(*points(), asked.axis))
    return together(asked, parts)


def _points(connection: Connection, number: int) -> Points:
    found = from_chunk(connection.execute(select(chunks.c.data).where(chunks.c.id == number)).scalar_one())
    return found.steps, found.times, found.values
