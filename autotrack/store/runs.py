"""Which runs a search finds."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple
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
from autotrack.store.search.page import Page, page
from autotrack.store.search.parse import parse_filter, parse_orders
from autotrack.store.search.sql import Boolean, Stored, Target, advised
from autotrack.store.search.statements import SortKey, Statement, ordered
from autotrack.store.search.tree import Condition, Kind, Order, Reading
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


def find_runs(connection: Connection, context: Context, search: Search, *, marked: bool = False) -> Page:
    """The row numbers of the runs that a search finds, one page of them; ``marked`` is with the mark of each."""
    asked = _asked(connection, search, marked=marked)
    kept = _kept(context).get(asked)
    if kept is not None and kept.until > time.monotonic():
        return _page(connection, search, kept.statements)
    return _page(connection, search, _statements(connection, context, search, asked))


def find_at_once(connection: Connection, context: Context, search: Search) -> Page | None:
    """The same with the marks, if it is known that one statement is enough; ``None`` if not."""
    kept = _kept(context).get(_asked(connection, search, marked=True))
    if kept is None or not kept.enough or kept.until < time.monotonic() or search.token:
        return None
    found = _page(connection, search, kept.statements[:1])
    kept.enough = found.token is not None or len(kept.statements) == 1
    return found if kept.enough else None


@dataclass(slots=True)
class _Kept:
    """What finds the runs of a search that was asked before."""

    statements: Sequence[Statement]
    until: float
    enough: bool = True
    """Whether its first statement has given a whole page so far."""


_MOST_KEPT = 128
"""Searches of a store whose statements are kept, as to put them together takes longer than to carry them out."""
_LASTING_SECONDS = 60
"""After this a condition that many runs met may have become a rare one."""
_kept_of: WeakKeyDictionary[Context, dict[Any, _Kept]] = WeakKeyDictionary()


def _kept(context: Context) -> dict[Any, _Kept]:
    return _kept_of.setdefault(context, {})


class _Asked(NamedTuple):
    """All that the statements of a search depend on."""

    dialect: str
    experiment_ids: tuple[str, ...] | None
    view: int
    tree: Condition | None
    orders: tuple[Order, ...]
    marked: bool


def _asked(connection: Connection, search: Search, *, marked: bool) -> _Asked:
    tree, orders = parse_filter(search.filter, RUNS), parse_orders(search.order_by, RUNS)
    ids = None if search.experiment_ids is None else tuple(map(str, search.experiment_ids))
    return _Asked(connection.dialect.name, ids, int(search.view), tree, orders, marked)


def _page(connection: Connection, search: Search, statements: Iterable[Statement]) -> Page:
    asked = [search.experiment_ids, search.filter, int(search.view), search.order_by]
    return page(connection, statements, limit=search.limit, token=search.token, asked=asked)


def _statements(connection: Connection, context: Context, search: Search, asked: _Asked) -> Iterable[Statement]:
    target = target_of(connection, context, search.experiment_ids)
    where, lasting = _where(connection, target, search, asked.tree)
    made = ordered(
        key=tables.runs.c.id,
        source=tables.runs,
        where=where,
        orders=asked.orders,
        ties=[SortKey(tables.runs.c.start_time, descending=True), SortKey(tables.runs.c.run_id)],
        target=target,
        beside=context.mark_column() if asked.marked else None,
    )
    if not lasting or any(order.field.reading is Reading.BEST for order in asked.orders):
        return made
    found, kept = tuple(made), _kept(context)
    if len(kept) >= _MOST_KEPT:
        kept.clear()
    often = tuple(replace(one, often=True) for one in found)
    kept[asked] = _Kept(often, time.monotonic() + _LASTING_SECONDS)
    return found


def count_runs(connection: Connection, context: Context, search: Search) -> int:
    """How many runs a search finds on all of its pages."""
    target = target_of(connection, context, search.experiment_ids)
    where, _ = _where(connection, target, search, parse_filter(search.filter, RUNS))
    return connection.scalar(select(func.count()).select_from(tables.runs).where(*where)) or 0


def _where(
    connection: Connection, target: Target, search: Search, tree: Condition | None
) -> tuple[list[Boolean], bool]:  # fmt: skip
    """What the runs have to meet, and whether that stays the same for a while."""
    where = shown(search.experiment_ids, search.view)
    if tree is None:
        return where, True
    found = advised(tree, target, connection)
    return [*where, found.condition], found.lasting


def datasets(connection: Connection, experiment_ids: Sequence[str], limit: int) -> list[tuple[str, str, str, str]]:
    """Experiment id, name, digest and context of each data set that active runs have read."""
    run, own = tables.runs.c, tables.inputs.c
    query = select(run.experiment_id, own.name, own.digest, own.context).distinct()
    query = query.join_from(tables.inputs, tables.runs).where(
        run.experiment_id.in_([str(one) for one in experiment_ids]), run.lifecycle_stage == "active"
    )
    ordered = query.order_by(run.experiment_id, own.name, own.digest, own.context).limit(limit)
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(ordered)]


def shown(experiment_ids: Sequence[str] | None, view: int = ViewType.ACTIVE_ONLY) -> list[Boolean]:
    """What the runs of some experiments, or of all, that are of a view have in common."""
    run, above = tables.runs.c, tables.experiments.c
    ids = None if experiment_ids is None else [str(one) for one in experiment_ids]
    where: list[Boolean] = [] if ids is None else [run.experiment_id.in_(ids)]
    # Deleting an experiment hides its runs and restoring it shows them again, whatever their own stage is.
    hidden = select(above.experiment_id).where(above.lifecycle_stage != "active")
    if ids is not None and len(ids) == 1:  # asked once, and not taken for a condition that some of the runs meet
        open_ = ~hidden.where(above.experiment_id == ids[0]).exists()
    else:
        open_ = run.experiment_id.not_in(hidden)
    active = and_(run.lifecycle_stage == "active", open_)
    of_view = {int(ViewType.ACTIVE_ONLY): active, int(ViewType.DELETED_ONLY): ~active}.get(int(view))
    return where if of_view is None else [*where, of_view]


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
    return replace(_target(context), better=partial(_better, connection, experiment_ids))


def _better(connection: Connection, experiment_ids: Sequence[str] | None, key: str) -> int:
    """Which values of a metric are better to these experiments, or to all of them."""
    table = tables.experiment_tags.c
    query = select(table.value).where(table.key == f"{BEST_TAG}{key}").distinct()
    if experiment_ids is not None:
        query = query.where(table.experiment_id.in_([str(one) for one in experiment_ids]))
    return better(key, connection.scalars(query))
