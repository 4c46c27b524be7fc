"""The last point and the summary of each metric of a run, kept up to date with every batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from autotrack.store import tables
from autotrack.store.database import curves
from autotrack.store.database.points import Columns, Name
from autotrack.store.dialect import batches, upsert
from autotrack.store.write import point_row, stored_point, stored_summary, summary_row

_OF = ("model_id", "dataset_name", "dataset_digest")


def new_points(connection: Connection, run: int, series: Mapping[Name, Columns]) -> tuple[dict[Name, Columns], Any]:
    """The points that the run does not have yet, and the rows of their metrics as they are; the run is held."""
    stored = _stored(connection, run, {name[0] for name in series})
    doubtful = {
        name: columns.reach
        for name, columns in series.items()
        if (row := stored.get(name[0])) is not None and not _later(columns, row)
    }
    if not doubtful:
        return dict(series), stored
    known = curves.known(connection, run, doubtful)
    found = {name: columns.without(known[name]) if name in known else columns for name, columns in series.items()}
    return {name: columns for name, columns in found.items() if len(columns)}, stored


def _later(columns: Columns, row: Any) -> bool:
    """Whether all points surely come after the last one of their metric, so that none can be among those before."""
    last = stored_point(row)
    low = columns.reach[0]
    return low > last.step or (low == last.step and min(columns.times) > last.time)


def _stored(connection: Connection, run: int, metrics: Iterable[str]) -> dict[str, Any]:
    own = tables.metrics.c
    found: dict[str, Any] = {}
    for some in batches(sorted(metrics)):
        for row in connection.execute(select(tables.metrics).where(own.run == run, own.key.in_(some))):
            found[row.key] = row
    return found


def update(connection: Connection, run: int, series: Mapping[Name, Columns], stored: Mapping[str, Any]) -> None:
    """Write what new points make of the rows of their metrics."""
    rows: dict[str, dict[str, Any]] = {}
    ranks: dict[str, Any] = {}
    summaries: dict[str, Any] = {}
    of_models: list[tuple[Name, Columns, int]] = []
    for name, columns in series.items():
        metric, greatest = name[0], columns.greatest()
        point, summary = columns.last(greatest), columns.summary()
        old = stored.get(metric)
        if metric not in rows:
            rows[metric] = {} if old is None else dict(old._mapping)
            ranks[metric] = None if old is None else stored_point(old).rank
            summaries[metric] = summary
            if old is not None:
                summaries[metric] = stored_summary(old)
                summaries[metric].merge(summary)
        else:
            summaries[metric].merge(summary)
        if ranks[metric] is None or point.rank > ranks[metric]:
            ranks[metric] = point.rank
            of = {part: value or None for part, value in zip(_OF, name[1:], strict=True)}
            rows[metric] |= {"run": run, "key": metric, **point_row(point, columns.exact.get(greatest)), **of}
        if name[1]:
            of_models.append((name, columns, greatest))
    upsert(connection, tables.metrics, [row | summary_row(summaries[metric]) for metric, row in rows.items()])
    if of_models:
        _update_models(connection, run, of_models)


def _update_models(connection: Connection, run: int, of_models: Sequence[tuple[Name, Columns, int]]) -> None:
    own = tables.model_metrics.c
    stored: dict[Name, Any] = {}
    for some in batches(sorted({name[1] for name, _, _ in of_models})):
        query = select(tables.model_metrics).where(own.run == run, own.model_id.in_(some))
        for row in connection.execute(query):
            stored[row.key, row.model_id, row.dataset_name, row.dataset_digest] = stored_point(row).rank
    rows = []
    for name, columns, greatest in of_models:
        point = columns.last(greatest)
        if name not in stored or point.rank > stored[name]:
            of = dict(zip(("key", *_OF), name, strict=True))
            rows.append({"run": run, **of, **point_row(point, columns.exact.get(greatest))})
    upsert(connection, tables.model_metrics, rows)
