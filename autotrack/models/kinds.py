"""The types of MLflow's signatures: what a single value, a list of values or a dtype is called there.

A kind is the JSON that stands for it in a signature: ``{"type": "long"}``, ``{"type": "array", "items": …}``,
``{"type": "object", "properties": …}`` or ``{"type": "any"}`` for what cannot be known.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

Kind = dict[str, Any]

SAMPLE = 1000
"""How many items of a list or of a column of Python objects are looked at."""

ANY: Kind = {"type": "any"}

_SCALARS: Mapping[type, str] = {
    bool: "boolean", int: "long", float: "double", str: "string", bytes: "binary", bytearray: "binary",
    dt.date: "datetime", dt.datetime: "datetime",
}  # fmt: skip
_NUMPY_SCALARS: Mapping[str, str] = {
    "bool": "boolean", "bool_": "boolean", "int32": "integer", "int64": "long", "float32": "float",
    "float64": "double", "str_": "string", "bytes_": "binary", "datetime64": "datetime",
}  # fmt: skip


class Unknown(Exception):
    """The data have no type that a signature can express."""


def missing(value: Any) -> bool:
    """Whether a value is None, NaN, or one of pandas' marks for "not there"."""
    if value is None or (isinstance(value, float) and value != value):
        return True
    pandas = sys.modules.get("pandas")
    return pandas is not None and (value is getattr(pandas, "NA", ...) or value is getattr(pandas, "NaT", ...))


def of_value(value: Any, sample: int = SAMPLE) -> Kind | None:
    """The kind of one value; ``None`` for an empty array, which says nothing."""
    if missing(value):
        return ANY
    if is_array(value):
        return of_items(value, sample) if value.dtype.kind == "O" else _of_array(value)
    if isinstance(value, dict):
        return {"type": "object", "properties": _properties(value)} if value else ANY
    if isinstance(value, list):
        return of_items(value, sample) if value else ANY
    name = _SCALARS.get(type(value))
    if name is None and type(value).__module__ == "numpy":
        name = _NUMPY_SCALARS.get(type(value).__name__)
    if name is None:
        raise Unknown(f"a {type(value).__name__} has no type in a signature")
    return {"type": name}


def of_items(values: Iterable[Any], sample: int = SAMPLE) -> Kind | None:
    """The array kind of a list's items, which must agree; missing ones agree with any."""
    items: Kind | None = None
    for value in islice(values, sample):
        kind = of_value(value, max(10, sample // 10))
        if kind is not None:
            items = kind if items is None else merge(items, kind)
    return None if items is None else {"type": "array", "items": items}


def of_dtype(kind: str, size: int) -> Kind:
    """The kind of a numpy dtype, given by its ``kind`` letter and item size in bytes."""
    name = {"b": "boolean", "U": "string", "S": "binary", "M": "datetime"}.get(kind)
    if kind in "iu":
        # An unsigned type needs the next larger signed one; there is none for 64 bits.
        needed = size if kind == "i" else size + 1
        name = "integer" if needed <= 4 else "long" if needed <= 8 else None
    elif kind == "f":
        name = "float" if size <= 4 else "double" if size <= 8 else None
    if name is None:
        raise Unknown(f"dtype of kind {kind!r} with {size} bytes has no type in a signature")
    return {"type": name}


def merge(one: Kind, other: Kind) -> Kind:
    """The kind that holds both; raises ``Unknown`` when nothing but "any" would."""
    if one == other:
        return one
    if one["type"] == "any":
        one, other = other, one
    if one["type"] == "object":
        return {"type": "object", "properties": _merged(one["properties"], other)}
    if other["type"] == "any":
        return one
    if one["type"] == other["type"] == "array":
        return {"type": "array", "items": merge(one["items"], other["items"])}
    raise Unknown(f"{one['type']} and {other['type']} in one list")


def is_array(value: Any) -> bool:
    """Whether a value is a numpy array, asked without importing numpy."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, getattr(numpy, "ndarray", ()))


def _of_array(array: Any) -> Kind | None:
    if array.size == 0:
        return None
    name = _NUMPY_SCALARS.get(array.dtype.type.__name__)
    if name is None:
        raise Unknown(f"items of dtype {array.dtype} have no type in a signature")
    kind: Kind = {"type": name}
    if array.dtype.kind == "f" and all(map(missing, islice(array.flat, SAMPLE))):
        kind = ANY
    for _ in range(array.ndim):
        kind = {"type": "array", "items": kind}
    return kind


def _properties(value: Mapping[Any, Any]) -> dict[str, Kind]:
    properties: dict[str, Kind] = {}
    for name, item in value.items():
        kind = of_value(item)
        if kind is None or not isinstance(name, str):
            raise Unknown(f"property {name!r} of an object is unnamed or an empty array")
        properties[name] = {**kind, "required": kind["type"] != "any"}
    return dict(sorted(properties.items()))


def _merged(own: Mapping[str, Kind], other: Kind) -> dict[str, Kind]:
    """The properties of two objects together; what one of them lacks is not required."""
    if other["type"] == "any":
        return {name: {**kind, "required": False} for name, kind in own.items()}
    if other["type"] != "object":
        raise Unknown(f"object and {other['type']} in one list")
    theirs: Mapping[str, Kind] = other["properties"]
    both: dict[str, Kind] = {}
    for name in sorted({*own, *theirs}):
        if name not in own or name not in theirs:
            both[name] = {**(own.get(name) or theirs[name]), "required": False}
            continue
        mine, its = dict(own[name]), dict(theirs[name])
        required = mine.pop("required") and its.pop("required", True)
        both[name] = {**merge(mine, its), "required": required}
    return both
