"""What a model takes and gives, in MLflow's signature JSON, inferred from data that were there anyway.

Nothing is predicted and nothing is copied whole. The cost grows with the number of columns, not of rows: values
are looked at only where the rules need them (missing values, columns of Python objects), in a bounded sample.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autotrack.exceptions import AutotrackException
from autotrack.models import frames, kinds
from autotrack.models.columns import Columns
from autotrack.models.kinds import Kind, Unknown

_PARTS = ("inputs", "outputs", "params")

Schema = list[Kind]
"""One entry a column or tensor, as MLflow writes it."""


@dataclass(frozen=True, slots=True)
class ModelSignature:
    """Inputs, outputs and inference parameters of a model; ``None`` where nothing is known."""

    inputs: Any = None
    """`Columns`; a plain list and MLflow's ``Schema`` become them."""
    outputs: Any = None
    params: Any = None

    def __post_init__(self) -> None:
        for part in _PARTS:
            object.__setattr__(self, part, Columns.given(getattr(self, part)))

    def to_dict(self) -> dict[str, str | None]:
        """The three parts as JSON texts, as they stand in an MLmodel file."""
        return {
            "inputs": _json(self.inputs),
            "outputs": _json(self.outputs),
            "params": _json(self.params),
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict())

    @classmethod
    def from_dict(cls, parts: Mapping[str, str | None]) -> ModelSignature:
        """Read what `to_dict` wrote, or the ``signature`` of an MLmodel file of MLflow's."""
        return cls(*(json.loads(text) if (text := parts.get(part)) else None for part in _PARTS))

    @classmethod
    def given(cls, signature: Any) -> ModelSignature | None:
        """A signature as a caller may pass it: one of ours, one of MLflow's, a mapping, or ``None``."""
        if signature is None or isinstance(signature, cls):
            return signature
        parts = signature if isinstance(signature, Mapping) else getattr(signature, "to_dict", dict)()
        if not any(parts.get(part) for part in _PARTS):
            raise AutotrackException.invalid(
                f"{type(signature).__name__} is no model signature; infer_signature makes one"
            )
        return cls.from_dict(parts)


def infer_signature(model_input: Any = None, model_output: Any = None, params: Any = None) -> ModelSignature:
    """The signature of a model that was given ``model_input`` and answered ``model_output``.

    Data frames and series give columns; arrays, sparse matrices and tensors give tensors; lists and dicts of plain
    values give nested types. Data that have no type in a signature become one column of type "any". ``params``
    maps the names of inference parameters to their defaults; a default that has no type is an error.
    """
    if model_input is None and model_output is None and params is None:
        raise AutotrackException.invalid("a signature needs an input, an output or parameters to look at")
    return ModelSignature(
        None if model_input is None else schema(model_input),
        None if model_output is None else schema(model_output),
        _params(params) if params else None,
    )


def schema(data: Any) -> Schema:
    """The columns or tensors of some data; ``[any]`` where a signature has no word for them."""
    try:
        return _consistent(_schema(data))
    except Exception:  # noqa: BLE001 - a stranger's data type may fail in any way when asked
        return [{"type": "any", "required": True}]


def _schema(data: Any) -> Schema:
    if isinstance(data, list):
        return _of_list(data)
    if isinstance(data, Mapping):
        return _of_mapping(data)
    columns = frames.columns(data)
    if columns is not None:
        return columns
    if hasattr(data, "shape") and hasattr(data, "dtype") and not _is_numpy_scalar(data):
        return [_tensor(data)]
    kind = kinds.of_value(data)
    return [{**_known(kind), "required": True}]


def _of_list(data: list[Any]) -> Schema:
    if not data:
        return [{"type": "string", "required": True}]
    if all(isinstance(item, dict) for item in data):
        data = data[: kinds.SAMPLE]
        names = dict.fromkeys(name for item in data for name in item)
        return [
            {
                **_known(kinds.of_items([item[name] for item in data if name in item]))["items"],
                "name": name,
                "required": all(item.get(name) is not None for item in data),
            }
            for name in names
        ]
    return [{**_known(kinds.of_items(data))["items"], "required": True}]


