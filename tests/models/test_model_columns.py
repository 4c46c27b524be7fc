"""A signature's parts answer as MLflow's classes do, and stay the plain JSON that they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from autotrack.exceptions import AutotrackException
from autotrack.models import ModelSignature, get_model_info, infer_signature, log, save, set_signature
from autotrack.models.columns import Columns
from autotrack.run import Run

pytestmark = pytest.mark.filterwarnings("ignore")  # the deprecations of MLflow

FRAME = pd.DataFrame({"a": [1, 2], "b": [1.0, None], "c": ["x", "y"], "d": [True, False]})
DATA: dict[str, Callable[[], Any]] = {
    "columns": lambda: FRAME,
    "array": lambda: np.zeros((2, 3), "float32"),
    "several arrays": lambda: {"x": np.zeros((2, 3)), "y": np.zeros(2, "int64")},
    "unnamed": lambda: pd.Series([1.0, 2.0]),
}
ASKED = ("input_names", "required_input_names", "optional_input_names", "has_input_names", "is_tensor_spec",
         "numpy_types")  # fmt: skip


@pytest.mark.parametrize("name", DATA)
def test_a_schema_answers_as_mlflows(name: str) -> None:
    """Names, types, shapes and what is required."""
    import mlflow.models

    ours, theirs = infer_signature(DATA[name]()).inputs, mlflow.models.infer_signature(DATA[name]()).inputs
    if not ours.is_tensor_spec():
        assert ours.pandas_types() == [np.dtype(kind) for kind in theirs.pandas_types()]
    assert {verb: getattr(ours, verb)() for verb in ASKED} == {verb: getattr(theirs, verb)() for verb in ASKED}
    assert json.loads(ours.to_json()) == json.loads(theirs.to_json())
    for own, other in zip(ours.inputs, theirs.inputs, strict=True):
        assert (own.name, own.required) == (other.name, other.required)
        assert str(own.type) == getattr(other.type, "name", str(other.type))
        if theirs.is_tensor_spec():
            assert own.shape == other.shape
    assert Columns.from_json(theirs.to_json()) == ours == list(ours)
    if theirs.has_input_names():
        assert list(ours.input_dict()) == list(ours.input_types_dict()) == list(theirs.input_dict())


def test_mlflows_own_schema_makes_a_signature() -> None:
    """As code written for MLflow does, with parameters."""
    from mlflow.types.schema import ColSpec, ParamSchema, ParamSpec, Schema

    signature = ModelSignature(
        inputs=Schema([ColSpec("double", "a")]),
        outputs=Schema([ColSpec("long")]),
        params=ParamSchema([ParamSpec("k", "long", 3)]),
    )
    assert signature.inputs == [{"type": "double", "name": "a", "required": True}]
    (parameter,) = signature.params.params
    assert (parameter.name, parameter.dtype, parameter.default, parameter.shape) == ("k", "long", 3, None)
    assert ModelSignature.from_dict(signature.to_dict()) == signature


def test_a_saved_model_may_get_another_signature(tmp_path: Path, stock: Callable[[Path], Any]) -> None:
    """MLflow sees it; the rest of what the directory says stays."""
    ridge = Ridge().fit([[0.0], [1.0]], [0, 1])
    info = save(ridge, tmp_path / "model", metadata={"k": "v"})
    assert get_model_info(info.directory).signature is None
    set_signature(info.directory, infer_signature(pd.DataFrame({"x": [1.0]})))
    found = get_model_info(info.directory)
    assert (found.signature.inputs.input_names(), found.metadata, found.model_id) == (["x"], {"k": "v"}, info.model_id)  # type: ignore[union-attr]  # it was set
    assert stock(info.directory).metadata.get_input_schema().input_names() == ["x"]
    with pytest.raises(AutotrackException, match="needs a signature"):
        set_signature(info.directory, None)


def test_a_logged_model_keeps_the_signature_that_it_was_logged_with(run: Run) -> None:
    """The error says what to do instead."""
    info = log(run, Ridge().fit([[0.0], [1.0]], [0, 1]))
    for uri in (info.model_uri, info.directory, f"models:/{info.model_id}"):
        with pytest.raises(AutotrackException, match="log the model again with signature="):
            set_signature(uri, infer_signature(np.eye(1)))
