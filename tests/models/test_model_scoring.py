"""A loaded model says in words what is wrong with its input, and widens what can be widened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from autotrack.exceptions import AutotrackException
from autotrack.models import infer_signature, save
from autotrack.models.enforce import enforce
from autotrack.models.pyfunc import PyFuncModel, load_model

FRAME = pd.DataFrame({"age": [1, 2, 3], "pay": [1.0, 2.0, 4.0]})


@pytest.fixture
def model(tmp_path: Path) -> PyFuncModel:
    """A model of two named columns, an integer and a float."""
    ridge = Ridge().fit(FRAME, [1, 2, 3])
    info = save(ridge, tmp_path / "model", signature=infer_signature(FRAME, ridge.predict(FRAME)))
    return load_model(info.directory, trust=True)


def test_columns_go_by_name(model: PyFuncModel) -> None:
    """Another order and further columns change nothing; rows of plain values do as well."""
    expected = model.predict(FRAME)
    shuffled = FRAME.assign(extra="x")[["extra", "pay", "age"]]
    np.testing.assert_array_equal(model.predict(shuffled), expected)
    np.testing.assert_array_equal(model.predict(FRAME.to_dict("records")), expected)
    np.testing.assert_array_equal(model.predict(FRAME.to_dict("list")), expected)
    np.testing.assert_array_equal(model.predict({"age": 1, "pay": 1.0}), expected[:1])
    np.testing.assert_array_equal(model.predict(FRAME.astype({"age": "int32", "pay": "float32"})), expected)


WRONG: dict[str, tuple[Any, str]] = {
    "missing": (FRAME.rename(columns={"pay": "wage"}), "lacks columns: pay; not in its signature: wage"),
    "text": (FRAME.assign(age=["a", "b", "c"]), "'age' is .*not long"),
    "fractions": (FRAME.assign(age=FRAME["pay"]), "'age' is float64, not long"),
    "gaps": (FRAME.assign(age=[1, None, 3]), "'age' is float64 .it has missing values, which integers cannot hold"),
    "array": (FRAME.to_numpy(), "takes named columns .age, pay."),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_column_is_named(name: str, model: PyFuncModel) -> None:
    """With what it is and what it should be."""
    data, says = WRONG[name]
    with pytest.raises(AutotrackException, match=says):
        model.predict(data)


def test_an_optional_column_may_be_absent() -> None:
    """A column with gaps in the training data is not required."""
    schema = infer_signature(pd.DataFrame({"a": [1.0, None], "b": [1.0, 2.0]})).inputs
    assert list(enforce(pd.DataFrame({"b": [1.0]}), schema).columns) == ["b"]


def test_tensors_are_checked_by_shape_and_type() -> None:
    """Any number of rows; a narrower type is widened, a text or a complex number is not made a float."""
    schema = infer_signature(np.zeros((5, 3), "float32")).inputs
    assert enforce(np.zeros((1, 3)), schema).dtype == "float32"
    assert enforce([[1, 2, 3]], infer_signature(np.zeros((5, 3))).inputs).dtype == "float64"
    for wrong in (np.zeros((1, 4)), np.zeros(3), np.zeros((1, 3), complex), np.array([["a", "b", "c"]]), None):
        with pytest.raises(AutotrackException):
            enforce(wrong, schema)
    named = infer_signature({"x": np.zeros((1, 2)), "y": np.zeros(1)}).inputs
    with pytest.raises(AutotrackException, match="lacks y"):
        enforce({"x": np.zeros((1, 2))}, named)


def test_unnamed_columns_go_by_position() -> None:
    """An array with another number of columns, or of texts, is refused."""
    schema = [{"type": "double", "required": True}] * 2
    assert enforce(np.eye(2), schema) is not None
    for wrong in (np.eye(3), np.array([["a", "b"]])):
        with pytest.raises(AutotrackException):
            enforce(wrong, schema)


def test_parameters_have_defaults_and_names(tmp_path: Path) -> None:
    """An unknown one is an error that lists the known ones."""
    info = save(Ridge().fit(FRAME, [1, 2, 3]), tmp_path / "model", signature=infer_signature(FRAME, params={"k": 1}))
    with pytest.raises(AutotrackException, match="unknown parameters: m; the model takes k"):
        load_model(info.directory, trust=True).predict(FRAME, {"m": 2})


def test_the_metadata_say_what_the_model_takes(model: PyFuncModel) -> None:
    """Under MLflow's names."""
    assert [column["name"] for column in model.metadata.get_input_schema()] == ["age", "pay"]
    assert isinstance(model.get_raw_model(), Ridge)
