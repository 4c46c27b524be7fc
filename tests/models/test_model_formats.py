"""Forms of a model other than the usual one, for those who ask; and what MLflow itself has written."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import catboost
import lightgbm
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
import xgboost as xgb
from sklearn import datasets
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import autotrack
from autotrack import pyfunc
from autotrack.exceptions import AutotrackException
from autotrack.models import infer_signature, load
from autotrack.models.format import read
from autotrack.run import Run

pytestmark = pytest.mark.filterwarnings("ignore")  # the deprecations of MLflow and of the frameworks

X, Y = datasets.load_iris(return_X_y=True)
FRAME = datasets.load_iris(as_frame=True).data


class TwoInputs(torch.nn.Module):
    """A module of two arguments that answers by name."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = torch.nn.Linear(4, 2), torch.nn.Linear(3, 2)
        self.drop = torch.nn.Dropout(0.5)

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return self.drop(self.one(a)) + self.other(b)


@pytest.mark.parametrize("model", [RandomForestClassifier(5), make_pipeline(StandardScaler(), LogisticRegression())])
def test_skops_names_its_types(model: Any, run: Run, stock: Callable[[Path], Any]) -> None:
    """In the MLmodel file, so that stock MLflow loads it too."""
    model.fit(X, Y)
    info = autotrack.sklearn.log_model(model, "skops", serialization_format="skops")
    conf = read(info.directory).flavors["sklearn"]
    assert (conf["pickled_model"], conf["serialization_format"]) == ("model.skops", "skops")
    assert conf["skops_trusted_types"] in (None, ["sklearn.tree._tree.Tree"])
    assert not list(info.directory.glob("*.pkl"))
    for loaded in (load(info.model_uri), pyfunc.load_model(info.model_uri), stock(info.directory)):
        np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert "skops==" in (info.directory / "requirements.txt").read_text()


def test_skops_keeps_to_the_types_that_it_was_given(tmp_path: Path) -> None:
    """Another one is an error that names it; so is what skops cannot hold."""
    forest = RandomForestClassifier(2).fit(X, Y)
    save_model = autotrack.sklearn.save_model
    with pytest.raises(AutotrackException, match=r"does not name: sklearn.tree._tree.Tree"):
        save_model(forest, tmp_path / "a", serialization_format="skops", skops_trusted_types=[])
    trusted = ["sklearn.tree._tree.Tree"]
    assert save_model(forest, tmp_path / "a", serialization_format="skops", skops_trusted_types=trusted).size
    with pytest.raises(AutotrackException, match="pickle or cloudpickle, not as 'joblib'"):
        save_model(forest, tmp_path / "b", serialization_format="joblib")
    assert read(save_model(forest, tmp_path / "c", serialization_format="cloudpickle").directory).flavors


def test_an_estimator_answers_with_the_function_that_was_chosen(run: Run, stock: Callable[[Path], Any]) -> None:
    """Probabilities, here and in MLflow; another name is an error."""
    model = LogisticRegression(max_iter=300).fit(X, Y)
    info = autotrack.sklearn.log_model(model, "probabilities", pyfunc_predict_fn="predict_proba")
    for loaded in (pyfunc.load_model(info.model_uri), stock(info.directory)):
        np.testing.assert_allclose(loaded.predict(X), model.predict_proba(X))
    with pytest.raises(AutotrackException, match="pyfunc_predict_fn is one of predict, "):
        autotrack.sklearn.log_model(model, "other", pyfunc_predict_fn="transform")


def test_boosters_are_written_as_asked(run: Run, stock: Callable[[Path], Any]) -> None:
    """XGBoost's JSON, LightGBM's first rounds."""
    model = xgb.XGBClassifier(n_estimators=3).fit(X, Y)
    info = autotrack.xgboost.log_model(model, "json", model_format="json")
    assert (info.directory / "model.json").read_text().startswith("{")
    for loaded in (pyfunc.load_model(info.model_uri), stock(info.directory)):
        np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    with pytest.raises(AutotrackException, match="ubj or json, not 'xgb'"):
        autotrack.xgboost.log_model(model, "xgb", model_format="xgb")
    light = lightgbm.train({"verbose": -1}, lightgbm.Dataset(X, Y), 5)
    info = autotrack.lightgbm.log_model(light, "light", num_iteration=2)
    np.testing.assert_array_equal(load(info.model_uri).predict(X), light.predict(X, num_iteration=2))


