"""Signatures are those that MLflow infers from the same data."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import torch
import xgboost as xgb

from autotrack.exceptions import AutotrackException
from autotrack.models import ModelSignature, infer_signature
from autotrack.models.kinds import SAMPLE

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow warns about integer columns, and of its own deprecations

NUMBERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "float16", "float32", "float64", "bool"]

DATA: dict[str, Callable[[], Any]] = {
    "frame": lambda: pd.DataFrame({"a": [1.0, 2.0], "b": [1, 2], "c": ["x", "y"], "d": [True, False]}),
    "every number": lambda: pd.DataFrame({name: np.array([0, 1]).astype(name) for name in NUMBERS}),
    "missing values": lambda: pd.DataFrame(
        {
            "float": [1.0, None],
            "int": pd.array([1, None], dtype="Int64"),
            "text": ["x", None],
            "bool": [True, None],
            "time": [pd.NaT, pd.Timestamp("2020-01-01")],
            "first": [np.nan, "s"],
            "all": [None, None],
            "bytes": [b"x", None],
        }
    ),
    "no signed type holds it": lambda: pd.DataFrame({"a": np.array([1], dtype="uint64")}),
    "categories": lambda: pd.DataFrame({"a": pd.Categorical(["x", "y"]), "b": pd.Categorical([1, 2])}),
    "time zone": lambda: pd.DataFrame({"a": pd.to_datetime(["2020-01-01"]).tz_localize("UTC")}),
    "durations": lambda: pd.DataFrame({"a": pd.to_timedelta(["1d"])}),
    "periods": lambda: pd.DataFrame({"a": pd.period_range("2020", periods=2, freq="D")}),
    "decimals": lambda: pd.DataFrame({"a": [decimal.Decimal(1)]}),
    "dates": lambda: pd.DataFrame({"a": [dt.date(2020, 1, 1)], "b": [dt.datetime(2020, 1, 1)]}),  # noqa: DTZ001 - as most data have it
    "nested": lambda: pd.DataFrame(
        {"a": [{"x": 1, "y": [1, 2]}, {"x": 2}], "b": [[1, 2], [3]], "c": [[1.5, None], None]}
    ),
    "several types": lambda: pd.DataFrame({"a": [1, "x"]}),
    "numbered columns": lambda: pd.DataFrame(np.eye(2)),
    "one name twice": lambda: pd.DataFrame(np.eye(2), columns=["a", "a"]),
    "two levels": lambda: pd.DataFrame(np.eye(2), columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])),
    "no columns": pd.DataFrame,
    "no rows": lambda: pd.DataFrame({"a": [], "b": pd.Series([], dtype=str)}),
    "series": lambda: pd.Series([1.0, None], name="y"),
    "unnamed series": lambda: pd.Series([1.0, 2.0]),
    "unnamed series with a gap": lambda: pd.Series([1.0, None]),
    "matrix": lambda: np.zeros((3, 4)),
    "vector": lambda: np.zeros(3, "float32"),
    "images": lambda: np.zeros((2, 3, 4, 5), "uint8"),
    "texts": lambda: np.array(["a", "bb"]),
    "objects": lambda: np.array([{}, 1], dtype=object),
    "no rows of an array": lambda: np.zeros((0, 3)),
    "no dimension": lambda: np.array(1.0),
    "csr": lambda: sp.csr_matrix(np.eye(3)),
    "csc": lambda: sp.csc_matrix(np.eye(3, dtype="float32")),
    "dict of arrays": lambda: {"a": np.zeros((2, 3)), "b": np.zeros(2, "int64")},
    "dict of values": lambda: {"a": [1, 2], "b": "x", "c": None, "d": [1, None]},
    "array among values": lambda: {"a": np.zeros(2), "b": [1]},
    "no text for a name": lambda: {1: "a"},
    "empty array in a dict": lambda: {"a": np.array([]), "b": 1},
    "empty dict": dict,
    "list": lambda: [1, 2, 3],
    "list with a gap": lambda: [1.0, None],
    "list of nothing": lambda: [None],
    "empty list": list,
    "list of lists": lambda: [[1, 2], [3]],
    "list of several types": lambda: [1, "a"],
    "list of rows": lambda: [{"a": 1, "b": "x"}, {"a": 2}],
    "rows that differ inside": lambda: [{"a": [{"b": 1}, {"b": 2, "c": [1]}]}, {"a": []}],
    "rows with a gap first": lambda: [{"m": {"a": None}}, {"m": {"a": 1}}],
    "list of arrays": lambda: [np.array([1.0, 2.0]), np.array([3.0])],
    "list of tuples": lambda: [(1, 2)],
    "number": lambda: 1.5,
    "text": lambda: "some text",
    "numpy number": lambda: np.float32(1),
    "number without a type": lambda: np.int8(1),
    "date": lambda: dt.date(2020, 1, 1),
}


@pytest.mark.parametrize("data", DATA)
def test_inputs_and_outputs_are_what_mlflow_infers(data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same JSON text, for data that have a type and for data that have none."""
    import mlflow.models

    monkeypatch.setattr(logging.getLogger("mlflow"), "disabled", True)
    value = DATA[data]()
    assert infer_signature(value, value).to_dict() == mlflow.models.infer_signature(value, value).to_dict()


