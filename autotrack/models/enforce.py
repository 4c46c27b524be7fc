"""Whether data fit a model's signature, said before the framework fails on them in its own words."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from autotrack.exceptions import AutotrackException
from autotrack.models.kinds import Kind


def enforce(data: Any, schema: Sequence[Kind] | None) -> Any:
    """The data as the model wants them: columns in its order, extra ones dropped, numbers widened.

    Raises with every missing and wrong column named. A conversion that could change what a value means (a float to
    an integer, a text to a number) is not made.
    """
    if not schema or (schema[0]["type"] == "any" and len(schema) == 1):
        return data
    if schema[0]["type"] == "tensor":
        return _tensors(data, schema)
    if schema[0].get("name") is None:
        return _by_position(data, schema)
    return _by_name(data, schema)


def inference_params(given: Mapping[str, Any] | None, specs: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    """The parameters for a prediction: the signature's defaults and what was given."""
    if specs is None:
        return dict(given or {})
    known = {spec["name"]: spec.get("default") for spec in specs}
    unknown = [name for name in given or {} if name not in known]
    if unknown:
        raise AutotrackException.invalid(f"unknown parameters: {_list(unknown)}; the model takes {_list(known)}")
    return known | dict(given or {})


def _by_name(data: Any, schema: Sequence[Kind]) -> Any:
    if len(schema) == 1 and hasattr(data, "to_frame") and hasattr(data, "name"):
        if hasattr(data, "iloc"):
            _typed(data.to_frame(schema[0]["name"]), schema)
        return (
            data  # a series: whether the model saw it as one or as a table of one column, the signature does not tell
        )
    frame = _frame(data, [spec["name"] for spec in schema])
    columns = list(frame.columns)
    missing = [spec["name"] for spec in schema if spec.get("required", True) and spec["name"] not in columns]
    if missing:
        names = {spec["name"] for spec in schema}
        extra = [name for name in columns if name not in names]
        raise AutotrackException.invalid(
            f"the model's input lacks columns: {_list(missing)}"
            + (f"; not in its signature: {_list(extra)}" if extra else "")
        )
    present = [spec for spec in schema if spec["name"] in columns]
    ordered = [spec["name"] for spec in present]
    if ordered != columns:
        frame = frame[ordered]
    return _typed(frame, present) if hasattr(frame, "iloc") else frame


def _by_position(data: Any, schema: Sequence[Kind]) -> Any:
    if not hasattr(data, "shape"):
        return data
    width = data.shape[1] if len(data.shape) > 1 else 1
    if width != len(schema):
        raise AutotrackException.invalid(f"the model takes {len(schema)} columns, the input has {width}")
    if hasattr(data, "iloc") and len(data.shape) > 1:
        return _typed(data, [{**spec, "name": name} for spec, name in zip(schema, data.columns, strict=True)])
    wrong = next((spec for spec in schema if not _fits(data.dtype, spec["type"])), None)
    if wrong:
        raise AutotrackException.invalid(f"the input is {data.dtype}, the model takes {wrong['type']}")
    return data


def _typed(frame: Any, schema: Sequence[Kind]) -> Any:
    problems: list[str] = []
    wider: dict[Any, str] = {}
    for at, (dtype, spec) in enumerate(zip(frame.dtypes.tolist(), schema, strict=True)):
        kind, name = spec["type"], spec["name"]
        if dtype.kind == "O" and kind in _NUMPY:
            dtype = frame.iloc[:, at].infer_objects().dtype  # noqa: PLW2901 - the dtype that the values have
        if not _fits(dtype, kind):
            gaps = " (it has missing values, which integers cannot hold)" if _gaps(frame, at, kind) else ""
            problems.append(f"{name!r} is {dtype}{gaps}, not {kind}")
        elif kind in _NUMPY and dtype.kind in "iuf" and str(dtype) != _NUMPY[kind] and not _extension(dtype):
            wider[name] = _NUMPY[kind]
    if problems:
        raise AutotrackException.invalid(f"the model's input has columns of another type: {'; '.join(problems)}")
    return frame.astype(wider) if wider else frame


