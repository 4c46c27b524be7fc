"""Runs from rows: facts, last metrics, parameters and tags, and what they read and made."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Text, cast, func, literal_column, null, select, union_all

from autotrack.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
    Metric,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunOutputs,
)
from autotrack.journal.format import step_of
from autotrack.store import tables
from autotrack.store.context import Context
from autotrack.store.dialect import NUMBERS, batches, numbered, numbers
from autotrack.store.look import exact_integer
from autotrack.store.ready import answers

CONTEXT_TAG = "mlflow.data.context"
_TOGETHER = 10_000
"""Runs that one statement reads."""

Point = tuple[str, str | None, float | None, int, int, int, str | None, str | None, str | None]
"""The last point of a metric as it is stored: key, digits of an integer that a float64 rounds, value (None for NaN),
time, raw step, flags, and the model, name and digest of the data set that it is about."""


@dataclass(slots=True)
class Row:
    """A run with its last metrics, parameters and tags, as plain values: what a table of runs is made from."""

    number: int
    info: RunInfo
    metrics: dict[str, float] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


class Listed(NamedTuple):
    """A run of a page. ``params`` and ``tags`` are JSON already: ``[{"key": "lr", "value": "0.1"}, …]``, or empty."""

    info: RunInfo
    points: Sequence[Point]
    params: str
    tags: str
    links: tuple[RunInputs, RunOutputs] | None
    """What it read and made; None for nothing."""
    mark: int | None
    """See :meth:`Context.mark_column`; ``None`` too for a run of a deleted experiment."""


def run_rows(connection: Connection, context: Context, ids: Sequence[int]) -> list[Row]:
    """The rows of some row numbers, in their order."""
    found: dict[int, Row] = {}
    for facts, entries in _each(connection, (partial(_facts, context), _entries), ids):
        found.update((number, Row(number, info)) for number, info, _ in _infos(context, facts))
        for run, kind, key, text, value in entries:
            if kind == _METRIC:
                found[run].metrics[key] = _value(value, text)
            elif kind == _PARAM:
                found[run].params[key] = text
            else:
                found[run].tags[key] = text
    return [found[one] for one in ids if one in found]


def whole_runs(connection: Connection, rows: Sequence[Row]) -> list[Run]:
    """Runs with their inputs and outputs."""
    linked = [run for (found,) in _each(connection, (_linked,), [row.number for row in rows]) for (run,) in found]
    links = _links(connection, list(set(linked)))
    return [
        Run(row.info, RunData(row.metrics, row.params, row.tags), *links.get(row.number) or (RunInputs(), RunOutputs()))
        for row in rows
    ]


def listed_runs(connection: Connection, context: Context, ids: Sequence[int]) -> list[Listed]:
    """The runs of some row numbers, in their order: for those who make JSON of many, which is half made here."""
    infos: dict[int, tuple[RunInfo, int | None]] = {}
    points: dict[int, list[Point]] = defaultdict(list)
    pairs: dict[tuple[int, int], str] = {}
    linked: set[int] = set()
    for facts, last, entries, links_of in _each(connection, (partial(_facts, context), _points, _pairs, _linked), ids):
        infos.update((number, (info, mark)) for number, info, mark in _infos(context, facts))
        for run, *point in last:
            points[run].append(tuple(point))
        for run, kind, text in entries:
            pairs[run, kind] = text
        linked.update(run for (run,) in links_of)
    links = _links(connection, list(linked))
    return [
        Listed(info, points[one], pairs.get((one, _PARAM), ""), pairs.get((one, _TAG), ""), links.get(one), mark)
        for one in ids
        if one in infos
        for info, mark in (infos[one],)
    ]


def run_number(connection: Connection, run_id: str) -> int | None:
    """The row number of a run, ``None`` if it is not known."""
    number: int | None = connection.scalar(select(tables.runs.c.id).where(tables.runs.c.run_id == run_id))
    return number


def metric(point: Point) -> Metric:
    """A stored point."""
    key, exact, value, time, raw_step, flags, model, name, digest = point
    return Metric(key, _value(value, exact), time, step_of(raw_step, flags), model, name or None, digest or None)


def last_point(own: Any) -> tuple[Any, ...]:
    """The columns of a point, of a table's."""
    return (
        own.key, own.exact, own.value, own.timestamp, own.raw_step, own.flags, own.model_id, own.dataset_name,
        own.dataset_digest,
    )  # fmt: skip


def _each(
    connection: Connection, statements: Sequence[Callable[[bool], Any]], ids: Sequence[int]
) -> Iterator[list[Sequence[Any]]]:  # fmt: skip
    """The rows that each statement finds for some runs, and for some more."""
    sqlite = connection.dialect.name == "sqlite"
    made = [statement(sqlite) for statement in statements]
    for some in batches(ids, _TOGETHER):
        yield answers(connection, made, {NUMBERS: numbers(connection, some)})