def test_params_are_what_mlflow_infers() -> None:
    """Defaults of every type, as Python's own values."""
    import mlflow.models

    params = {
        "a": 1, "b": 1.5, "c": "x", "d": True, "e": [1, 2], "f": [1.5], "g": ["a"],
        "h": dt.datetime(2020, 1, 1),  # noqa: DTZ001 - as most data have it
        "i": [dt.date(2020, 1, 1)], "j": {"x": 1, "y": ["a"]}, "k": np.float32(1.5), "l": np.int64(3),
        "m": np.array([1, 2]),
    }  # fmt: skip
    assert infer_signature(params=params).to_dict() == mlflow.models.infer_signature(params=params).to_dict()


@pytest.mark.parametrize("value", [b"x", None, (1,), [[1]], [b"x"], ["a", 1], [True, 1], object()])
def test_a_parameter_without_a_type_is_an_error_that_names_it(value: Any) -> None:
    """As in MLflow, but with the parameter's name in front."""
    with pytest.raises(AutotrackException, match="parameter 'odd'"):
        infer_signature(params={"odd": value})


def test_tensors_are_arrays() -> None:
    """A tensor has the signature of the array that a caller will pass; bfloat16 comes as float32."""
    batch = torch.zeros(2, 3, dtype=torch.float32)
    assert infer_signature(batch) == infer_signature(batch.numpy())
    assert infer_signature({"x": batch}) == infer_signature({"x": batch.numpy()})
    assert infer_signature(batch.to(torch.bfloat16)) == infer_signature(batch.numpy())


def test_polars_and_arrow_have_the_columns_of_pandas() -> None:
    """The same names, types and gaps, whichever library holds the table."""
    frame = pl.DataFrame({"i": [1, 2], "f": [1.0, None], "s": ["a", "b"], "b": [True, False], "l": [[1], [2]]})
    columns = infer_signature(frame).inputs
    assert columns == infer_signature(frame.to_arrow()).inputs
    assert [(column["name"], column["type"], column["required"]) for column in columns or []] == [
        ("i", "long", True), ("f", "double", False), ("s", "string", True), ("b", "boolean", True),
        ("l", "array", True),
    ]  # fmt: skip
    assert infer_signature(frame["f"]) == infer_signature(frame["f"].to_pandas())


def test_a_dmatrix_has_the_columns_it_was_made_from() -> None:
    """By name if it has names, else by position; whoever predicts may pass what the matrix was made from."""
    frame = pd.DataFrame({"x": [1.0, 2.0], "n": [1, 2], "t": [True, False]})
    assert infer_signature(xgb.DMatrix(frame)).inputs == [
        {"type": "double", "name": "x", "required": True},
        {"type": "long", "name": "n", "required": True},
        {"type": "boolean", "name": "t", "required": True},
    ]
    assert infer_signature(xgb.DMatrix(np.eye(2))).inputs == [{"type": "double", "required": True}] * 2


def test_only_a_sample_of_a_long_column_is_looked_at() -> None:
    """A column of Python objects costs no more for having a million rows."""
    looked = []

    class Text(str):
        __slots__ = ()

        @property
        def __class__(self) -> type:
            looked.append(1)
            return str

    infer_signature([Text("a")] * 100 * SAMPLE)
    assert len(looked) < 20 * SAMPLE


def test_a_signature_reads_its_own_and_mlflows_json() -> None:
    """From the texts of an MLmodel file, from MLflow's class, and from nothing that is neither."""
    import mlflow.models

    signature = infer_signature(np.zeros((2, 3)), np.zeros(2), {"k": 1})
    assert ModelSignature.from_dict(json.loads(signature.to_json())) == signature
    assert ModelSignature.given(mlflow.models.infer_signature(np.zeros((2, 3)), np.zeros(2), {"k": 1})) == signature
    with pytest.raises(AutotrackException, match="no model signature"):
        ModelSignature.given("double")
