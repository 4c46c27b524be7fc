"""Statements that are carried out again and again: to put one together takes longer than to carry it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row

from autotrack.store.dialect import sent_together

_KEPT = 256


def rows(connection: Connection, question: Any, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
    """The rows of a statement. Those of its values that it does not bring along are such as a driver takes them."""
    ready = _ready(question, connection.dialect)
    return connection.exec_driver_sql(ready.text, ready.values(values)).all()


def answers(connection: Connection, questions: Sequence[Any], values: Mapping[str, Any]) -> list[Sequence[Any]]:
    """The rows of several statements, none of one that gives none. PostgreSQL is sent them at once; each sees what was
    committed before it began."""
    if connection.dialect.name != "postgresql":
        return [connection.execute(question, values).all() for question in questions]
    from psycopg.rows import namedtuple_row  # only where there is a PostgreSQL

    driver: Any = connection.connection.driver_connection
    with sent_together(connection):
        cursors = [driver.cursor(row_factory=namedtuple_row) for _ in questions]
        for cursor, question in zip(cursors, questions, strict=True):
            ready = _ready(question, connection.dialect)
            cursor.execute(ready.text, ready.values(values))
    return [cursor.fetchall() if cursor.description else [] for cursor in cursors]


class _Ready:
    """The text of a statement as it is sent, and the values that it brings along."""

    def __init__(self, question: Any, dialect: Any) -> None:
        compiled = question.compile(dialect=dialect)
        asked = [name for bound, name in compiled.bind_names.items() if bound.required]
        state = compiled.construct_expanded_state(dict.fromkeys(asked))
        self._convert = dict(state.processors)
        for bound, name in compiled.bind_names.items():
            convert = bound.type.dialect_impl(dialect).bind_processor(dialect)
            if convert is not None:
                self._convert.setdefault(name, convert)
        self._made: dict[str, Callable[[], Any]] = {
            name: bound.callable for bound, name in compiled.bind_names.items() if bound.callable is not None
        }
        self._fixed = {
            name: self._converted(name, value)
            for name, value in state.parameters.items()
            if name not in asked and name not in self._made
        }
        self._places = state.positiontup
        self.text = state.statement

    def values(self, given: Mapping[str, Any]) -> Any:
        """All values, as the driver takes them."""
        made = {name: self._converted(name, make()) for name, make in self._made.items()}
        found = {**self._fixed, **made, **given}
        return found if self._places is None else tuple([found[name] for name in self._places])

    def _converted(self, name: str, value: Any) -> Any:
        return self._convert[name](value) if name in self._convert else value


@lru_cache(maxsize=_KEPT)
def _ready(question: Any, dialect: Any) -> _Ready:
    return _Ready(question, dialect)
