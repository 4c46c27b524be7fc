"""What filters have in common that differ in nothing but values: one statement finds what each of them asks for."""

from __future__ import annotations

from typing import Any

from autotrack.store.search.tree import AllOf, AnyOf, Compare, Condition, Field, Kind, Not, Operator, Reading, Slot
from autotrack.store.tables import INDEXED, storable

_WORD = 1 << 63


def shape(tree: Condition) -> tuple[Condition, dict[str, Any]]:
    """A filter with slots in the places of values, and the values by the names of their slots, as a database has them.

    What makes another statement stays as it is: NaN, texts that an index does not hold as a whole, patterns.
    """
    values: dict[str, Any] = {}
    return _shape(tree, values), values


def _shape(tree: Condition, values: dict[str, Any]) -> Condition:
    if isinstance(tree, AllOf | AnyOf):
        return type(tree)(tuple(_shape(part, values) for part in tree.parts))
    if isinstance(tree, Not):
        return Not(_shape(tree.part, values))
    value = _value(tree) if isinstance(tree, Compare) else None
    if not isinstance(tree, Compare) or value is None:
        return tree
    slot = Slot(f"value{len(values)}", type(value))
    values[slot.name] = value
    return Compare(tree.field, tree.operator, slot)


def _value(tree: Compare) -> str | int | float | None:
    """The value that a slot may stand for; ``None`` if none may."""
    value = tree.value
    if isinstance(value, str):
        exact = tree.operator in (Operator.EQUAL, Operator.NOT_EQUAL)
        text = storable(value) if exact and tree.field.kind in (Kind.PARAM, Kind.TAG) else None
        return text if text is not None and len(text) < INDEXED else None
    if isinstance(value, Slot) or value != value or not -_WORD <= value < _WORD:
        return None
    return float(value) if real(tree.field) else value


def real(field: Field) -> bool:
    """Whether the values of a field are float64, however a filter spells them."""
    return field.kind is Kind.METRIC or field.reading is Reading.NUMBER
