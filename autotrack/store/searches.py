"""What finds the runs of a search, put together once for all searches that differ in nothing but values.

To put statements together takes longer than to carry them out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, func, select

from autotrack.store import ready, tables
from autotrack.store.context import Context
from autotrack.store.dialect import apart, numbered, numbers, together
from autotrack.store.search.sql import FEW, Boolean, condition, lasting, rare
from autotrack.store.search.statements import SortKey, Statement, ordered
from autotrack.store.search.tree import Condition, Order, Reading
from autotrack.store.target import shown, target_of


class Shape(NamedTuple):
    """All that the statements of a search depend on. ``tree`` may have slots in the places of values, and ``marked`` is
    with the mark of each run."""

    sqlite: bool
    experiment_ids: tuple[str, ...] | None
    view: int
    tree: Condition | None
    orders: tuple[Order, ...]
    marked: bool

    @property
    def lasting(self) -> bool:
        """Whether the statements hold for what is in the database later too."""
        sorts = all(order.field.reading is not Reading.BEST for order in self.orders)
        return sorts and (self.tree is None or lasting(self.tree, sqlite=self.sqlite))


class Found(NamedTuple):
    """What finds the runs of a search, with the values for its slots."""

    statements: Iterable[Statement]
    values: Mapping[str, Any]
    plain: bool
    """Whether every condition is met by more runs than are named one by one."""


class Searches:
    """What finds the runs of all searches of a shape."""

    def __init__(self, connection: Connection, context: Context, shape: Shape) -> None:
        self._shape = shape
        target = target_of(connection, context, shape.experiment_ids)
        self._rare = [] if shape.tree is None else rare(shape.tree, target)
        self._question = together(shape.sqlite, [query for _, query in self._rare]) if self._rare else None
        self._statements: dict[frozenset[int], Sequence[Statement]] = {}

    def found(self, connection: Connection, context: Context, values: Mapping[str, Any]) -> Found:
        """What finds those of a search."""
        few = self._few(connection, values)
        if self._shape.lasting:
            made: Iterable[Statement] = self.statements(connection, context, few)
        else:
            made = self._made(connection, context, few)
        return Found(made, {**values, **_named(connection, few)}, not few)

    def statements(self, connection: Connection, context: Context, few: Collection[int] = ()) -> Sequence[Statement]:
        """The statements for a search some of whose rare conditions are met by ``few`` runs; of a lasting shape."""
        asked = frozenset(few)
        found = self._statements.get(asked)
        if found is None:
            found = tuple(replace(one, often=True) for one in self._made(connection, context, few))
            if len(self._statements) >= _MOST_VARIANTS:
                self._statements.clear()
            self._statements[asked] = found
        return found

    def count(self, connection: Connection, context: Context, values: Mapping[str, Any]) -> int:
        """How many runs a search finds."""
        few = self._few(connection, values)
        query = select(func.count()).select_from(tables.runs).where(*self._where(connection, context, few))
        return connection.scalar(query, {**values, **_named(connection, few)}) or 0

    def _few(self, connection: Connection, values: Mapping[str, Any]) -> dict[int, list[int]]:
        """Which runs meet a condition, of all conditions that few meet."""
        if self._question is None:
            return {}
        ask = ready.rows if self._shape.lasting else Connection.execute
        (row,) = ask(connection, self._question, values)
        found = enumerate(apart(self._shape.sqlite, row))
        return {number: ids for number, ids in found if len(ids) <= FEW}

    def _where(self, connection: Connection, context: Context, few: Collection[int]) -> list[Boolean]:
        shape = self._shape
        named = {
            id(self._rare[number][0]): numbered(shape.sqlite, tables.runs.c.id, _name(number)) for number in few
        }  # fmt: skip
        target = target_of(connection, context, shape.experiment_ids)
        met = condition(shape.tree, target, connection, named)
        return [*shown(shape.experiment_ids, shape.view), *(() if met is None else (met,))]

    def _made(self, connection: Connection, context: Context, few: Collection[int]) -> Iterable[Statement]:
        return ordered(
            key=tables.runs.c.id,
            source=tables.runs,
            where=self._where(connection, context, few),
            orders=self._shape.orders,
            ties=[SortKey(tables.runs.c.start_time, descending=True), SortKey(tables.runs.c.run_id)],
            target=target_of(connection, context, self._shape.experiment_ids),
            beside=context.mark_column() if self._shape.marked else None,
        )


_MOST_VARIANTS = 16
_MOST_KEPT = 128
"""Shapes of searches of a store."""
_kept: WeakKeyDictionary[Context, dict[Shape, Searches]] = WeakKeyDictionary()


def searches(connection: Connection, context: Context, shape: Shape) -> Searches:
    """What finds the runs of all searches of a shape."""
    kept = _kept.setdefault(context, {})
    found = kept.get(shape)
    if found is None:
        found = Searches(connection, context, shape)
        if shape.lasting:
            if len(kept) >= _MOST_KEPT:
                kept.clear()
            kept[shape] = found
    return found


def _named(connection: Connection, few: Mapping[int, Sequence[int]]) -> dict[str, Any]:
    return {_name(number): numbers(connection, ids) for number, ids in few.items()}


def _name(number: int) -> str:
    return f"few{number}"