_NUMPY: Mapping[str, str] = {"integer": "int32", "long": "int64", "float": "float32", "double": "float64"}
_TAKES: Mapping[str, str] = {
    "boolean": "b", "float": "fiu", "double": "fiu", "string": "OUT", "binary": "OS", "datetime": "MO",
}  # fmt: skip


def _fits(dtype: Any, kind: str) -> bool:
    if kind in ("integer", "long"):
        needed = dtype.itemsize + (dtype.kind == "u") if dtype.kind in "iu" else 99
        return needed <= (4 if kind == "integer" else 8)
    return kind not in _TAKES or dtype.kind in _TAKES[kind]


def _extension(dtype: Any) -> bool:
    """Whether a dtype is one of pandas' own, which may hold missing values that numpy's cannot."""
    return not isinstance(dtype, sys.modules["numpy"].dtype)


def _gaps(frame: Any, at: int, kind: str) -> bool:
    return kind in ("integer", "long") and frame.iloc[:, at].dtype.kind == "f" and bool(frame.iloc[:, at].hasnans)


def _frame(data: Any, names: Sequence[str]) -> Any:
    if hasattr(data, "columns") and not callable(data.columns):
        return data
    if isinstance(data, (Mapping, list)):
        import pandas as pd  # heavy, and only to make a table of plain values

        if isinstance(data, Mapping):
            scalar = not any(hasattr(value, "__len__") and not isinstance(value, str) for value in data.values())
            return pd.DataFrame([data] if scalar else dict(data))
        if all(isinstance(row, Mapping) for row in data):
            return pd.DataFrame(data)
    raise AutotrackException.invalid(
        f"the model takes named columns ({_list(names)}); pass a data frame or a dict, not a {type(data).__name__}"
    )


def _tensors(data: Any, schema: Sequence[Kind]) -> Any:
    if len(schema) == 1 and schema[0].get("name") is None:
        return _tensor(data, schema[0]["tensor-spec"], "the input")
    if not isinstance(data, Mapping):
        names = [spec["name"] for spec in schema]
        raise AutotrackException.invalid(
            f"the model takes a dict of arrays ({_list(names)}), not a {type(data).__name__}"
        )
    missing = [spec["name"] for spec in schema if spec["name"] not in data]
    if missing:
        raise AutotrackException.invalid(f"the model's input lacks {_list(missing)}")
    return {spec["name"]: _tensor(data[spec["name"]], spec["tensor-spec"], f"{spec['name']!r}") for spec in schema}


def _tensor(data: Any, spec: Mapping[str, Any], what: str) -> Any:
    import numpy as np  # heavy, loaded with nearly any framework

    if isinstance(data, (list, tuple)):
        data = np.asarray(data)
    elif hasattr(data, "to_numpy") and hasattr(data, "columns"):  # a table of what the model takes as an array
        data = data.to_numpy()
    shape, expected = getattr(data, "shape", None), spec["shape"]
    if shape is None:
        raise AutotrackException.invalid(f"{what} must be an array of shape {expected}, not a {type(data).__name__}")
    fits = len(shape) == len(expected) and all(want in (-1, size) for size, want in zip(shape, expected, strict=True))
    if not fits and expected != [-1]:
        raise AutotrackException.invalid(f"{what} has the shape {list(shape)}, the model takes {expected}")
    if not isinstance(data, np.ndarray) or spec["dtype"] == "object":
        return data
    wanted = np.dtype(spec["dtype"])
    if wanted.kind not in "USO" and not np.can_cast(data.dtype, wanted, "same_kind"):
        raise AutotrackException.invalid(f"{what} is {data.dtype}, the model takes {wanted}")
    return data.astype(wanted, copy=False) if wanted.kind not in "USO" else data


def _list(names: Any) -> str:
    names = [str(name) for name in names]
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
