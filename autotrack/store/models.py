"""Logged models: from rows to answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, FromClause, and_, func, or_, select

from autotrack.entities import LoggedModel, LoggedModelStatus
from autotrack.exceptions import AutotrackException
from autotrack.store import tables
from autotrack.store.context import Context
from autotrack.store.dialect import batches
from autotrack.store.rows import last_point, metric
from autotrack.store.search.page import Page, page
from autotrack.store.search.parse import parse_filter, parse_orders
from autotrack.store.search.sql import Boolean, Target, condition
from autotrack.store.search.statements import SortKey, ordered
from autotrack.store.search.tree import Kind, Order
from autotrack.store.search.vocabulary import MODELS

_SOURCE = tables.models.join(tables.runs)
_PLACED = _SOURCE.outerjoin(tables.experiments, tables.experiments.c.experiment_id == tables.runs.c.experiment_id)
_LOCATION = tables.experiments.c.artifact_location.label("location_above")


def find_models(
    connection: Connection,
    experiment_ids: Sequence[str],
    filter_string: str | None,
    datasets: Sequence[Mapping[str, Any]] | None,
    order_by: Sequence[Mapping[str, Any]] | None,
    limit: int,
    token: str | None,
) -> Page:
    """The ids of the models that a search finds, one page of them. ``datasets`` narrows which metrics count."""
    own, run = tables.models.c, tables.runs.c
    attributes = {name: own[name] for name in MODELS.attributes if name in own} | {
        "source_run_id": run.run_id,
        "experiment_id": run.experiment_id,
    }
    entries = {Kind.PARAM: tables.model_params, Kind.TAG: tables.model_tags}
    target = Target(
        own.model_id,
        attributes,
        {**entries, Kind.METRIC: tables.model_metrics},
        (lambda table: _of_datasets(table, datasets)) if datasets else None,
    )
    where: list[Boolean] = [run.experiment_id.in_([str(one) for one in experiment_ids])]
    where.append(own.lifecycle_stage == "active")
    tree = condition(parse_filter(filter_string, MODELS), target)
    if tree is not None:
        where.append(tree)
    sorting = Target(own.model_id, attributes, {**entries, Kind.METRIC: _last_of_each(order_by)})
    statements = ordered(
        key=own.model_id,
        source=_SOURCE,
        where=where,
        orders=_orders(order_by),
        ties=[SortKey(own.creation_timestamp, descending=True), SortKey(own.model_id)],
        target=sorting,
    )
    return page(
        connection,
        statements,
        limit=limit,
        token=token,
        asked=[list(experiment_ids), filter_string, datasets, order_by],
    )


def model_rows(connection: Connection, context: Context, ids: Sequence[str]) -> list[LoggedModel]:
    """The models of some ids, in their order."""
    found: dict[str, LoggedModel] = {}
    for some in batches(ids):
        params, tags = (_texts(connection, table, some) for table in (tables.model_params, tables.model_tags))
        metrics: dict[str, list[Any]] = {}
        own = tables.model_metrics.c
        points = select(tables.runs.c.run_id, *last_point(own)).join_from(tables.model_metrics, tables.runs)
        for run_id, *point in connection.execute(points.where(own.model_id.in_(some))):
            one = replace(metric(tuple(point)), run_id=run_id)
            metrics.setdefault(str(one.model_id), []).append(one)
        query = select(tables.models, tables.runs.c.run_id, tables.runs.c.experiment_id, _LOCATION).select_from(_PLACED)
        for row in connection.execute(query.where(tables.models.c.model_id.in_(some))):
            found[row.model_id] = LoggedModel(
                experiment_id=row.experiment_id,
                model_id=row.model_id,
                name=row.name,
                artifact_location=context.model_uri(row),
                creation_timestamp=row.creation_timestamp,
                last_updated_timestamp=row.last_updated_timestamp,
                model_type=row.model_type,
                source_run_id=row.run_id,
                status=LoggedModelStatus(row.status),
                status_message=row.status_message,
                tags=tags.get(row.model_id, {}),
                params=params.get(row.model_id, {}),
                metrics=metrics.get(row.model_id, []),
                flavors=tuple(json.loads(row.flavors)),
                signature=row.signature,
                size=row.size,
                digest=row.digest,
                lifecycle_stage=row.lifecycle_stage,
            )
    return [found[one] for one in ids if one in found]


def _texts(connection: Connection, table: Any, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for row in connection.execute(select(table).where(table.c.model_id.in_(ids))):
        found.setdefault(row.model_id, {})[row.key] = row.value
    return found


def _of_datasets(table: FromClause, datasets: Sequence[Mapping[str, Any]]) -> Boolean:
    wanted = []
    for dataset in datasets:
        name, digest = dataset.get("dataset_name"), dataset.get("dataset_digest")
        if not name:
            raise AutotrackException.invalid(f"{dataset!r} names no data set; give it a 'dataset_name'")
        same = [table.c.dataset_name == name] + ([table.c.dataset_digest == digest] if digest else [])
        wanted.append(and_(*same))
    return or_(*wanted)


def _last_of_each(order_by: Sequence[Mapping[str, Any]] | None) -> FromClause:
    """The last point of each metric of a model, on the data set that the order names or on any."""
    points = tables.model_metrics.c
    newest = (points.raw_step.desc(), points.timestamp.desc(), points.run.desc())
    number = func.row_number().over(partition_by=(points.model_id, points.key), order_by=newest)
    ranked = select(points.model_id, points.key, points.value, number.label("place"))
    datasets = [term for term in order_by or () if term.get("dataset_name")]
    if datasets:
        ranked = ranked.where(_of_datasets(tables.model_metrics, datasets))
    inner = ranked.subquery()
    return select(inner.c.model_id, inner.c.key, inner.c.value).where(inner.c.place == 1).subquery()


def _orders(order_by: Sequence[Mapping[str, Any]] | None) -> tuple[Order, ...]:
    terms: list[Order] = []
    for term in order_by or ():
        if "field_name" not in term:
            raise AutotrackException.invalid(f"{term!r} is no order; give {{'field_name': …, 'ascending': …}}")
        (found,) = parse_orders([str(term["field_name"])], MODELS)
        terms.append(Order(found.field, descending=not term.get("ascending", True)))
    return tuple(terms)
