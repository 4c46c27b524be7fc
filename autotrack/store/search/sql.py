"""From the tree of a filter to SQL; every value is bound, none is ever part of the statement's text."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Double, FromClause, and_, exists, false, literal, not_, or_, true

from autotrack.store import tables
from autotrack.store.dialect import Matches, MatchesFolded
from autotrack.store.search.tree import AllOf, Among, AnyOf, Compare, Condition, Field, Kind, Not, Operator, Present

Boolean = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Target:
    """Where the fields of a kind of thing lie: columns of its own row, and tables with a row for each entry.

    ``owner`` is the column of the thing that the tables' first key column refers to. ``only`` may narrow the rows of
    the metrics that count.
    """

    owner: ColumnElement[Any]
    attributes: Mapping[str, ColumnElement[Any]]
    entries: Mapping[Kind, FromClause]
    only: Callable[[FromClause], Boolean] | None = None

    def rows(self, field: Field, table: FromClause) -> Boolean:
        """Which rows of the field's table are the thing's."""
        found: list[Boolean] = [first_column(table) == self.owner]
        if field.kind is not Kind.DATASET:
            found.append(table.c.key == field.key)
        if field.kind is Kind.METRIC and self.only is not None:
            found.append(self.only(table))
        return and_(*found)


def first_column(table: FromClause) -> ColumnElement[Any]:
    """The column of a table of entries that names whose they are."""
    return next(iter(table.c))


def condition(tree: Condition | None, target: Target) -> Boolean | None:
    """The SQL of a filter. Each part is true or false for every row, also where a value is missing."""
    return None if tree is None else _sql(tree, target)


def _sql(tree: Condition, target: Target) -> Boolean:
    if isinstance(tree, AllOf):
        return and_(*(_sql(part, target) for part in tree.parts))
    if isinstance(tree, AnyOf):
        return or_(*(_sql(part, target) for part in tree.parts))
    if isinstance(tree, Not):
        return not_(_sql(tree.part, target))
    field = tree.field
    if field.kind is Kind.ATTRIBUTE:
        column = target.attributes[field.key]
        present = column.is_not(None)
        return not_(present) if isinstance(tree, Present) and tree.negated else and_(present, _test(tree, column))
    table = target.entries[field.kind]
    column = table.c[field.key] if field.kind is Kind.DATASET else table.c.value
    found = exists().where(target.rows(field, table), _test(tree, column))
    return not_(found) if isinstance(tree, Present) and tree.negated else found


def _test(tree: Compare | Among | Present, column: ColumnElement[Any]) -> Boolean:
    """What the value of a row that exists must satisfy; a metric's NULL is a NaN."""
    if isinstance(tree, Present):
        return true()
    nan = tree.field.kind is Kind.METRIC
    if isinstance(tree, Among):
        plain = [_bound(tree.field, value) for value in tree.values if value == value]
        found = and_(column.is_not(None), column.in_(plain))
        if len(plain) < len(tree.values):
            found = or_(column.is_(None), found)
        return not_(found) if tree.negated else found
    if tree.operator is Operator.EQUAL:
        return _equal(column, tree.field, tree.value)
    if tree.operator is Operator.NOT_EQUAL:
        equal = _equal(column, tree.field, tree.value)
        return or_(column.is_(None), not_(equal)) if nan and tree.value == tree.value else not_(equal)
    if tree.operator is Operator.LIKE:
        return Matches(column, literal(tree.value, tables.Text()))
    if tree.operator is Operator.ILIKE:
        return MatchesFolded(column, literal(tree.value, tables.Text()))
    if tree.value != tree.value:
        return false()
    found = _COMPARE[tree.operator](column, _bound(tree.field, tree.value))
    return and_(column.is_not(None), found) if nan else found


def _equal(column: ColumnElement[Any], field: Field, value: str | int | float) -> Boolean:
    return column.is_(None) if value != value else column == _bound(field, value)


def _bound(field: Field, value: str | int | float) -> Any:
    if field.kind is Kind.METRIC:
        return literal(float(value), Double())
    if field.numeric and isinstance(value, float):
        return literal(value, Double())
    return value


_COMPARE: dict[Operator, Callable[[Any, Any], Any]] = {
    Operator.LESS: operator.lt,
    Operator.LESS_OR_EQUAL: operator.le,
    Operator.GREATER: operator.gt,
    Operator.GREATER_OR_EQUAL: operator.ge,
}
