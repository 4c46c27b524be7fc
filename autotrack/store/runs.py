"""Runs: from rows to answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    and_,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    union_all,
)

from autotrack.direction import BEST_TAG, better
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
    ViewType,
)
from autotrack.journal.format import step_of
from autotrack.store import tables
from autotrack.store.context import Context
from autotrack.store.dialect import batches, one_of
from autotrack.store.look import exact_integer
from autotrack.store.search.page import Page, SortKey, page
from autotrack.store.search.parse import parse_filter, parse_orders
from autotrack.store.search.sql import Boolean, Target, condition
from autotrack.store.search.tree import Kind
from autotrack.store.search.vocabulary import RUNS
from autotrack.store.write import stored_point

CONTEXT_TAG = "mlflow.data.context"


@dataclass(slots=True)
class Row:
    """A run with its last metrics, parameters and tags, as plain values: what a table of runs is made from."""

    info: RunInfo
    metrics: dict[str, float] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Search:
    """What runs are asked for; ``experiment_ids`` None means all experiments."""

    experiment_ids: Sequence[str] | None = None
    filter: str | None = ""
    view: int = ViewType.ACTIVE_ONLY
    order_by: Sequence[str] | None = None
    limit: int = 1000
    token: str | None = None


def find_runs(connection: Connection, context: Context, search: Search) -> Page:
    """The row numbers of the runs that a search finds, one page of them."""
    target = target_of(connection, context, search.experiment_ids)
    where = [_visible(search.view)]
    if search.experiment_ids is not None:
        where.append(tables.runs.c.experiment_id.in_([str(one) for one in search.experiment_ids]))
    tree = condition(parse_filter(search.filter, RUNS), target, connection)
    if tree is not None:
        where.append(tree)
    return page(
        connection,
        key=tables.runs.c.id,
        source=_WITH_EXPERIMENT,
        where=where,
        orders=parse_orders(search.order_by, RUNS),
        ties=[SortKey(tables.runs.c.start_time, descending=True), SortKey(tables.runs.c.run_id)],
        target=target,
        limit=search.limit,
        token=search.token,
        asked=[search.experiment_ids, search.filter, int(search.view), search.order_by],
    )


def run_rows(connection: Connection, context: Context, ids: Sequence[int]) -> list[Row]:
    """The rows of some row numbers, in their order."""
    found: dict[int, Row] = {}
    for some in batches(ids):
        above = tables.experiments.c
        query = select(
            tables.runs,
            above.lifecycle_stage.label("stage_above"),
            above.artifact_location.label("location_above"),
            context.status_column().label("state"),
            context.end_time_column().label("ended"),
        )
        for row in connection.execute(
            query.select_from(_WITH_EXPERIMENT).where(one_of(connection, tables.runs.c.id, some))
        ):
            found[row.id] = Row(_info(row, context))
        for run, kind, key, text, value in _entries(connection, some):
            if kind == _METRIC:
                found[run].metrics[key] = _value(value, text)
            elif kind == _PARAM:
                found[run].params[key] = text
            else:
                found[run].tags[key] = text
    return [found[one] for one in ids if one in found]


def run_number(connection: Connection, run_id: str) -> int | None:
    """The row number of a run, ``None`` if it is not known."""
    number: int | None = connection.scalar(select(tables.runs.c.id).where(tables.runs.c.run_id == run_id))
    return number


def whole_runs(connection: Connection, rows: Iterable[Row]) -> list[Run]:
    """Runs with their inputs and outputs."""
    rows = list(rows)
    inputs: dict[str, list[DatasetInput]] = {}
    read: dict[str, list[LoggedModelInput]] = {}
    outputs: dict[str, list[LoggedModelOutput]] = {}
    for some in batches([row.info.run_id for row in rows]):
        numbers = tables.runs.c.run_id.in_(some)
        query = select(tables.runs.c.run_id, tables.inputs).join_from(tables.inputs, tables.runs).where(numbers)
        for found in connection.execute(query.order_by(tables.inputs.c.name, tables.inputs.c.context)):
            inputs.setdefault(found.run_id, []).append(_input(found))
        links = select(tables.runs.c.run_id, tables.model_links).join_from(tables.model_links, tables.runs)
        links = links.outerjoin(tables.models, tables.models.c.model_id == tables.model_links.c.model_id)
        order = (tables.models.c.creation_timestamp, tables.model_links.c.model_id)
        for found in connection.execute(links.where(numbers).order_by(*order)):
            if found.role == "input":
                read.setdefault(found.run_id, []).append(LoggedModelInput(found.model_id))
            else:
                outputs.setdefault(found.run_id, []).append(LoggedModelOutput(found.model_id, found.step))
    return [
        Run(
            row.info,
            RunData(row.metrics, row.params, row.tags),
            RunInputs(inputs.get(row.info.run_id, []), read.get(row.info.run_id, [])),
            RunOutputs(outputs.get(row.info.run_id, [])),
        )
        for row in rows
    ]


def count_runs(connection: Connection, experiment_ids: Sequence[str] | None, view: int) -> int:
    """How many runs there are."""
    query = select(func.count()).select_from(_WITH_EXPERIMENT).where(_visible(view))
    if experiment_ids is not None:
        query = query.where(tables.runs.c.experiment_id.in_(list(experiment_ids)))
    return connection.scalar(query) or 0


def last_metrics(connection: Connection, number: int) -> list[Metric]:
    """The last point of each metric of a run."""
    rows = connection.execute(select(tables.metrics).where(tables.metrics.c.run == number))
    return [metric(row) for row in rows]


def last_points(connection: Connection, run_ids: Sequence[str]) -> dict[str, list[Metric]]:
    """The same for several runs, by their ids."""
    found: dict[str, list[Metric]] = {}
    own = tables.metrics.c
    columns = (
        tables.runs.c.run_id, own.key, own.value, own.exact, own.timestamp, own.raw_step, own.flags,
        own.model_id, own.dataset_name, own.dataset_digest,
    )  # fmt: skip
    for some in batches(run_ids):
        query = select(*columns).join_from(tables.metrics, tables.runs).where(tables.runs.c.run_id.in_(some))
        for run_id, key, value, exact, time, step, flags, model, name, digest in connection.execute(
            query.order_by(own.run, own.key)
        ):
            at = step_of(step, flags)
            point = Metric(key, _value(value, exact), time, at, model, name or None, digest or None)
            found.setdefault(run_id, []).append(point)
    return found


def datasets(connection: Connection, experiment_ids: Sequence[str], limit: int) -> list[tuple[str, str, str, str]]:
    """Experiment id, name, digest and context of each data set that active runs have read."""
    run, own = tables.runs.c, tables.inputs.c
    query = select(run.experiment_id, own.name, own.digest, own.context).distinct()
    query = query.join_from(tables.inputs, tables.runs).where(
        run.experiment_id.in_([str(one) for one in experiment_ids]), run.lifecycle_stage == "active"
    )
    ordered = query.order_by(run.experiment_id, own.name, own.digest, own.context).limit(limit)
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(ordered)]


def metric(row: Any) -> Metric:
    """The point of a row of the metrics or the models' metrics."""
    return Metric(
        row.key,
        _value(row.value, row.exact),
        row.timestamp,
        stored_point(row).step,
        row.model_id,
        row.dataset_name or None,
        row.dataset_digest or None,
    )