def _of_mapping(data: Mapping[Any, Any]) -> Schema:
    if data and all(kinds.is_array(value) or _is_tensor(value) for value in data.values()):
        return [{"name": name, **_tensor(value)} for name, value in data.items()]
    if not all(isinstance(name, str) for name in data):
        raise Unknown("the names of a mapping must be strings")
    return [
        {
            **_known(kinds.of_value(value)),
            "name": name,
            "required": not (
                any(map(kinds.missing, value[: kinds.SAMPLE])) if isinstance(value, list) else kinds.missing(value)
            ),
        }
        for name, value in data.items()
    ]


def _tensor(data: Any) -> Kind:
    """One tensor whose first dimension, the batch, may have any length."""
    shape = [int(size) for size in data.shape]
    if not shape:
        raise Unknown("a tensor without dimensions has no batch")
    dtype = data.dtype
    # Names of text dtypes carry the longest item's length, which is no part of a signature.
    name = {"U": "str", "S": "bytes"}.get(getattr(dtype, "kind", "")) or getattr(dtype, "name", None)
    # torch prints "torch.float32"; what numpy has no name for reaches a model as float32.
    name = name or str(dtype).rpartition(".")[2]
    if name.startswith(("bfloat", "float8")):
        name = "float32"
    return {"type": "tensor", "tensor-spec": {"dtype": name, "shape": [-1, *shape[1:]]}}


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, getattr(torch, "Tensor", ()))


def _is_numpy_scalar(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, getattr(numpy, "generic", ()))


def _known(kind: Kind | None) -> Kind:
    if kind is None:
        raise Unknown("an empty array says nothing about its items")
    return kind


def _consistent(specs: Schema) -> Schema:
    named = [spec for spec in specs if spec.get("name") is not None]
    if not specs or (named and len(named) != len(specs)):
        raise Unknown("a schema has at least one column, and all of them have names or none has")
    if not named and not all(spec.get("required", True) for spec in specs):
        raise Unknown("a column that may be missing needs a name")
    return specs


def _params(params: Any) -> list[dict[str, Any]]:
    if not isinstance(params, Mapping):
        raise AutotrackException.invalid(f"params must map names to defaults, not be a {type(params).__name__}")
    return [_param(str(name), value) for name, value in params.items()]


def _param(name: str, value: Any) -> dict[str, Any]:
    import numpy as np  # heavy, and here only when a model takes parameters

    try:
        if isinstance(value, Mapping):
            return {"name": name, "default": dict(value), "shape": None, **_known(kinds.of_value(dict(value)))}
        many = isinstance(value, list) or kinds.is_array(value)
        values: list[Any] = list(value) if many else [value]
        found = [kinds.of_value(item) for item in values]
        if all(kind == {"type": "datetime"} for kind in found):
            kind: Kind = {"type": "datetime"}
            moments: list[Any] = [np.datetime64(item).item() for item in values]
            default: Any = [moment.isoformat() for moment in moments]
        else:
            names = {item["type"] for item in found if item}
            if len(names) > 1 and names & {"string", "boolean"}:
                raise Unknown("its items are of several types")
            array = np.asarray(values)
            if array.ndim != 1 or array.dtype.kind in "SO":
                raise Unknown("it is no scalar, no list of scalars and no mapping")
            kind = kinds.of_dtype(array.dtype.kind, array.dtype.itemsize)
            default = array.tolist()
        return {"name": name, "default": default if many else default[0], "shape": [-1] if many else None, **kind}
    except Exception as error:
        raise AutotrackException.invalid(f"parameter {name!r} of a signature, {value!r}: {error}") from error


def _json(part: Any) -> str | None:
    return None if part is None else json.dumps(part, default=str)
