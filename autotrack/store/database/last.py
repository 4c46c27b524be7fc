"""The last point and the summary of each metric of a run, kept up to date with every batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

from autotrack.journal.format import FLOAT_STEP, step_of
from autotrack.journal.summary import Summary
from autotrack.store import tables
from autotrack.store.database import curves
from autotrack.store.database.points import Columns, Name
from autotrack.store.dialect import batches, upsert
from autotrack.store.write import point_row, stored_point, stored_summary, summary_row

_OF = ("model_id", "dataset_name", "dataset_digest")
_COLUMNS = tuple(column.name for column in tables.metrics.columns)


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
    if len(columns) == 1 and not columns.flags[0] and not row.flags & FLOAT_STEP:
        return bool((columns.raw_steps[0], columns.times[0]) > (row.raw_step, row.timestamp))
    last, low = step_of(row.raw_step, row.flags), columns.reach[0]
    return bool(low > last or (low == last and min(columns.times) > row.timestamp))


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
    summaries: dict[str, Summary] = {}
    for name, columns in series.items():
        metric, greatest = name[0], columns.greatest()
        point = columns.last(greatest)
        if metric not in rows:
            old = stored.get(metric)
            rows[metric] = {} if old is None else dict(zip(_COLUMNS, old, strict=True))
            ranks[metric] = None if old is None else stored_point(old).rank
            summaries[metric] = Summary() if old is None else stored_summary(old)
        summaries[metric].merge(columns.summary())
        rank = point.rank
        if ranks[metric] is None or rank > ranks[metric]:
            ranks[metric] = rank
            rows[metric] |= point_row(point, columns.exact.get(greatest))
            rows[metric] |= {"run": run, "key": metric, **dict(zip(_OF, _parts(name), strict=True))}
    upsert(connection, tables.metrics, [row | summary_row(summaries[metric]) for metric, row in rows.items()])
    of_models = [(name, columns, columns.greatest()) for name, columns in series.items() if name[1]]
    if of_models:
        _update_models(connection, run, of_models)


def _parts(name: Name) -> tuple[str | None, ...]:
    return name[1] or None, name[2] or None, name[3] or None


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
