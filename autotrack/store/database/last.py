"""The last point and the summary of each metric of a run, kept up to date with every batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, select

from autotrack.journal.format import FLOAT_STEP, LATE, step_of
from autotrack.journal.summary import Summary
from autotrack.store import tables
from autotrack.store.database import curves
from autotrack.store.database.points import Columns, Name
from autotrack.store.dialect import batches
from autotrack.store.write import point_row, stored_point, stored_summary, summary_row

_OF = ("model_id", "dataset_name", "dataset_digest")
_COLUMNS = tuple(column.name for column in tables.metrics.columns)


def new_points(
    connection: Connection, run: int, series: Mapping[Name, Columns], known: Mapping[str, Any], *, late: bool
) -> dict[Name, Columns]:
    """The points that the run does not have yet, of whose metrics the ``known`` rows are all; the run is held. They are
    marked if they came ``late``, after its end."""
    if late:
        for columns in series.values():
            columns.flags = [flags | LATE for flags in columns.flags]
    doubtful = {
        name: columns.reach
        for name, columns in series.items()
        if (row := known.get(name[0])) is not None and not _later(columns, row)
    }
    if not doubtful:
        return dict(series)
    there = curves.known(connection, run, doubtful)
    found = {name: columns.without(there[name]) if name in there else columns for name, columns in series.items()}
    return {name: columns for name, columns in found.items() if len(columns)}


def _later(columns: Columns, row: Any) -> bool:
    """Whether all points surely come after the last one of their metric, so that none can be among those before."""
    if len(columns) == 1 and not columns.flags[0] and not row.flags & FLOAT_STEP:
        return bool((columns.raw_steps[0], columns.times[0]) > (row.raw_step, row.timestamp))
    last, low = step_of(row.raw_step, row.flags), columns.reach[0]
    return bool(low > last or (low == last and min(columns.times) > row.timestamp))


def stored(connection: Connection, run: int, metrics: Iterable[str]) -> list[Any]:
    """The rows of some metrics of a run."""
    own = tables.metrics.c
    found: list[Any] = []
    for some in batches(sorted(metrics)):
        found += connection.execute(select(tables.metrics).where(own.run == run, own.key.in_(some)))
    return found


Written = Iterator[tuple[Table, list[dict[str, Any]]]]


def changed(connection: Connection, run: int, series: Mapping[Name, Columns], known: Mapping[str, Any]) -> Written:
    """What new points make of the rows of their metrics, and of models' metrics: rows to be written."""
    rows: dict[str, dict[str, Any]] = {}
    ranks: dict[str, Any] = {}
    summaries: dict[str, Summary] = {}
    for name, columns in series.items():
        metric, greatest = name[0], columns.greatest()
        point = columns.last(greatest)
        if metric not in rows:
            old = known.get(metric)
            rows[metric] = {} if old is None else dict(zip(_COLUMNS, old, strict=True))
            ranks[metric] = None if old is None else stored_point(old).rank
            summaries[metric] = Summary() if old is None else stored_summary(old)
        summaries[metric].merge(columns.summary())
        rank = point.rank
        if ranks[metric] is None or rank > ranks[metric]:
            ranks[metric] = rank
            rows[metric] |= point_row(point, columns.exact.get(greatest))
            rows[metric] |= {"run": run, "key": metric, **dict(zip(_OF, _parts(name), strict=True))}
    yield tables.metrics, [row | summary_row(summaries[metric]) for metric, row in rows.items()]
    of_models = [(name, columns, columns.greatest()) for name, columns in series.items() if name[1]]
    if of_models:
        yield tables.model_metrics, _of_models(connection, run, of_models)


def _parts(name: Name) -> tuple[str | None, ...]:
    return name[1] or None, name[2] or None, name[3] or None


def _of_models(
    connection: Connection, run: int, of_models: Sequence[tuple[Name, Columns, int]]
) -> list[dict[str, Any]]:  # fmt: skip
    own = tables.model_metrics.c
    ranks: dict[Name, Any] = {}
    for some in batches(sorted({name[1] for name, _, _ in of_models})):
        query = select(tables.model_metrics).where(own.run == run, own.model_id.in_(some))
        for row in connection.execute(query):
            ranks[row.key, row.model_id, row.dataset_name, row.dataset_digest] = stored_point(row).rank
    rows = []
    for name, columns, greatest in of_models:
        point = columns.last(greatest)
        if name not in ranks or point.rank > ranks[name]:
            of = dict(zip(("key", *_OF), name, strict=True))
            rows.append({"run": run, **of, **point_row(point, columns.exact.get(greatest))})
    return rows
