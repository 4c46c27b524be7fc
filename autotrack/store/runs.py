"""Which runs a search finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    and_,
    func,
    literal,
    select,
)

from autotrack.direction import BEST_TAG, better
from autotrack.entities import (
    ViewType,
)
from autotrack.store import tables
from autotrack.store.context import Context
from autotrack.store.rows import WITH_EXPERIMENT
from autotrack.store.search.page import Page, SortKey, page
from autotrack.store.search.parse import parse_filter, parse_orders
from autotrack.store.search.sql import Boolean, Stored, Target, condition
from autotrack.store.search.tree import Kind
from autotrack.store.search.vocabulary import RUNS


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
    return page(
        connection,
        key=tables.runs.c.id,
        source=WITH_EXPERIMENT,
        where=_where(connection, target, search),
        orders=parse_orders(search.order_by, RUNS),
        ties=[SortKey(tables.runs.c.start_time, descending=True), SortKey(tables.runs.c.run_id)],
        target=target,
        limit=search.limit,
        token=search.token,
        asked=[search.experiment_ids, search.filter, int(search.view), search.order_by],
    )


def count_runs(connection: Connection, context: Context, search: Search) -> int:
    """How many runs a search finds on all of its pages."""
    target = target_of(connection, context, search.experiment_ids)
    query = select(func.count()).select_from(WITH_EXPERIMENT).where(*_where(connection, target, search))
    return connection.scalar(query) or 0


def _where(connection: Connection, target: Target, search: Search) -> list[Boolean]:
    where = [visible(search.view)]
    if search.experiment_ids is not None:
        where.append(tables.runs.c.experiment_id.in_([str(one) for one in search.experiment_ids]))
    tree = condition(parse_filter(search.filter, RUNS), target, connection)
    return where if tree is None else [*where, tree]


def datasets(connection: Connection, experiment_ids: Sequence[str], limit: int) -> list[tuple[str, str, str, str]]:
    """Experiment id, name, digest and context of each data set that active runs have read."""
    run, own = tables.runs.c, tables.inputs.c
    query = select(run.experiment_id, own.name, own.digest, own.context).distinct()
    query = query.join_from(tables.inputs, tables.runs).where(
        run.experiment_id.in_([str(one) for one in experiment_ids]), run.lifecycle_stage == "active"
    )
    ordered = query.order_by(run.experiment_id, own.name, own.digest, own.context).limit(limit)
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(ordered)]


def visible(view: int = ViewType.ACTIVE_ONLY) -> Boolean:
    """Whether a run is of a view."""
    # Deleting an experiment hides its runs and restoring it shows them again, whatever their own stage is.
    run, above = tables.runs.c, tables.experiments.c
    hidden = select(above.experiment_id).where(above.lifecycle_stage != "active")
    active = and_(run.lifecycle_stage == "active", run.experiment_id.not_in(hidden))
    return {int(ViewType.ACTIVE_ONLY): active, int(ViewType.DELETED_ONLY): ~active}.get(int(view), literal(True))


_targets: WeakKeyDictionary[Context, Target] = WeakKeyDictionary()
"""Made once for each store."""


def _target(context: Context) -> Target:
    found = _targets.get(context)
    if found is None:
        own = tables.runs.c
        computed: dict[str, ColumnElement[Any]] = {
            "artifact_uri": context.run_uri_column(),
            "status": context.status_column(),
            "duration": (own.end_time - own.start_time) / literal(1000.0, Double()),
        }
        entries = {
            Kind.METRIC: tables.metrics, Kind.PARAM: tables.params, Kind.TAG: tables.tags, Kind.DATASET: tables.inputs,
        }  # fmt: skip
        attributes = {name: computed[name] if name in computed else own[name] for name in RUNS.attributes}
        # A run that has ended is what its row says.
        stored = {"status": Stored(own.status, frozenset({"RUNNING", "LOST"}))}
        found = _targets[context] = Target(own.id, attributes, entries, stored=stored)
    return found


def target_of(connection: Connection, context: Context, experiment_ids: Sequence[str] | None) -> Target:
    """The fields of runs; which value of a metric is the best is as these experiments have it."""
    return replace(_target(context), source=WITH_EXPERIMENT, better=partial(_better, connection, experiment_ids))


def _better(connection: Connection, experiment_ids: Sequence[str] | None, key: str) -> int:
    """Which values of a metric are better to these experiments, or to all of them."""
    table = tables.experiment_tags.c
    query = select(table.value).where(table.key == f"{BEST_TAG}{key}").distinct()
    if experiment_ids is not None:
        query = query.where(table.experiment_id.in_([str(one) for one in experiment_ids]))
    return better(key, connection.scalars(query))