_WITH_EXPERIMENT = tables.runs.outerjoin(
    tables.experiments, tables.experiments.c.experiment_id == tables.runs.c.experiment_id
)


def _visible(view: int) -> Boolean:
    # Deleting an experiment hides its runs and restoring it shows them again, whatever their own stage is.
    own, above = tables.runs.c.lifecycle_stage, tables.experiments.c.lifecycle_stage
    active = and_(own == "active", or_(above.is_(None), above == "active"))
    return {int(ViewType.ACTIVE_ONLY): active, int(ViewType.DELETED_ONLY): ~active}.get(int(view), literal(True))


def _target(context: Context) -> Target:
    own = tables.runs.c
    computed: dict[str, ColumnElement[Any]] = {
        "artifact_uri": context.run_uri_column(),
        "status": context.status_column(),
        "duration": (own.end_time - own.start_time) / literal(1000.0, Double()),
    }
    return Target(
        own.id,
        {name: computed[name] if name in computed else own[name] for name in RUNS.attributes},
        {Kind.METRIC: tables.metrics, Kind.PARAM: tables.params, Kind.TAG: tables.tags, Kind.DATASET: tables.inputs},
    )


def target_of(connection: Connection, context: Context, experiment_ids: Sequence[str] | None) -> Target:
    """The fields of runs; which value of a metric is the best is as these experiments have it."""
    return replace(_target(context), source=_WITH_EXPERIMENT, better=partial(_better, connection, experiment_ids))


def _better(connection: Connection, experiment_ids: Sequence[str] | None, key: str) -> int:
    """Which values of a metric are better to these experiments, or to all of them."""
    table = tables.experiment_tags.c
    query = select(table.value).where(table.key == f"{BEST_TAG}{key}").distinct()
    if experiment_ids is not None:
        query = query.where(table.experiment_id.in_([str(one) for one in experiment_ids]))
    return better(key, connection.scalars(query))


def _info(row: Any, context: Context) -> RunInfo:
    deleted = "deleted" in (row.lifecycle_stage, row.stage_above)
    return RunInfo(
        run_id=row.run_id,
        experiment_id=row.experiment_id,
        user_id=row.user_id,
        status=row.state,
        start_time=row.start_time,
        end_time=row.ended,
        lifecycle_stage="deleted" if deleted else "active",
        artifact_uri=context.run_uri(row.run_id, row.experiment_id, row.location_above),
        run_name=row.run_name,
        error=row.error,
    )


_METRIC, _PARAM, _TAG = range(3)


def _entries(connection: Connection, ids: Sequence[int]) -> Iterable[Any]:
    """The metrics, parameters and tags of runs, which one statement reads."""
    parts = []
    for kind, table in ((_METRIC, tables.metrics), (_PARAM, tables.params), (_TAG, tables.tags)):
        own = table.c
        values = (own.exact, own.value) if kind == _METRIC else (own.value, null())
        query = select(own.run, literal_column(str(kind)), own.key, *values)
        parts.append(query.where(one_of(connection, own.run, ids)))
    return connection.execute(union_all(*parts))


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
