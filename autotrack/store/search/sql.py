"""From the tree of a filter to SQL; every value is bound, none is ever part of the statement's text."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Double,
    FromClause,
    Select,
    and_,
    bindparam,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.types import TypeEngine

from autotrack.direction import BEST_TAG, direction
from autotrack.exceptions import AutotrackException
from autotrack.store import tables
from autotrack.store.dialect import Matches, MatchesExpression, MatchesFolded, among
from autotrack.store.search import regex
from autotrack.store.search.shape import real
from autotrack.store.search.tree import (
    AllOf,
    Among,
    AnyOf,
    Compare,
    Condition,
    Field,
    Kind,
    Not,
    Operator,
    Present,
    Reading,
    Slot,
)  # fmt: skip

Boolean = ColumnElement[bool]


class Stored(NamedTuple):
    """A column, and the values that are another's where something else is computed for a row."""

    column: ColumnElement[Any]
    computed: frozenset[str]


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
    better: Callable[[str], int] = direction
    """Of a metric: -1 if a lower value is better, 1 if a higher one is, 0 if nobody said."""
    stored: Mapping[str, Stored] = field(default_factory=dict)
    """Columns of attributes that are computed for some rows."""

    def attribute(self, tree: Compare | Among | Present) -> ColumnElement[Any]:
        """The attribute that a condition is about: its own column, which a database has statistics of, where that
        gives the same answer."""
        found = self.stored.get(tree.field.key)
        if found is not None and (texts := _equal_to(tree)) is not None and found.computed.isdisjoint(texts):
            return found.column
        return self.attributes[tree.field.key]

    def rows(self, field: Field, table: FromClause) -> Boolean:
        """Which rows of the field's table are the thing's."""
        found: list[Boolean] = [first_column(table) == self.owner]
        if field.kind is not Kind.DATASET:
            found.append(table.c.key == field.key)
        if field.kind is Kind.METRIC and self.only is not None:
            found.append(self.only(table))
        return and_(*found)

    def value(self, field: Field, table: FromClause) -> ColumnElement[Any]:
        """The column of the field's table that holds what the field reads."""
        reading = field.reading
        if reading is Reading.BEST:
            sign = self.better(field.key)
            if not sign:
                raise AutotrackException.invalid(
                    f"whether more or less of {field.key!r} is better is not known; ask for min(…) or max(…), or set "
                    f"the experiment's tag {BEST_TAG}{field.key} to min or max"
                )
            reading = Reading.MINIMUM if sign < 0 else Reading.MAXIMUM
        if reading is Reading.MEAN:
            return table.c.total / func.nullif(table.c.count, 0)
        return table.c[field.key if field.kind is Kind.DATASET else _COLUMNS[reading]]


_COLUMNS = {
    Reading.LAST: "value",
    Reading.FIRST: "first",
    Reading.MINIMUM: "minimum",
    Reading.MAXIMUM: "maximum",
    Reading.COUNT: "points",
    Reading.NUMBER: "number",
}


def first_column(table: FromClause) -> ColumnElement[Any]:
    """The column of a table of entries that names whose they are."""
    return next(iter(table.c))


def condition(
    tree: Condition | None, target: Target, connection: Connection | None = None, few: Few | None = None
) -> Boolean | None:  # fmt: skip
    """The SQL of a filter. Each part is true or false for every row, also where a value is missing.

    ``connection`` is asked for the texts that a regular expression is to be tried on where the database itself cannot
    try it; ``few`` replaces parts.
    """
    return None if tree is None else _sql(tree, target, connection, few or {})


Few = Mapping[int, Boolean]
"""What is the same as a part, by the number of its object."""


def lasting(tree: Condition, *, sqlite: bool) -> bool:
    """Whether the SQL of a filter holds for what is in the database later too: nothing in it is read from there."""
    return not any(
        one.field.reading is Reading.BEST
        or (not sqlite and isinstance(one, Compare) and _PATTERNS.get(one.operator) is MatchesExpression)
        for one in _leaves(tree)
    )


def rare(tree: Condition, target: Target) -> list[tuple[Condition, Select[Any]]]:
    """The parts of a filter for which an index finds what meets them, each with what does so if those are no more than
    :data:`FEW`: a database that is asked for the newest of few may go through all the others."""
    found = ((one, _found_by_index(one, target)) for one in _leaves(tree))
    return [(one, query.limit(FEW + 1)) for one, query in found if query is not None]


FEW = 500
"""So many things that meet a condition are rather named than searched for among all others."""


def _sql(tree: Condition, target: Target, connection: Connection | None, few: Few) -> Boolean:
    if isinstance(tree, AllOf):
        return and_(*(_sql(part, target, connection, few) for part in tree.parts))
    if isinstance(tree, AnyOf):
        return or_(*(_sql(part, target, connection, few) for part in tree.parts))
    if isinstance(tree, Not):
        return not_(_sql(tree.part, target, connection, few))
    field = tree.field
    if field.kind is Kind.ATTRIBUTE:
        column = target.attribute(tree)
        present = column.is_not(None)
        if isinstance(tree, Present) and tree.negated:
            return not_(present)
        return and_(present, _test(tree, column, _texts(connection, column)))
    table = target.entries[field.kind]
    column = target.value(field, table)
    own = field.kind is Kind.DATASET or table.c.key == field.key
    if id(tree) in few:
        return few[id(tree)]
    if connection is not None and connection.dialect.name == "postgresql" and _within_index(tree, table):
        column = table.c.beginning  # SQLite goes by whose entry it is
    found = exists().where(target.rows(field, table), _test(tree, column, _texts(connection, column, own)))
    return not_(found) if isinstance(tree, Present) and tree.negated else found