def test_a_module_takes_several_inputs(run: Run) -> None:
    """A dict by argument, tensors or arrays; the signature says what is missing."""
    module = TwoInputs().eval()
    data = {"a": np.ones((3, 4), "float32"), "b": np.ones((3, 3), "float32")}
    with torch.no_grad():
        answer = module(torch.from_numpy(data["a"]), torch.from_numpy(data["b"])).numpy()
    info = autotrack.torch.log_model(module, "two", signature=infer_signature(data, answer))
    loaded = pyfunc.load_model(info.model_uri, model_config={"device": "cpu"})
    np.testing.assert_allclose(loaded.predict(data), answer, rtol=1e-6)
    np.testing.assert_allclose(loaded.predict({name: value.astype("float64") for name, value in data.items()}), answer)
    with pytest.raises(AutotrackException, match="lacks b"):
        loaded.predict({"a": data["a"]})


def test_a_sparse_matrix_and_a_table_are_asked_about_alike(run: Run, stock: Callable[[Path], Any]) -> None:
    """Whichever the model was fitted with."""
    matrix = sp.csr_matrix(np.where(X > 3, X, 0))
    model = LogisticRegression(max_iter=300).fit(matrix, Y)
    info = autotrack.sklearn.log_model(model, "sparse", signature=infer_signature(matrix, model.predict(matrix)))
    for loaded in (pyfunc.load_model(info.model_uri), stock(info.directory)):
        np.testing.assert_array_equal(loaded.predict(matrix), model.predict(matrix))
    ours = pyfunc.load_model(info.model_uri)
    np.testing.assert_array_equal(ours.predict(pd.DataFrame(matrix.toarray())), model.predict(matrix))


def test_an_example_tells_the_input_where_there_is_no_signature(run: Run) -> None:
    """Nothing is predicted for it; ``False`` leaves it out."""
    model = LogisticRegression(max_iter=300).fit(FRAME, Y)
    info = autotrack.sklearn.log_model(model, "shown", input_example=FRAME[:2])
    assert info.signature is not None
    assert info.signature.inputs.input_names() == list(FRAME.columns)
    assert info.signature.outputs is None
    assert autotrack.sklearn.log_model(model, "not", input_example=FRAME[:2], signature=False).signature is None


@pytest.mark.slow
def test_an_exported_module_needs_no_class(run: Run, stock: Callable[[Path], Any]) -> None:
    """Traced in evaluation mode with any number of rows; the user's module stays in the mode that it was in."""
    rows = X[:5].astype("float32")
    module = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Dropout(0.9)).train()
    info = autotrack.torch.log_model(module, "traced", serialization_format="pt2", input_example=rows)
    assert module.training
    assert module[1].training
    assert sorted(path.name for path in (info.directory / "data").iterdir()) == ["model.pt2", "state_dict.safetensors"]
    with torch.no_grad():
        expected = module.eval()(torch.from_numpy(X.astype("float32"))).numpy()
    for loaded in (pyfunc.load_model(info.model_uri), stock(info.directory)):
        np.testing.assert_allclose(loaded.predict(X.astype("float32")), expected, rtol=1e-5)
    both = {"a": np.ones((3, 4), "float32"), "b": np.ones((3, 3), "float32")}
    two = TwoInputs()
    info = autotrack.torch.log_model(two, "two", serialization_format="pt2", input_example=both)
    with torch.no_grad():
        expected = two.eval()(*map(torch.from_numpy, both.values())).numpy()
    np.testing.assert_allclose(pyfunc.load_model(info.model_uri).predict(both), expected, rtol=1e-5)
    with pytest.raises(AutotrackException, match="needs input_example"):
        autotrack.torch.log_model(two, "none", serialization_format="pt2")
    spoilt = autotrack.torch.save_model(two, Path("spoilt"), export_model=True, input_example=both).directory
    (spoilt / "data/model.pt2").write_bytes((spoilt / "data/model.pt2").read_bytes()[:500])
    with pytest.raises(AutotrackException, match=r"model.pt2 is damaged"):
        load(spoilt, trust=True)


