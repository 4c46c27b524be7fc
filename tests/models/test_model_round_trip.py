"""What is logged here, stock MLflow loads, and both answer as the model did."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import xgboost as xgb
from sklearn import cluster, compose, datasets, ensemble, linear_model, naive_bayes, neighbors, neural_network, svm
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from autotrack.models import infer_signature, load, log
from autotrack.models.pyfunc import load_model
from autotrack.run import Run

pytestmark = pytest.mark.filterwarnings("ignore")  # the deprecations of MLflow and of the frameworks

X, Y = datasets.load_iris(return_X_y=True)
FRAME = datasets.load_iris(as_frame=True).data
MIXED = pd.DataFrame({"size": [1.0, 2.0, 3.0, 4.0] * 5, "kind": ["a", "b"] * 10})

ESTIMATORS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "logistic regression": lambda: (linear_model.LogisticRegression(max_iter=300).fit(X, Y), X),
    "ridge on a frame": lambda: (linear_model.Ridge().fit(FRAME, Y), FRAME),
    "forest": lambda: (ensemble.RandomForestClassifier(5, random_state=0).fit(X, Y), X),
    "gradient boosting": lambda: (ensemble.HistGradientBoostingRegressor(max_iter=5).fit(FRAME, Y), FRAME),
    "support vectors": lambda: (svm.SVC().fit(X, Y), X),
    "neighbors": lambda: (neighbors.KNeighborsClassifier().fit(X, Y), X),
    "bayes": lambda: (naive_bayes.GaussianNB().fit(X, Y), X),
    "perceptron": lambda: (neural_network.MLPClassifier((4,), max_iter=5, random_state=0).fit(X, Y), X),
    "clusters": lambda: (cluster.KMeans(3, n_init=1, random_state=0).fit(X), X),
    "pipeline": lambda: (make_pipeline(StandardScaler(), linear_model.LogisticRegression()).fit(FRAME, Y), FRAME),
    "pipeline with a lambda": lambda: (
        make_pipeline(FunctionTransformer(lambda x: x * 2), linear_model.Ridge()).fit(X, Y),
        X,
    ),
    "columns of several types": lambda: (
        make_pipeline(
            compose.make_column_transformer((OneHotEncoder(), ["kind"]), (StandardScaler(), ["size"])),
            linear_model.Ridge(),
        ).fit(MIXED, MIXED["size"]),
        MIXED,
    ),
    "texts": lambda: (
        make_pipeline(TfidfVectorizer(), linear_model.LogisticRegression()).fit(["good", "bad"], [1, 0]),
        np.array(["good", "bad"]),
    ),
    "search": lambda: (GridSearchCV(linear_model.Ridge(), {"alpha": [0.1, 1]}, cv=2).fit(X, Y), X),
    "xgboost classifier": lambda: (xgb.XGBClassifier(n_estimators=3).fit(FRAME, Y), FRAME),
    "xgboost classifier of arrays": lambda: (xgb.XGBClassifier(n_estimators=3).fit(X, Y), X),
    "xgboost regressor": lambda: (xgb.XGBRegressor(n_estimators=3).fit(X, Y), X),
    "xgboost ranker": lambda: (xgb.XGBRanker(n_estimators=3).fit(X, Y > 1, qid=np.repeat(range(15), 10)), X),
    "xgboost forest": lambda: (xgb.XGBRFRegressor(n_estimators=3).fit(FRAME, Y), FRAME),
    "xgboost in a pipeline": lambda: (make_pipeline(StandardScaler(), xgb.XGBClassifier(n_estimators=2)).fit(X, Y), X),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_an_estimator_answers_alike_in_both(name: str, run: Run, stock: Callable[[Path], Any]) -> None:
    """Through MLflow's pyfunc, through ours, and as the object itself; loaded by name without a question."""
    model, data = ESTIMATORS[name]()
    answer = model.predict(data)
    info = log(run, model, signature=infer_signature(data, answer))
    # MLflow copies a data frame before it predicts, and another memory layout can move the last bit of a sum.
    np.testing.assert_allclose(stock(info.directory).predict(data), answer, rtol=1e-6)
    np.testing.assert_array_equal(load_model(info.model_uri).predict(data), answer)
    again = load(info.model_uri)
    assert type(again) is type(model)
    np.testing.assert_array_equal(again.predict(data), answer)


