"""The schema of a signature: the JSON that MLflow writes, which answers as MLflow's own classes do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from autotrack.models.kinds import Kind

_PANDAS: Mapping[str, str] = {
    "boolean": "bool", "integer": "int32", "long": "int64", "float": "float32", "double": "float64",
    "string": "object", "binary": "object", "datetime": "datetime64[ns]",
}  # fmt: skip
_NUMPY: Mapping[str, str] = {"string": "str", "binary": "bytes"}


class Spec(dict[str, Any]):
    """One column, tensor or parameter: a dict of its JSON with MLflow's attributes."""

    @property
    def name(self) -> Any:
        """What it is called; ``None`` if it goes by its place."""
        return self.get("name")

    @property
    def type(self) -> Any:
        """The type's name; of a tensor its numpy dtype."""
        tensor = self.get("tensor-spec")
        if tensor is None:
            return self["type"]
        import numpy as np  # heavy, loaded with nearly any framework

        return np.dtype(tensor["dtype"])

    @property
    def dtype(self) -> Any:
        """What MLflow calls a parameter's type."""
        return self.type

    @property
    def shape(self) -> Any:
        """A tensor's sizes, -1 for any; of a parameter ``(-1,)`` if it is a list."""
        shape = self.get("tensor-spec", self).get("shape")
        return None if shape is None else tuple(shape)

    @property
    def required(self) -> bool:
        """Whether it may not be left out."""
        return bool(self.get("required", True))

    @property
    def default(self) -> Any:
        """A parameter's value where none is given."""
        return self.get("default")

    def to_dict(self) -> Kind:
        """The plain JSON."""
        return dict(self)


class Columns(list[Any]):
    """The inputs, outputs or parameters of a model: a list of `Spec` with the methods of MLflow's ``Schema``."""

    def __init__(self, specs: Iterable[Mapping[str, Any]] = ()) -> None:
        super().__init__(spec if isinstance(spec, Spec) else Spec(spec) for spec in specs)

    @classmethod
    def given(cls, schema: Any) -> Columns | None:
        """One of ours, a list of JSON, MLflow's ``Schema`` or ``ParamSchema``, or ``None``."""
        if schema is None or isinstance(schema, cls):
            return schema
        return cls.from_json(schema.to_json()) if hasattr(schema, "to_json") else cls(schema)

    @classmethod
    def from_json(cls, text: str) -> Columns:
        """What `to_json` wrote."""
        return cls(json.loads(text))

    @property
    def inputs(self) -> list[Any]:
        """The columns or tensors."""
        return list(self)

    @property
    def params(self) -> list[Any]:
        """The parameters."""
        return list(self)

    def to_dict(self) -> list[Kind]:
        """The plain JSON."""
        return [dict(spec) for spec in self]

    def to_json(self) -> str:
        """As it stands in an MLmodel file."""
        return json.dumps(self.to_dict(), default=str)

    def is_tensor_spec(self) -> bool:
        """Whether it is made of tensors rather than columns."""
        return bool(self) and "tensor-spec" in self[0]

    def has_input_names(self) -> bool:
        """Whether columns go by name rather than by place."""
        return bool(self) and self[0].name is not None

    def input_names(self) -> list[Any]:
        """Names, or places where there are none."""
        return [spec.name if spec.name is not None else place for place, spec in enumerate(self)]

    def required_input_names(self) -> list[Any]:
        """Of those that may not be left out."""
        return [name for name, spec in zip(self.input_names(), self, strict=True) if spec.required]

    def optional_input_names(self) -> list[Any]:
        """Of those that may be left out."""
        return [name for name, spec in zip(self.input_names(), self, strict=True) if not spec.required]

    def input_types(self) -> list[Any]:
        """Their types, in order."""
        return [spec.type for spec in self]

    def input_dict(self) -> dict[str, Any]:
        """Them by name."""
        return {spec.name: spec for spec in self}

    def input_types_dict(self) -> dict[str, Any]:
        """Their types by name."""
        return {spec.name: spec.type for spec in self}

    def pandas_types(self) -> list[Any]:
        """The dtypes of a data frame that holds the columns."""
        import numpy as np  # heavy, and for those who ask

        return [np.dtype(_PANDAS.get(spec["type"], "object")) for spec in self]

    def numpy_types(self) -> list[Any]:
        """The dtypes of arrays that hold them."""
        if self.is_tensor_spec():
            return self.input_types()
        import numpy as np  # as above

        return [np.dtype(_NUMPY.get(spec["type"], _PANDAS.get(spec["type"], "object"))) for spec in self]
