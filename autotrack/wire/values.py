"""How single values stand in MLflow's JSON: how each is written, read, and described."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]
"""A JSON schema."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value. ``write`` and ``read`` of ``None`` leave a value as it is."""

    schema: Schema
    write: Callable[[Any], Any] | None = None
    read: Callable[[Any], Any] | None = None


def spelled(value: float) -> float | str:
    """A double as JSON can hold it: NaN and the infinities are texts."""
    if value - value == 0:
        return value
    if value != value:
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    """A mapping as a list of keys and values."""
    return [{"key": key, "value": value} for key, value in values.items()]


def mapping(values: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The mapping of :func:`pairs`."""
    return {str(one["key"]): str(one.get("value", "")) for one in values}


def names(spellings: Mapping[Any, str]) -> Kind:
    """A kind of which there are a few values, each with its own spelling; an unknown spelling raises ``KeyError``."""
    values = {spelling: value for value, spelling in spellings.items()}
    return Kind({"type": "string", "enum": list(values)}, spellings.__getitem__, values.__getitem__)


def several(kind: Kind) -> Kind:
    """A list of a kind."""
    write, read = kind.write, kind.read
    return Kind(
        {"type": "array", "items": kind.schema},
        list if write is None else lambda values: [write(one) for one in values],
        list if read is None else lambda values: [read(one) for one in values],
    )


TEXT = Kind({"type": "string"}, read=str)
INTEGER = Kind({"type": "integer", "format": "int64"}, read=int)
BOOLEAN = Kind({"type": "boolean"}, read=bool)
DOUBLE = Kind({"oneOf": [{"type": "number"}, {"type": "string", "enum": ["NaN", "Infinity", "-Infinity"]}]},
              spelled, float)  # fmt: skip
PAIR: Schema = {"type": "object", "properties": {"key": TEXT.schema, "value": TEXT.schema}, "required": ["key"]}
PAIRS = Kind({"type": "array", "items": PAIR}, pairs, mapping)
