"""What finds the rows of an answer in their order, as statements that a database carries out one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Table,
    bindparam,
    case,
    exists,
    false,
    func,
    literal_column,
    not_,
    null,
    select,
)  # fmt: skip

from autotrack.store import tables
from autotrack.store.search.sql import Boolean, Target, first_column
from autotrack.store.search.tree import Kind, Order

MOST = "most"
"""The name of the value that says how many rows are wanted."""


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


@dataclass(frozen=True, slots=True)
class Statement:
    """What finds a part of the rows that comes as a whole before or after the others."""

    query: Select[Any]
    keys: Sequence[SortKey]
    tier: int | None
    often: bool = False
    """Whether it is carried out again and again."""

    @property
    def whole(self) -> bool:
        """Whether it finds all of the rows."""
        return self.tier is None


def ordered(
    *,
    key: ColumnElement[Any],
    source: FromClause,
    where: Sequence[Boolean],
    orders: Sequence[Order],
    ties: Sequence[SortKey],
    target: Target,
    beside: ColumnElement[Any] | None = None,
) -> Iterator[Statement]:
    """What finds the keys of the rows of ``source`` in an order that ``ties`` make total; each is made when it is
    needed."""
    for tier in _tiers(source, orders, target):
        keys = [*tier.keys]
        joined = tier.source
        for number, order in enumerate(orders[tier.ordered :], start=1):
            joined, found = _sorted_by(joined, order, target, number)
            keys += found
        keys += ties
        query: Select[Any] = select(key, *(one.expression.label(f"k{n}") for n, one in enumerate(keys)))
        if beside is not None:
            query = query.add_columns(beside)
        query = query.select_from(joined).where(*where, *tier.where).limit(bindparam(MOST, type_=Integer()))
        query = query.order_by(*(clause for one in keys for clause in one.clauses))
        yield Statement(query, keys, tier.number)


TIERS = (0, 1, 2)


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
    # The entries first, so that a database may go through them in their order.
    with_value = table.join(source, target.rows(field, table))
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
