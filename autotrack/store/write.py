"""What the index knows of a run before a look at it, and writing what the look found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from math import nan
from typing import Any

from sqlalchemy import Connection, Table, delete, func, select, update

from autotrack.journal.points import Point
from autotrack.journal.summary import Summary
from autotrack.store import tables
from autotrack.store.dialect import batches, damaged, upsert
from autotrack.store.experiments import named_by_run
from autotrack.store.fold import Facts, Fold, Key, process_from, process_text
from autotrack.store.look import Known, News
from autotrack.values import spelt

FACTS = (
    "experiment_id", "run_name", "user_id", "status", "start_time", "end_time", "lifecycle_stage", "error",
)  # fmt: skip
Rows = defaultdict[Table, list[dict[str, Any]]]


def known(connection: Connection, run_ids: Sequence[str], *, series: bool = True) -> dict[str, Known]:
    """What the index remembers of some runs; blank for those it has never seen. A look needs their ``series``, the
    question whether one is due does not."""
    found: dict[str, Known] = {run_id: Known() for run_id in run_ids}
    for ids in batches(run_ids):
        for row in connection.execute(select(tables.runs).where(tables.runs.c.run_id.in_(ids))):
            found[row.run_id].row = row.id
            found[row.run_id].facts = Facts(**{name: getattr(row, name) for name in FACTS})
        for row in connection.execute(select(tables.progress).where(tables.progress.c.scope.in_(ids))):
            one = found[row.scope]
            one.last = (row.time, row.writer, row.offset)
            one.facts = Facts(**{name: getattr(one.facts, name) for name in FACTS}, ended=row.ended)
        for row in connection.execute(select(tables.sources).where(tables.sources.c.scope.in_(ids))):
            found[row.scope].offsets[row.file] = row.offset
            found[row.scope].sizes[row.file] = row.size
        for row in connection.execute(select(tables.series).where(tables.series.c.run_id.in_(ids))) if series else ():
            key = (row.key, row.model_id, row.dataset_name, row.dataset_digest)
            found[row.run_id].series[row.writer, row.key_id] = key
        for row in connection.execute(select(tables.writers).where(tables.writers.c.run_id.in_(ids))):
            found[row.run_id].processes[row.writer] = process_from(row.process)
    return found


def write(connection: Connection, news: Iterable[News], before: Mapping[str, Known]) -> None:
    """Write what the looks at some runs found."""
    news = list(news)
    void = [one.run_id for one in news if one.restart]
    _forget(connection, void, keep_row=True)
    gone = [one.run_id for one in news if one.gone]
    forget_runs(connection, gone)
    _unwatch(connection, [one.run_id for one in news if one.settled and one.run_id not in gone])
    rows: Rows = defaultdict(list)
    kept: Rows = defaultdict(list)
    next_row = 1 + (connection.scalar(select(func.max(tables.runs.c.id))) or 0)
    for one in news:
        if one.gone:
            continue
        _sources(connection, one, rows, fresh=before[one.run_id].row is None)
        if not one.fold.begun:
            continue
        row = before[one.run_id].row
        if row is None:
            row, next_row = next_row, next_row + 1
        _run_rows(connection, one, row, rows, kept)
        if one.points:
            fresh = before[one.run_id].row is None or one.restart
            _point_rows(connection, one, row, rows, fresh=fresh)
    for table, several in rows.items():
        upsert(connection, table, several)
    for table, several in kept.items():
        upsert(connection, table, several, keep=True)


def forget_runs(connection: Connection, run_ids: Sequence[str]) -> None:
    """Drop all that is known of runs whose directories are gone."""
    _forget(connection, run_ids, keep_row=False)
    _unwatch(connection, run_ids)


def fault(connection: Connection, run_id: str, reason: str) -> None:
    """Note that a run could not be taken in at all."""
    upsert(connection, tables.faults, [{"scope": run_id, "file": "", "offset": 0, "reason": reason[:500]}])


def beyond_one_run(error: Exception) -> bool:
    """Whether a database error concerns the index as a whole, so that trying run by run is of no use."""
    return damaged(error) or "locked" in str(error) or "full" in str(error) or "readonly" in str(error)


def _sources(connection: Connection, one: News, rows: Rows, *, fresh: bool) -> None:
    for name, offset in one.offsets.items():
        row = {"scope": one.run_id, "file": name, "offset": offset, "size": one.sizes.get(name, 0)}
        rows[tables.sources].append(row)
    for name, start in () if fresh else one.reread.items():
        table = tables.faults.c
        connection.execute(
            delete(tables.faults).where(table.scope == one.run_id, table.file == name, table.offset >= start)
        )
    for skipped in one.skipped:
        place = {"scope": one.run_id, "file": skipped.file, "offset": skipped.offset}
        rows[tables.faults].append(place | {"reason": skipped.reason})


def _run_rows(connection: Connection, one: News, row: int, rows: Rows, kept: Rows) -> None:
    fold, facts = one.fold, one.fold.facts
    rows[tables.runs].append({"id": row, "run_id": one.run_id} | {name: getattr(facts, name) for name in FACTS})
    kept[tables.experiments].append(named_by_run(facts.experiment_id, fold.experiment, facts.start_time))
    if one.last is not None:
        order = dict(zip(("time", "writer", "offset"), one.last, strict=True))
        rows[tables.progress].append({"scope": one.run_id, "ended": facts.ended, **order})
    fold_rows(connection, fold, row, rows, kept)
    for (writer, key_id), series in fold.series.items():
        place = {"run_id": one.run_id, "writer": writer, "key_id": key_id}
        rows[tables.series].append(place | dict(zip(_SERIES, series, strict=True)))
    for writer, process in fold.processes.items():
        rows[tables.writers].append({"run_id": one.run_id, "writer": writer, "process": process_text(process)})


def fold_rows(connection: Connection, fold: Fold, row: int, rows: Rows, kept: Rows) -> None:
    """The rows of what a run's events added, apart from its own: ``rows`` replace those that are there, ``kept`` do
    not. What the events took away is deleted."""
    kept[tables.params] += [{"run": row, **param_row(key, value)} for key, value in fold.params.items()]
    for key, value in fold.tags.items():
        if value is None:
            connection.execute(delete(tables.tags).where(tables.tags.c.run == row, tables.tags.c.key == key))
        else:
            rows[tables.tags].append({"run": row, "key": key, "value": value})
    for (name, digest, context), rest in fold.inputs.items():
        rows[tables.inputs].append({"run": row, "name": name, "digest": digest, "context": context, **rest})
    for model_id, model in fold.models.items():
        own = {name: value for name, value in model.items() if name not in ("params", "tags")}
        rows[tables.models].append({"model_id": model_id, "run": row, **own})
        of_model = {"model_id": model_id}
        rows[tables.model_params] += [of_model | param_row(k, v or "") for k, v in model["params"].items()]
        tags = {key: value for key, value in model["tags"].items() if value is not None}
        rows[tables.model_tags] += [of_model | {"key": key, "value": value} for key, value in tags.items()]
    for model_id, model in fold.changed_models.items():
        _change_model(connection, model_id, model, rows)
    rows[tables.model_links] += [
        {"run": row, "role": role, "model_id": model_id, "step": step} for (role, model_id), step in fold.links.items()
    ]


def _change_model(connection: Connection, model_id: str, model: Mapping[str, Any], rows: Rows) -> None:
    own = {name: value for name, value in model.items() if name not in ("params", "tags")}
    found = connection.execute(update(tables.models).where(tables.models.c.model_id == model_id).values(own))
    if not found.rowcount:
        return
    of_model = {"model_id": model_id}
    rows[tables.model_params] += [of_model | param_row(k, v or "") for k, v in model["params"].items()]
    for key, value in model["tags"].items():
        if value is None:
            tag = tables.model_tags.c
            connection.execute(delete(tables.model_tags).where(tag.model_id == model_id, tag.key == key))
        else:
            rows[tables.model_tags].append(of_model | {"key": key, "value": value})


_SERIES = ("key", "model_id", "dataset_name", "dataset_digest")


def _point_rows(connection: Connection, one: News, row: int, rows: Rows, *, fresh: bool) -> None:
    """The last point of each metric, and of each metric of each model; the index may know a later one already."""
    last: dict[str, tuple[Point, str | None, Key]] = {}
    of_models: dict[tuple[str, ...], tuple[Point, str | None]] = {}
    for key, (point, exact) in one.points.items():
        name, model, dataset, digest = key
        if name not in last or point.rank > last[name][0].rank:
            last[name] = point, exact, key
        if model is not None:
            of_models[model, name, dataset or "", digest or ""] = point, exact
    stored: dict[str, Any] = {}
    stored_of_models: dict[tuple[str, ...], Point] = {}
    if not fresh:
        for found in connection.execute(select(tables.metrics).where(tables.metrics.c.run == row)):
            stored[found.key] = found
    if not fresh and of_models:
        for found in connection.execute(select(tables.model_metrics).where(tables.model_metrics.c.run == row)):
            place = (found.model_id, found.key, found.dataset_name, found.dataset_digest)
            stored_of_models[place] = stored_point(found)
    for name, (point, exact, key) in last.items():
        old = stored.get(tables.storable(name))
        summary = one.summaries.get(name) or Summary()
        new = {**point_row(point, exact), **dict(zip(_SERIES, key, strict=True))}
        if old is not None:
            known = stored_summary(old)
            known.merge(summary)
            summary = known
            if point.rank <= stored_point(old).rank:
                new = {column: getattr(old, column) for column in new}
        rows[tables.metrics].append({"run": row, **new, **summary_row(summary)})
    for of_model, (point, exact) in of_models.items():
        if (old := stored_of_models.get(of_model)) is None or point.rank > old.rank:
            names = dict(zip(("model_id", "key", "dataset_name", "dataset_digest"), of_model, strict=True))
            rows[tables.model_metrics].append({"run": row, **point_row(point, exact), **names})


def point_row(point: Point, exact: str | None) -> dict[str, Any]:
    """A point as the columns of a row, without whose it is."""
    return {
        "value": point.value if point.value == point.value else None,
        "exact": exact,
        "timestamp": point.time,
        "raw_step": point.raw_step,
        "flags": point.flags,
    }


def summary_row(summary: Summary) -> dict[str, Any]:
    """A summary as the columns of a row; what is NaN or not there is NULL."""
    facts = {name: getattr(summary, name) for name in _SUMMARY}
    if not summary.count:
        facts |= dict.fromkeys(("minimum", "minimum_step", "maximum", "maximum_step"))
    return {name: value if value == value else None for name, value in facts.items()}


def stored_summary(row: Any) -> Summary:
    """The summary in a row of the metrics."""
    found: list[Any] = [getattr(row, name) for name in _SUMMARY]
    return Summary(*[known if value is None else value for value, known in zip(found, _NOTHING, strict=True)])


_SUMMARY = tuple(one.name for one in fields(Summary))
_NOTHING = [getattr(Summary(total=nan), name) for name in _SUMMARY]
"""What NULL stands for."""


def param_row(key: str, value: str) -> dict[str, Any]:
    """A parameter as the columns of a row, with the number that its value spells."""
    return {"key": key, "value": value, "number": spelt(value)}


def stored_point(row: Any) -> Point:
    """The point of a row of the index."""
    value = float("nan") if row.value is None else row.value
    return Point(row.flags, row.raw_step, row.timestamp, value)


_OF_RUN = (
    tables.params, tables.tags, tables.metrics, tables.inputs, tables.model_links, tables.model_metrics, tables.models,
)  # fmt: skip
_OF_JOURNAL = (tables.sources, tables.progress, tables.faults, tables.series, tables.writers, tables.stretches)


def _forget(connection: Connection, run_ids: Sequence[str], *, keep_row: bool) -> None:
    for ids in batches(run_ids):
        row_ids = select(tables.runs.c.id).where(tables.runs.c.run_id.in_(ids)).scalar_subquery()
        for table in _OF_RUN:
            connection.execute(delete(table).where(table.c.run.in_(row_ids)))
        for table in _OF_JOURNAL:
            scope = table.c.scope if "scope" in table.c else table.c.run_id
            connection.execute(delete(table).where(scope.in_(ids)))
        if not keep_row:
            connection.execute(delete(tables.runs).where(tables.runs.c.run_id.in_(ids)))


def _unwatch(connection: Connection, run_ids: Sequence[str]) -> None:
    for ids in batches(run_ids):
        connection.execute(delete(tables.watched).where(tables.watched.c.run_id.in_(ids)))
