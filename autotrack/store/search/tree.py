"""A filter as a tree of typed conditions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a condition is about; the value is the name in a filter."""

    ATTRIBUTE = "attributes"
    METRIC = "metrics"
    PARAM = "params"
    TAG = "tags"
    DATASET = "dataset"


class Reading(Enum):
    """Which value of an entry is meant; the value is its name in a filter."""

    LAST = "last"
    BEST = "best"
    MINIMUM = "min"
    MAXIMUM = "max"
    FIRST = "first"
    MEAN = "mean"
    COUNT = "count"
    NUMBER = "number"
    """The number that a parameter's text spells."""


class Unit(Enum):
    """What a number of an attribute counts, so that it may be written as people do."""

    MOMENT = "milliseconds since 1970, or a time such as '2026-11-20' or 'last 7 days'"
    SECONDS = "seconds, or a length of time such as '5 min'"


@dataclass(frozen=True, slots=True)
class Field:
    """What is compared or sorted by: an attribute, or an entry of the metrics, parameters, tags or data sets."""

    kind: Kind
    key: str
    numeric: bool
    reading: Reading = Reading.LAST
    unit: Unit | None = None

    def __str__(self) -> str:
        name = self.key if self.kind is Kind.ATTRIBUTE else f"{self.kind.value}.`{self.key}`"
        return name if self.reading is Reading.LAST else f"{self.reading.value}({name})"


class Operator(Enum):
    """How a field is compared with a value."""

    EQUAL = "="
    NOT_EQUAL = "!="
    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="
    LIKE = "LIKE"
    ILIKE = "ILIKE"
    RLIKE = "RLIKE"
    NOT_LIKE = "NOT LIKE"
    NOT_ILIKE = "NOT ILIKE"
    NOT_RLIKE = "NOT RLIKE"


@dataclass(frozen=True, slots=True)
class Slot:
    """In place of a value that is given when the question is asked; its type is that of the value."""

    name: str
    type: type[str | int | float]


@dataclass(frozen=True, slots=True)
class Compare:
    """True for what has the field, with a value that compares so."""

    field: Field
    operator: Operator
    value: str | int | float | Slot


@dataclass(frozen=True, slots=True)
class Among:
    """True for what has the field, with one of the values, or when negated with none of them."""

    field: Field
    values: tuple[str | int | float, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Present:
    """True for what has the field, or when negated for what lacks it."""

    field: Field
    negated: bool = False


@dataclass(frozen=True, slots=True)
class AllOf:
    """True where each part is."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True where some part is."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True where its part is not. Every condition is true or false, never unknown, so this is exact."""

    part: Condition


Condition = Compare | Among | Present | AllOf | AnyOf | Not


@dataclass(frozen=True, slots=True)
class Order:
    """Sort by a field; what lacks it comes last either way, and NaN before that."""

    field: Field
    descending: bool = False