def test_an_explicit_log_keeps_a_module_whole_whatever_its_size(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its weights once, not twice; what cannot be pickled costs one warning, and its weights are there."""
    from autotrack_torch import flavor

    monkeypatch.setattr(flavor, "BYTES", 1000)
    module = torch.nn.Linear(100, 100)
    info = autotrack.torch.log_model(module, "large")
    assert [path.name for path in (info.directory / "data").iterdir() if path.stat().st_size > 1000] == ["model.pth"]
    assert torch.equal(load(info.model_uri).weight, module.weight)
    assert list(autotrack.models.log(run, module, "integration").flavors) == ["pytorch"]


@pytest.mark.lenient
def test_a_module_that_cannot_be_kept_whole_is_said(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    """Its weights are there."""
    module = torch.nn.Linear(2, 2)
    module.rows = (n for n in range(3))  # type: ignore[assignment]  # what nobody can pickle
    info = autotrack.torch.log_model(module, "unpicklable")
    assert [
        record.getMessage() for record in caplog.records if "does not hold the module itself" in record.getMessage()
    ]
    assert torch.equal(autotrack.torch.load_state_dict(info.model_uri)["weight"], module.weight)


def _theirs(name: str) -> tuple[Any, Any, dict[str, Any]]:
    """A model, what it is asked about, and what MLflow is told."""
    pool = catboost.CatBoostClassifier(iterations=3, verbose=0, allow_writing_files=False)
    made: dict[str, tuple[Any, Any, dict[str, Any]]] = {
        "sklearn": (RandomForestClassifier(3).fit(X, Y), X, {"serialization_format": "cloudpickle"}),
        "sklearn as skops": (LogisticRegression().fit(X, Y), X, {"serialization_format": "skops"}),
        "sklearn as pickle": (LogisticRegression().fit(X, Y), X, {"serialization_format": "pickle"}),
        "xgboost": (xgb.XGBClassifier(n_estimators=2).fit(X, Y), X, {}),
        "lightgbm": (lightgbm.train({"verbose": -1}, lightgbm.Dataset(X, Y), 2), X, {}),
        "lightgbm estimator": (lightgbm.LGBMClassifier(n_estimators=2, verbose=-1).fit(X, Y), X, {}),
        "catboost": (pool.fit(X, Y), X, {}),
        "pytorch": (torch.nn.Linear(4, 2).eval(), X.astype("float32"), {"serialization_format": "pickle"}),
    }
    if name == "lightgbm estimator":
        made[name][2].update(serialization_format="cloudpickle")
    return made[name]


THEIRS = (
    "sklearn", "sklearn as skops", "sklearn as pickle", "xgboost", "lightgbm", "lightgbm estimator", "catboost",
    "pytorch",
)  # fmt: skip


@pytest.mark.parametrize("name", THEIRS)
def test_what_mlflow_saved_loads_here(name: str, tmp_path: Path, stock: Callable[[Path], Any]) -> None:
    """In each of its flavors, and answers as in MLflow."""
    import importlib

    flavor = name.partition(" ")[0]
    model, data, options = _theirs(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("mlflow").disabled = True
        module = importlib.import_module(f"mlflow.{flavor}")
        module.save_model(model, tmp_path / "model", pip_requirements=[], **options)
    expected = stock(tmp_path / "model").predict(data)
    np.testing.assert_allclose(
        np.ravel(pyfunc.load_model(tmp_path / "model", trust=True).predict(data)), np.ravel(expected), rtol=1e-6
    )
    assert type(load(tmp_path / "model", trust=True)) is type(model)
