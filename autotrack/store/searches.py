"""What finds the runs of a search, put together once for all searches that differ in nothing but values.

To put statements together takes longer than to carry them out.
"""

from __future__ import annotations

import time
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
    """Whether no condition is met by so few runs that they are named one by one."""


class Searches:
    """What finds the runs of all searches of a shape. Where they are ``kept``, it serves many of them."""

    def __init__(self, connection: Connection, context: Context, shape: Shape, *, kept: bool) -> None:
        self._shape, self._kept = shape, kept
        target = target_of(connection, context, shape.experiment_ids)
        self._rare = [] if shape.tree is None else rare(shape.tree, target)
        self._question = together(shape.sqlite, [query for _, query in self._rare]) if self._rare else None
        self._statements: dict[frozenset[int], Sequence[Statement]] = {}
        self._first: dict[tuple[Any, ...], float] = {}
        """Until when the first statement is enough, by the values."""

    def found(self, connection: Connection, context: Context, values: Mapping[str, Any]) -> Found:
        """What finds those of a search."""
        few = self._few(connection, values)
        made = self._made_once(connection, context, few) if self._kept else self._made(connection, context, few)
        return Found(made, {**values, **_named(connection, few)}, not few)

    def first(self, connection: Connection, context: Context, values: Mapping[str, Any]) -> Found | None:
        """The first of the statements, if it was enough for the same search before; nothing is asked."""
        if self._first.get((*values.values(),), 0) < time.monotonic():
            return None
        return Found(self._made_once(connection, context)[:1], values, True)

    def note(self, values: Mapping[str, Any], *, enough: bool) -> None:
        """What is known of a search from now on: whether its first statement is enough."""
        if self._kept:
            if len(self._first) >= _MOST_VALUES:
                self._first.clear()
            self._first[(*values.values(),)] = time.monotonic() + _LASTING_SECONDS if enough else 0

    def _made_once(
        self, connection: Connection, context: Context, few: Collection[int] = ()
    ) -> Sequence[Statement]:  # fmt: skip
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
        ask = ready.rows if self._kept else Connection.execute
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


_LASTING_SECONDS = 60
"""After this a condition that many runs met may be met by few."""
_MOST_SHAPES, _MOST_VARIANTS, _MOST_VALUES = 128, 16, 64
_MOST_CHARACTERS = 4000
"""Of what is asked, for a shape that is kept."""
_kept: WeakKeyDictionary[Context, dict[Shape, Searches]] = WeakKeyDictionary()


def searches(connection: Connection, context: Context, shape: Shape, characters: int) -> Searches:
    """What finds the runs of all searches of a shape, to which so many ``characters`` led."""
    kept = _kept.setdefault(context, {})
    found = kept.get(shape)
    if found is None:
        keep = characters <= _MOST_CHARACTERS and shape.lasting
        found = Searches(connection, context, shape, kept=keep)
        if keep:
            if len(kept) >= _MOST_SHAPES:
                kept.clear()
            kept[shape] = found
    return found


def _named(connection: Connection, few: Mapping[int, Sequence[int]]) -> dict[str, Any]:
    return {_name(number): numbers(connection, ids) for number, ids in few.items()}


def _name(number: int) -> str:
    return f"few{number}"