def _infos(context: Context, facts: Iterable[Any]) -> Iterator[tuple[int, RunInfo, int | None]]:
    """Number, facts and mark."""
    for (
        number, run_id, experiment_id, name, user, start, stage, error, status, end, lost, stage_above, location_above,
        mark,
    ) in facts:  # fmt: skip
        info = RunInfo(
            run_id, experiment_id, user, status if lost is None else "LOST", start, end if lost is None else lost,
            "deleted" if "deleted" in (stage, stage_above) else "active",
            context.run_uri(run_id, experiment_id, location_above), name, error,
        )  # fmt: skip
        # No mark says when an experiment is deleted or restored, and its runs with it.
        yield number, info, None if stage_above == "deleted" else mark


# Statements are made once: to put one together takes longer than to carry it out.
_of_contexts: WeakKeyDictionary[Context, Any] = WeakKeyDictionary()
_METRIC, _PARAM, _TAG = range(3)


def _facts(context: Context, sqlite: bool) -> Any:
    query = _of_contexts.get(context)
    if query is None:
        run, above = tables.runs.c, tables.experiments.c
        query = select(
            run.id, run.run_id, run.experiment_id, run.run_name, run.user_id, run.start_time, run.lifecycle_stage,
            run.error, run.status, run.end_time, context.lost_at_column(), above.lifecycle_stage,
            above.artifact_location, context.mark_column(),
        )  # fmt: skip
        query = _of_contexts[context] = query.select_from(
            tables.runs.outerjoin(tables.experiments, above.experiment_id == run.experiment_id)
        ).where(numbered(sqlite, run.id))
    return query


@cache
def _entries(sqlite: bool) -> Any:
    """Metrics, parameters and tags."""
    parts = []
    for kind, table in ((_METRIC, tables.metrics), (_PARAM, tables.params), (_TAG, tables.tags)):
        own = table.c
        values = (own.exact, own.value) if kind == _METRIC else (own.value, null())
        parts.append(select(own.run, literal_column(str(kind)), own.key, *values).where(numbered(sqlite, own.run)))
    return union_all(*parts)


@cache
def _points(sqlite: bool) -> Any:
    own = tables.metrics.c
    return select(own.run, *last_point(own)).where(numbered(sqlite, own.run))


@cache
def _pairs(sqlite: bool) -> Any:
    """Parameters and tags as JSON, a row a run."""
    together, one = (func.json_group_array, func.json_object) if sqlite else (func.json_agg, func.json_build_object)
    key, value = [literal_column(f"'{name}'", Text) for name in ("key", "value")]
    parts = []
    for kind, table in ((_PARAM, tables.params), (_TAG, tables.tags)):
        own = table.c
        pairs = cast(together(one(key, own.key, value, own.value)), Text)
        query = select(own.run, literal_column(str(kind)), pairs).where(numbered(sqlite, own.run))
        parts.append(query.group_by(own.run))
    return union_all(*parts)


@cache
def _linked(sqlite: bool) -> Any:
    """Which runs have read data sets, or read or made models."""
    own = [table.c.run for table in (tables.inputs, tables.model_links)]
    return union_all(*(select(run).where(numbered(sqlite, run)) for run in own))


@cache
def _inputs(sqlite: bool) -> Any:
    own = tables.inputs.c
    return select(tables.inputs).where(numbered(sqlite, own.run)).order_by(own.name, own.context)


@cache
def _models(sqlite: bool) -> Any:
    own, model = tables.model_links.c, tables.models.c
    query = select(tables.model_links).outerjoin(tables.models, model.model_id == own.model_id)
    return query.where(numbered(sqlite, own.run)).order_by(model.creation_timestamp, own.model_id)


def _links(connection: Connection, ids: Sequence[int]) -> Mapping[int, tuple[RunInputs, RunOutputs]]:
    """What runs read and made that did."""
    links = {run: (RunInputs(), RunOutputs()) for run in ids}
    for inputs, models in _each(connection, (_inputs, _models), ids):
        for row in inputs:
            links[row.run][0].dataset_inputs.append(_input(row))
        for row in models:
            if row.role == "input":
                links[row.run][0].model_inputs.append(LoggedModelInput(row.model_id))
            else:
                links[row.run][1].model_outputs.append(LoggedModelOutput(row.model_id, row.step))
    return links


def _value(value: float | None, exact: str | None) -> float:
    if exact is not None:
        return exact_integer(exact)
    return float("nan") if value is None else value


def _input(row: Any) -> DatasetInput:
    tags = [InputTag(key, value or "") for key, value in json.loads(row.tags).items()]
    if row.context and all(tag.key != CONTEXT_TAG for tag in tags):
        tags.insert(0, InputTag(CONTEXT_TAG, row.context))
    return DatasetInput(
        Dataset(row.name, row.digest, row.source_type, row.source, row.schema or None, row.profile or None), tags
    )
