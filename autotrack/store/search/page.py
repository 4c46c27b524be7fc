"""Pages of an ordered answer.

A page goes on after the values of the last row of the page before, not after a number of rows: what is added in
between shifts nothing.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Join,
    Select,
    Table,
    and_,
    case,
    exists,
    false,
    func,
    literal_column,
    not_,
    null,
    or_,
    select,
)  # fmt: skip

from autotrack.exceptions import AutotrackException
from autotrack.store import tables
from autotrack.store.search.sql import Boolean, Target, first_column
from autotrack.store.search.tree import Kind, Order

LARGEST = 50_000
"""Rows of the largest page."""


@dataclass(frozen=True, slots=True)
class Page:
    """The keys of the rows of one page, in order, and the token of the next one if there is one."""

    keys: list[Any]
    token: str | None


@dataclass(frozen=True, slots=True)
class SortKey:
    """One thing that rows are sorted by. A key that may be missing follows one that says so, and is equal then."""

    expression: ColumnElement[Any]
    descending: bool = False
    constant: bool = False
    """Whether it is the same for all rows that are asked for at once."""
    before: ColumnElement[Any] | None = None
    """What an index holds of it: rows come in the same order when they are sorted by this first."""

    @property
    def present(self) -> Boolean:
        """True for rows that have a value at all."""
        return (self.expression if self.before is None else self.before).is_not(None)

    @property
    def clauses(self) -> list[ColumnElement[Any]]:
        """The terms of ORDER BY."""
        terms = [] if self.constant else [one for one in (self.before, self.expression) if one is not None]
        return [one.desc() if self.descending else one.asc() for one in terms]

    def after(self, value: Any) -> Boolean:
        """True for rows that come after a value."""
        if value is None:
            return false()
        found: Boolean = self.expression < value if self.descending else self.expression > value
        return found

    def equal(self, value: Any) -> Boolean:
        """True for rows that have a value."""
        return self.expression.is_(None) if value is None else self.expression == value


def page(
    connection: Connection,
    *,
    key: ColumnElement[Any],
    source: FromClause,
    where: Sequence[Boolean],
    orders: Sequence[Order],
    ties: Sequence[SortKey],
    target: Target,
    limit: int,
    token: str | None,
    asked: Sequence[Any],
) -> Page:
    """The keys of one page of the rows of ``source``. ``ties`` make the order total; ``asked`` is what the token is
    valid for."""
    if not 0 < limit <= LARGEST:
        raise AutotrackException.invalid(f"max_results is {limit!r}; it must be from 1 to {LARGEST}")
    mark = _fingerprint(asked)
    last = _read(token, mark, 2 * len(orders) + len(ties)) if token else None
    rows: list[Any] = []
    for tier in _tiers(source, orders, target):
        keys = [*tier.keys]
        joined = tier.source
        for number, order in enumerate(orders[tier.ordered :], start=1):
            joined, found = _sorted_by(joined, order, target, number)
            keys += found
        keys += ties
        query: Select[Any] = select(key, *(one.expression.label(f"k{n}") for n, one in enumerate(keys)))
        query = query.select_from(joined).where(*where, *tier.where).limit(limit + 1 - len(rows))
        query = query.order_by(*(clause for one in keys for clause in one.clauses))
        if last is not None and tier.number is not None and last[0] != tier.number:
            if last[0] in _TIERS[tier.number + 1 :]:
                continue
        elif last is not None:
            query = query.where(_after(keys, last))
        rows += connection.execute(query).all()
        if len(rows) > limit:
            break
    more = len(rows) > limit
    following = _write(mark, list(rows[limit - 1][1:])) if more else None
    return Page([row[0] for row in rows[:limit]], following)


_TIERS = (0, 1, 2)


@dataclass(frozen=True, slots=True)
class _Tier:
    """A part of the rows that comes as a whole before or after the others."""

    source: FromClause
    keys: tuple[SortKey, ...] = ()
    where: tuple[Boolean, ...] = ()
    ordered: int = 0
    """How many of the orders the keys carry out."""
    number: int | None = None


def _tiers(source: FromClause, orders: Sequence[Order], target: Target) -> Iterator[_Tier]:
    """Rows that are sorted by an entry first: those that have a value, those whose value is NaN, those without.

    Asked for one after the other, an index on the values gives the first page of many without sorting them all.
    """
    if not orders or orders[0].field.kind is Kind.ATTRIBUTE:
        yield _Tier(source)
        return
    field = orders[0].field
    table = _again(target.entries[field.kind], 0)
    key = SortKey(target.value(field, table), orders[0].descending)
    if not field.numeric and "beginning" in table.c:
        key = replace(key, expression=_whole(target.entries[field.kind], table), before=table.c.beginning)
    with_value = _joined(table, target.rows(field, table), source)
    yield _Tier(with_value, (_constant(0), key), (key.present,), 1, 0)
    nothing = SortKey(null(), constant=True)
    if field.numeric:
        yield _Tier(with_value, (_constant(1), nothing), (not_(key.present),), 1, 1)
    without = not_(exists().where(target.rows(field, table)))
    yield _Tier(source, (_constant(2), nothing), (without,), 1, 2)


def _whole(table: FromClause, one: FromClause) -> ColumnElement[str]:
    """The text of an entry; what an index holds of it is enough for most, whose rows are then not read."""
    again = _again(table, -1)
    rows = (mine == other for mine, other in zip(again.primary_key, one.primary_key, strict=True))
    text = select(again.c.value).where(*rows).scalar_subquery()
    return case((func.length(one.c.beginning) >= tables.INDEXED, text), else_=one.c.beginning)


def _again(table: FromClause, number: int) -> FromClause:
    """A table under a name of its own."""
    return _alias(table, number) if isinstance(table, Table) else table.alias()


@cache
def _alias(table: Table, number: int) -> FromClause:
    # Its columns are made once: to make them takes longer than all else that is done for a statement.
    return table.alias(f"{table.name}_{number + 2}")


def _constant(number: int) -> SortKey:
    return SortKey(literal_column(str(number)), constant=True)


def _joined(table: FromClause, rows: Boolean, source: FromClause) -> FromClause:
    """The rows of a table of entries first, so that a database may go through them in their order."""
    if isinstance(source, Join) and source.isouter:
        return table.join(source.left, rows).outerjoin(source.right, source.onclause)
    return table.join(source, rows)


def _sorted_by(
    source: FromClause, order: Order, target: Target, number: int
) -> tuple[FromClause, list[SortKey]]:  # fmt: skip
    field = order.field
    if field.kind is Kind.ATTRIBUTE:
        value = target.attributes[field.key]
        missing = case((value.is_(None), 1), else_=0)
    else:
        table = _again(target.entries[field.kind], number)
        source = source.outerjoin(table, target.rows(field, table))
        value = target.value(field, table)
        missing = case((first_column(table).is_(None), 2), (value.is_(None), 1), else_=0)
    return source, [SortKey(missing), SortKey(value, order.descending)]


def _after(keys: Sequence[SortKey], values: Sequence[Any]) -> Boolean:
    found: list[Boolean] = []
    equal: list[Boolean] = []
    for key, value in zip(keys, values, strict=True):
        found.append(and_(*equal, key.after(value)))
        equal.append(key.equal(value))
    return or_(*found)


def _fingerprint(asked: Sequence[Any]) -> str:
    return sha256(json.dumps(asked, default=str).encode()).hexdigest()[:12]


def _write(mark: str, values: list[Any]) -> str:
    return urlsafe_b64encode(json.dumps([mark, values]).encode()).decode("ascii")


def _read(token: str, mark: str, count: int) -> list[Any]:
    try:
        found, values = json.loads(urlsafe_b64decode(token.encode("ascii")))
        if not isinstance(values, list) or len(values) != count:
            raise ValueError(token)
    except ValueError:
        raise AutotrackException.invalid(f"{token[:40]!r} is no page token; pass the one of the page before") from None
    if found != mark:
        raise AutotrackException.invalid(
            "the page token belongs to another search; pass it with the filter, the order and the experiments "
            "of the page that gave it"
        )
    return values
