"""Which runs a search finds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, select

from autotrack.entities import ViewType
from autotrack.store import tables
from autotrack.store.context import Context
from autotrack.store.search.page import Page, page
from autotrack.store.search.parse import parse_filter, parse_orders
from autotrack.store.search.shape import shape as shape_of
from autotrack.store.search.vocabulary import RUNS
from autotrack.store.searches import Found, Shape, searches


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
    shape, values = _shape(connection, search, marked=marked)
    found = searches(connection, context, shape).found(connection, context, values)
    if found.plain and shape.lasting:
        _plain(context)[shape, *values.values()] = _Plain(time.monotonic() + _LASTING_SECONDS)
    return _page(connection, search, found)


def find_at_once(connection: Connection, context: Context, search: Search) -> Page | None:
    """The same with the marks, if it is known that one statement is enough; ``None`` if not."""
    if search.token:
        return None
    shape, values = _shape(connection, search, marked=True)
    known = _plain(context).get((shape, *values.values()))
    if known is None or not known.enough or known.until < time.monotonic():
        return None
    statements = searches(connection, context, shape).statements(connection, context)
    found = _page(connection, search, Found(statements[:1], values, True))
    known.enough = found.token is not None or len(statements) == 1
    return found if known.enough else None


@dataclass(slots=True)
class _Plain:
    """What is known of a search no condition of which was met by few runs only."""

    until: float
    enough: bool = True
    """Whether its first statement has given a whole page so far."""


_LASTING_SECONDS = 60
"""After this a condition that many runs met may be met by few."""
_MOST_PLAIN = 1024
_plain_of: WeakKeyDictionary[Context, dict[tuple[Any, ...], _Plain]] = WeakKeyDictionary()


def _plain(context: Context) -> dict[tuple[Any, ...], _Plain]:
    found = _plain_of.setdefault(context, {})
    if len(found) > _MOST_PLAIN:
        found.clear()
    return found


def _shape(connection: Connection, search: Search, *, marked: bool = False) -> tuple[Shape, dict[str, Any]]:
    tree = parse_filter(search.filter, RUNS)
    tree, values = (None, {}) if tree is None else shape_of(tree)
    ids = None if search.experiment_ids is None else tuple(map(str, search.experiment_ids))
    orders = parse_orders(search.order_by, RUNS)
    return Shape(connection.dialect.name == "sqlite", ids, int(search.view), tree, orders, marked), values


def _page(connection: Connection, search: Search, found: Found) -> Page:
    asked = [search.experiment_ids, search.filter, int(search.view), search.order_by]
    return page(
        connection, found.statements, values=found.values, limit=search.limit, token=search.token, asked=asked
    )  # fmt: skip


def count_runs(connection: Connection, context: Context, search: Search) -> int:
    """How many runs a search finds on all of its pages."""
    shape, values = _shape(connection, search)
    return searches(connection, context, shape).count(connection, context, values)


def datasets(connection: Connection, experiment_ids: Sequence[str], limit: int) -> list[tuple[str, str, str, str]]:
    """Experiment id, name, digest and context of each data set that active runs have read."""
    run, own = tables.runs.c, tables.inputs.c
    query = select(run.experiment_id, own.name, own.digest, own.context).distinct()
    query = query.join_from(tables.inputs, tables.runs).where(
        run.experiment_id.in_([str(one) for one in experiment_ids]), run.lifecycle_stage == "active"
    )
    ordered = query.order_by(run.experiment_id, own.name, own.digest, own.context).limit(limit)
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(ordered)]
