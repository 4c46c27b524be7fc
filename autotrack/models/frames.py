"""The columns of a table in MLflow's words, read from its dtypes: pandas, polars, pyarrow, XGBoost's DMatrix.

No library is imported here: data of a library that is not loaded cannot be asked about.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from autotrack.models import kinds
from autotrack.models.kinds import ANY, SAMPLE, Kind, Unknown

CELLS = 200_000
"""How many cells of a table are looked at to find columns with missing values."""


def columns(data: Any) -> list[Kind] | None:
    """One entry a column, or ``None`` if ``data`` is no table."""
    for module, name, read in _READERS:
        cls = getattr(sys.modules.get(module), name, None)
        if isinstance(cls, type) and isinstance(data, cls):
            return read(data)
    return None


def _pandas_frame(frame: Any) -> list[Kind]:
    names = frame.columns.tolist()
    if len(set(names)) != len(names):
        raise Unknown("two columns have one name")
    sample = frame.iloc[: max(SAMPLE, CELLS // max(1, len(names)))]
    gaps = sample.isna().to_numpy().any(axis=0)
    types = frame.dtypes.tolist()
    # Once for each type: there may be a million columns.
    known = {dtype: _pandas_kind(dtype, sample, None) for dtype in set(types) if dtype.kind != "O"}
    return [
        {**(known.get(dtype) or _pandas_kind(dtype, sample, at)), "name": name, "required": not gap}
        for at, (name, dtype, gap) in enumerate(zip(names, types, gaps.tolist(), strict=True))
    ]


def _pandas_series(series: Any) -> list[Kind]:
    sample = series.iloc[:CELLS]
    spec = {**_pandas_kind(series.dtype, sample, None), "required": not sample.isna().any()}
    return [_named(spec, series.name)]


def _pandas_kind(dtype: Any, sample: Any, at: int | None) -> Kind:
    if dtype.kind != "O":
        return kinds.of_dtype(dtype.kind, getattr(dtype, "itemsize", 8))
    column = (sample if at is None else sample.iloc[:, at]).iloc[:SAMPLE].infer_objects()
    if column.dtype.kind != "O":
        return kinds.of_dtype(column.dtype.kind, column.dtype.itemsize)
    try:
        found = kinds.of_items(column.to_list())
        if found is not None:
            return found["items"]  # type: ignore[no-any-return]  # an array's items are a kind
    except Unknown:
        if not _all_text(column):
            raise
    if not _all_text(column):
        raise Unknown("an empty column of objects")
    return {"type": "string"}


def _all_text(column: Any) -> bool:
    return bool(sys.modules["pandas"].api.types.is_string_dtype(column))


_POLARS: Mapping[str, str] = {
    "Binary": "binary", "Boolean": "boolean", "Datetime": "datetime", "Date": "datetime", "Float32": "float",
    "Float64": "double", "Int8": "integer", "Int16": "integer", "Int32": "integer", "Int64": "long",
    "UInt8": "integer", "UInt16": "integer", "UInt32": "long", "String": "string", "Utf8": "string",
    "Categorical": "string", "Enum": "string",
}  # fmt: skip


def _polars_frame(frame: Any) -> list[Kind]:
    return [
        _named({**_polars_kind(column.dtype), "required": not column.null_count()}, column.name) for column in frame
    ]


def _polars_series(series: Any) -> list[Kind]:
    return [_named({**_polars_kind(series.dtype), "required": not series.null_count()}, series.name or None)]


def _polars_kind(dtype: Any) -> Kind:
    name = type(dtype).__name__ if not isinstance(dtype, type) else dtype.__name__
    if name in _POLARS:
        return {"type": _POLARS[name]}
    if name in ("List", "Array"):
        return {"type": "array", "items": _polars_kind(dtype.inner)}
    if name == "Struct":
        fields = sorted(dtype.fields, key=lambda field: str(field.name))
        return {
            "type": "object",
            "properties": {field.name: {**_polars_kind(field.dtype), "required": True} for field in fields},
        }
    return ANY


def _arrow_table(table: Any) -> list[Kind]:
    return [
        _named({**_arrow_kind(field.type), "required": not column.null_count}, field.name)
        for field, column in zip(table.schema, table.columns, strict=True)
    ]


_ARROW: Mapping[str, str] = {
    "bool": "boolean", "int8": "integer", "int16": "integer", "int32": "integer", "int64": "long",
    "uint8": "integer", "uint16": "integer", "uint32": "long", "halffloat": "float", "float": "float",
    "double": "double", "string": "string", "large_string": "string", "string_view": "string", "binary": "binary",
    "large_binary": "binary",
}  # fmt: skip


def _arrow_kind(dtype: Any) -> Kind:
    name = str(dtype)
    if name in _ARROW:
        return {"type": _ARROW[name]}
    if name.startswith(("date", "timestamp")):
        return {"type": "datetime"}
    if name.startswith("dictionary"):
        return _arrow_kind(dtype.value_type)
    if name.startswith(("list", "large_list", "fixed_size_list")):
        return {"type": "array", "items": _arrow_kind(dtype.value_type)}
    if name.startswith("struct"):
        fields = sorted((dtype.field(at) for at in range(dtype.num_fields)), key=lambda field: str(field.name))
        return {
            "type": "object",
            "properties": {field.name: {**_arrow_kind(field.type), "required": not field.nullable} for field in fields},
        }
    return ANY


_DMATRIX: Mapping[str, str] = {"float": "double", "q": "double", "int": "long", "i": "boolean"}


def _dmatrix(matrix: Any) -> list[Kind]:
    """A DMatrix keeps names and types of its columns, but no longer the dtype it was made from.

    So a column of numbers is "double", which takes any float; without names, columns go by position.
    """
    names, types = matrix.feature_names, matrix.feature_types
    count = int(matrix.num_col())
    gaps = matrix.num_nonmissing() < matrix.num_row() * count
    specs: list[Kind] = []
    for at in range(count):
        kind = _DMATRIX.get(types[at] if types else "float", "any")
        # A matrix knows only that some value is missing, not where: any integer column may have it.
        spec: Kind = {"type": "double" if gaps and kind == "long" else kind, "required": True}
        specs.append(_named(spec, names[at] if names else None))
    return specs


def _named(spec: Kind, name: Any) -> Kind:
    if name is None:
        return spec
    return {
        **{key: value for key, value in spec.items() if key != "required"},
        "name": name,
        "required": spec["required"],
    }


_READERS: tuple[tuple[str, str, Callable[[Any], list[Kind]]], ...] = (
    ("pandas", "DataFrame", _pandas_frame),
    ("pandas", "Series", _pandas_series),
    ("polars", "DataFrame", _polars_frame),
    ("polars", "Series", _polars_series),
    ("pyarrow", "Table", _arrow_table),
    ("pyarrow", "RecordBatch", _arrow_table),
    ("xgboost", "DMatrix", _dmatrix),
)
