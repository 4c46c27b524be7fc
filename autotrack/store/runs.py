"""Which runs a search finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from autotrack.entities import ViewType
from autotrack.store import tables
from autotrack.store.context import Context
from autotrack.store.search.page import Page
from autotrack.store.search.page import page as page_of
from autotrack.store.search.parse import parse_filter, parse_orders
from autotrack.store.search.shape import shape as shape_of
from autotrack.store.search.vocabulary import RUNS
from autotrack.store.searches import Found, Searches, Shape, searches


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
    every, values = _searches(connection, context, search, marked=marked)
    found = every.found(connection, context, values)
    page = _page(connection, search, found)
    if found.plain:
        every.note(values, enough=page.took == 1)
    return page


def find_at_once(connection: Connection, context: Context, search: Search) -> Page | None:
    """The same with the marks, if it is known that one statement is enough; ``None`` if not."""
    every, values = _searches(connection, context, search, marked=True)
    found = None if search.token else every.first(connection, context, values)
    if found is None:
        return None
    page = _page(connection, search, found)
    if page.token is None and not all(one.whole for one in found.statements):
        every.note(values, enough=False)
        return None
    return page


def count_runs(connection: Connection, context: Context, search: Search) -> int:
    """How many runs a search finds on all of its pages."""
    every, values = _searches(connection, context, search)
    return every.count(connection, context, values)


def _searches(
    connection: Connection, context: Context, search: Search, *, marked: bool = False
) -> tuple[Searches, dict[str, Any]]:  # fmt: skip
    """What finds the runs of a search, and the values for its slots."""
    tree = parse_filter(search.filter, RUNS)
    tree, values = (None, {}) if tree is None else shape_of(tree)
    ids = None if search.experiment_ids is None else tuple(map(str, search.experiment_ids))
    orders = parse_orders(search.order_by, RUNS)
    shape = Shape(connection.dialect.name == "sqlite", ids, int(search.view), tree, orders, marked)
    characters = sum(map(len, (search.filter or "", *(search.order_by or ()), *(ids or ()))))
    return searches(connection, context, shape, characters), values


def _page(connection: Connection, search: Search, found: Found) -> Page:
    asked = [search.experiment_ids, search.filter, int(search.view), search.order_by]
    return page_of(
        connection, found.statements, values=found.values, limit=search.limit, token=search.token, asked=asked
    )  # fmt: skip


def datasets(connection: Connection, experiment_ids: Sequence[str], limit: int) -> list[tuple[str, str, str, str]]:
    """Experiment id, name, digest and context of each data set that active runs have read."""
    run, own = tables.runs.c, tables.inputs.c
    query = select(run.experiment_id, own.name, own.digest, own.context).distinct()
    query = query.join_from(tables.inputs, tables.runs).where(
        run.experiment_id.in_([str(one) for one in experiment_ids]), run.lifecycle_stage == "active"
    )
    ordered = query.order_by(run.experiment_id, own.name, own.digest, own.context).limit(limit)
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(ordered)]