def _equal_to(tree: Compare | Among | Present) -> Sequence[str] | None:
    """The texts that a condition wants, or does not want, a text to be equal to; ``None`` if it is another one."""
    if tree.field.numeric or isinstance(tree, Present):
        return None
    if isinstance(tree, Among):
        return [str(value) for value in tree.values]
    return [str(tree.value)] if tree.operator in (Operator.EQUAL, Operator.NOT_EQUAL) else None


def _within_index(tree: Compare | Among | Present, table: FromClause) -> bool:
    """Whether an index holds enough of the texts to say which of them are equal to those that are asked for."""
    if isinstance(tree, Compare) and isinstance(tree.value, Slot):
        return tree.value.type is str
    texts = _equal_to(tree) if "beginning" in table.c else None
    # What is shorter than what the index holds has nothing after it.
    return texts is not None and all(len(tables.storable(one)) < tables.INDEXED for one in texts)


def _leaves(tree: Condition) -> Iterator[Compare | Among | Present]:
    if isinstance(tree, (AllOf, AnyOf)):
        for part in tree.parts:
            yield from _leaves(part)
    elif isinstance(tree, Not):
        yield from _leaves(tree.part)
    else:
        yield tree


def _found_by_index(tree: Compare | Among | Present, target: Target) -> Select[Any] | None:
    """Whose entries meet a condition, if an index tells."""
    field = tree.field
    if not isinstance(tree, Compare) or tree.operator is Operator.NOT_EQUAL:
        return None
    if field.kind in (Kind.ATTRIBUTE, Kind.DATASET) or target.only is not None:
        return None
    table = target.entries[field.kind]
    if _within_index(tree, table):
        test: Boolean = table.c.beginning == _bound(field, tree.value)
    elif field.numeric and field.reading in _INDEXED:
        test = _test(tree, target.value(field, table), None)
    else:
        return None
    return select(first_column(table)).where(table.c.key == field.key, test)


_INDEXED = (Reading.LAST, Reading.BEST, Reading.MINIMUM, Reading.MAXIMUM, Reading.NUMBER)

Texts = Callable[[], Sequence[str]] | None
"""The texts that a column holds, asked for where the database knows no regular expressions of RE2."""


def _texts(connection: Connection | None, column: ColumnElement[Any], own: Any = True) -> Texts:
    if connection is None or connection.dialect.name == "sqlite":
        return None
    query = select(column).where(own if own is not True else true()).distinct()
    return lambda: [text for text in connection.scalars(query) if text is not None]


def _test(tree: Compare | Among | Present, column: ColumnElement[Any], texts: Texts) -> Boolean:
    """What the value of a row that exists must satisfy; a metric's NULL is a NaN, and a parameter's no number."""
    if isinstance(tree, Present):
        return true()
    nan = real(tree.field)
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
    if tree.operator in _PATTERNS:
        found = _matches(_PATTERNS[tree.operator], column, str(tree.value), texts)
        return not_(found) if tree.operator.value.startswith("NOT") else found
    if tree.value != tree.value:
        return false()
    found = _COMPARE[tree.operator](column, _bound(tree.field, tree.value))
    return and_(column.is_not(None), found) if nan else found


def _matches(how: type[Any], column: ColumnElement[Any], pattern: str, texts: Texts) -> Boolean:
    if how is MatchesExpression and texts is not None:
        return among(column, [text for text in texts() if regex.matches(pattern, text)])
    found: Boolean = how(column, literal(pattern, tables.Text()))
    return found


_PATTERNS: dict[Operator, type[Any]] = {
    Operator.LIKE: Matches,
    Operator.NOT_LIKE: Matches,
    Operator.ILIKE: MatchesFolded,
    Operator.NOT_ILIKE: MatchesFolded,
    Operator.RLIKE: MatchesExpression,
    Operator.NOT_RLIKE: MatchesExpression,
}


def _equal(column: ColumnElement[Any], field: Field, value: str | int | float | Slot) -> Boolean:
    return column.is_(None) if value != value else column == _bound(field, value)


def _bound(field: Field, value: str | int | float | Slot) -> Any:
    if isinstance(value, Slot):
        return bindparam(value.name, type_=_TYPES[value.type]())
    if real(field):
        return literal(float(value), Double())
    if field.numeric and isinstance(value, float):
        return literal(value, Double())
    return value


_TYPES: Mapping[type, type[TypeEngine[Any]]] = {str: tables.Text, int: BigInteger, float: Double}

_COMPARE: dict[Operator, Callable[[Any, Any], Any]] = {
    Operator.LESS: operator.lt,
    Operator.LESS_OR_EQUAL: operator.le,
    Operator.GREATER: operator.gt,
    Operator.GREATER_OR_EQUAL: operator.ge,
}