@pytest.mark.parametrize("data", [X, FRAME], ids=["arrays", "frame"])
def test_a_booster_answers_alike_in_both(data: Any, run: Run, stock: Callable[[Path], Any]) -> None:
    """The native interface, with the signature taken from the matrix that it was trained on."""
    matrix = xgb.DMatrix(data, Y)
    booster = xgb.train({"objective": "multi:softprob", "num_class": 3}, matrix, 3)
    info = log(run, booster, signature=infer_signature(matrix, booster.predict(matrix)))
    np.testing.assert_array_equal(stock(info.directory).predict(data), booster.predict(matrix))
    np.testing.assert_array_equal(load_model(info.model_uri).predict(data), booster.predict(matrix))
    assert load(info.model_uri).get_dump() == booster.get_dump()


def _tied() -> torch.nn.Module:
    module = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU(), torch.nn.Linear(4, 4))
    module[2].weight = module[0].weight
    return module


MODULES: dict[str, Callable[[], torch.nn.Module]] = {
    "linear": lambda: torch.nn.Linear(4, 3),
    "with buffers": lambda: torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout()),
    "tied weights": _tied,
    "scripted": lambda: torch.jit.script(torch.nn.Linear(4, 3)),
    "data parallel": lambda: torch.nn.DataParallel(torch.nn.Linear(4, 3)),
}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_answers_alike_in_both(name: str, run: Run, stock: Callable[[Path], Any]) -> None:
    """Arrays give arrays, data frames give data frames with their index."""
    module = MODULES[name]().eval()
    rows = X.astype("float32")
    with torch.no_grad():
        answer = module(torch.from_numpy(rows)).numpy()
    info = log(run, module, signature=infer_signature(rows, answer))
    np.testing.assert_allclose(stock(info.directory).predict(rows), answer, rtol=1e-6)
    ours = load_model(info.model_uri)
    np.testing.assert_allclose(ours.predict(rows), answer, rtol=1e-6)
    np.testing.assert_allclose(load(info.model_uri)(torch.from_numpy(rows)).detach(), answer, rtol=1e-6)


def test_the_weights_alone_need_no_trust_and_keep_their_ties(run: Run) -> None:
    """The state dict comes back with every name, shared tensors and slices of larger ones included."""
    from autotrack_torch.flavor import load_state_dict

    module = _tied()
    module.register_buffer("slice", torch.arange(12.0).reshape(3, 4).T[1:])
    module.register_buffer("none", torch.zeros(0))
    info = log(run, module)
    state = load_state_dict(info.model_uri)
    assert state.keys() == module.state_dict().keys()
    assert all(torch.equal(state[name], tensor) for name, tensor in module.state_dict().items())
    assert state["2.weight"] is state["0.weight"]


def test_a_module_that_cannot_be_pickled_keeps_its_weights(run: Run) -> None:
    """Loading says that the module is not there, and where its weights are."""
    module = torch.nn.Linear(2, 2)
    module.generator = (n for n in range(3))  # type: ignore[assignment]  # what nobody can pickle
    info = log(run, module)
    assert list(info.flavors) == ["pytorch"]
    with pytest.raises(Exception, match="load_state_dict"):
        load(info.model_uri)


def test_a_module_beyond_the_budget_keeps_its_weights(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data that a module drags along are not written behind the user's back."""
    from autotrack_torch import flavor

    monkeypatch.setattr(flavor, "BYTES", 1000)
    module = torch.nn.Linear(2, 2)
    module.seen = torch.zeros(10_000)  # type: ignore[assignment]  # no parameter, no buffer
    info = log(run, module)
    assert list(info.flavors) == ["pytorch"]
    assert info.size < 10_000


def test_a_model_that_mlflow_saved_loads_here(tmp_path: Path, stock: Callable[[Path], Any]) -> None:
    """Its YAML, its pickle, its UBJSON and its torch directory."""
    import mlflow.pytorch
    import mlflow.sklearn
    import mlflow.xgboost

    estimator = linear_model.Ridge().fit(X, Y)
    mlflow.sklearn.save_model(estimator, tmp_path / "ridge", serialization_format="cloudpickle", pip_requirements=[])
    np.testing.assert_array_equal(load_model(tmp_path / "ridge", trust=True).predict(X), estimator.predict(X))
    boosted = xgb.XGBRegressor(n_estimators=2).fit(X, Y)
    mlflow.xgboost.save_model(boosted, tmp_path / "xgb", pip_requirements=[])
    np.testing.assert_array_equal(load(tmp_path / "xgb").predict(X), boosted.predict(X))
    module = torch.nn.Linear(4, 1).eval()
    mlflow.pytorch.save_model(module, tmp_path / "torch", serialization_format="pickle", pip_requirements=[])
    rows = torch.from_numpy(X.astype("float32"))
    assert torch.equal(load(tmp_path / "torch", trust=True)(rows), module(rows))
