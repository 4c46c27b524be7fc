"""Round trips far and wide: what is logged answers alike here, by name and without a question, and in stock MLflow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import BaseEstimator, TransformerMixin, is_regressor
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.datasets import load_iris
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.utils import all_estimators
from torch import nn

from autotrack.exceptions import AutotrackException
from autotrack.models import infer_signature, load, log
from autotrack.models.pyfunc import load_model
from autotrack.run import Run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # the deprecations of MLflow and of the frameworks
]

X, Y = load_iris(return_X_y=True)
FRAME = load_iris(as_frame=True).data
MIXED = pd.DataFrame({"size": [1.0, 2.0, None, 4.0] * 5, "kind": ["a", "b"] * 10, "n": range(20)})
OPTIONS = {
    "ClassifierChain": {"estimator": LogisticRegression(max_iter=300)},
    "MultiOutputClassifier": {"estimator": LogisticRegression(max_iter=300)},
    "MultiOutputRegressor": {"estimator": Ridge()},
    "RegressorChain": {"estimator": Ridge()},
    "OneVsOneClassifier": {"estimator": LogisticRegression(max_iter=300)},
    "OneVsRestClassifier": {"estimator": LogisticRegression(max_iter=300)},
    "OutputCodeClassifier": {"estimator": LogisticRegression(max_iter=300)},
    "SelfTrainingClassifier": {"estimator": LogisticRegression(max_iter=300)},
    "StackingClassifier": {"estimators": [("a", LogisticRegression(max_iter=300)), ("b", LogisticRegression())]},
    "StackingRegressor": {"estimators": [("a", Ridge()), ("b", Ridge(2))]},
    "VotingClassifier": {"estimators": [("a", LogisticRegression(max_iter=300)), ("b", LogisticRegression())]},
    "VotingRegressor": {"estimators": [("a", Ridge()), ("b", Ridge(2))]},
    "FixedThresholdClassifier": {"estimator": LogisticRegression(max_iter=300)},
    "TunedThresholdClassifierCV": {"estimator": LogisticRegression(max_iter=300)},
}
BINARY = {"FixedThresholdClassifier", "TunedThresholdClassifierCV"}
TWO_TARGETS = {"MultiTaskElasticNet", "MultiTaskElasticNetCV", "MultiTaskLasso", "MultiTaskLassoCV", "ClassifierChain",
               "MultiOutputClassifier", "MultiOutputRegressor", "RegressorChain", "CCA", "PLSCanonical"}  # fmt: skip
CLASSES = {
    name: cls
    for kind in ("classifier", "regressor", "cluster")
    for name, cls in all_estimators(kind)
    if hasattr(cls, "predict")
}


def targets(name: str, model: Any) -> Any:
    """What an estimator is fitted to."""
    y: Any = Y + 1.5 if is_regressor(model) else Y
    if name in BINARY:
        y = Y == 1
    return np.column_stack([y, y[::-1]]) if name in TWO_TARGETS else y


@pytest.mark.parametrize("name", CLASSES)
def test_every_estimator_of_scikit_learn_that_predicts(name: str, run: Run, stock: Callable[[Path], Any]) -> None:
    """Classifiers, regressors and clusterers, of arrays or of named columns."""
    cls = CLASSES[name]
    data: Any = abs(FRAME) if len(name) % 2 else abs(X)
    if name == "IsotonicRegression":
        data = X[:, 0]
    model = cls(**OPTIONS.get(name, {}))
    model.fit(data, targets(name, model))
    answer = model.predict(data)
    again = model.predict(data)
    info = log(run, model, signature=infer_signature(data, answer))
    theirs, ours = stock(info.directory).predict(data), load_model(info.model_uri).predict(data)
    if np.array_equal(answer, again):  # some draw numbers while they predict
        np.testing.assert_allclose(np.asarray(theirs, float), np.asarray(answer, float), rtol=1e-6)
        np.testing.assert_array_equal(ours, answer)
        np.testing.assert_array_equal(load(info.model_uri).predict(data), answer)
    assert type(load(info.model_uri)) is cls


class Logarithm(TransformerMixin, BaseEstimator):
    """Custom code with a state."""

    def fit(self, data: Any, _y: Any = None) -> Logarithm:
        self.least_ = np.min(data)
        return self

    def transform(self, data: Any) -> Any:
        return np.log1p(np.asarray(data) - self.least_)


def doubled(data: Any) -> Any:
    """A function in a pipeline."""
    return data * 2


def filled(columns: Any) -> Any:
    """Another one."""
    return columns.fillna(0)


PIPELINES: dict[str, Callable[[], tuple[Any, Any, Any]]] = {
    "a class": lambda: (make_pipeline(Logarithm(), Ridge()), X, Y),
    "a function": lambda: (make_pipeline(FunctionTransformer(doubled), Ridge()), X, Y),
    "a lambda": lambda: (make_pipeline(FunctionTransformer(lambda data: data + 1), Ridge()), FRAME, Y),
    "a union": lambda: (
        make_pipeline(make_union(Logarithm(), StandardScaler()), LogisticRegression(max_iter=500)),
        X,
        Y,
    ),
    "a target": lambda: (TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1), FRAME, Y + 1.0),
    "columns": lambda: (
        make_pipeline(
            make_column_transformer(
                (OneHotEncoder(), ["kind"]), (FunctionTransformer(lambda c: c.fillna(0)), ["size", "n"])
            ),
            Ridge(),
        ),
        MIXED,
        MIXED["n"],
    ),
    "texts": lambda: (
        make_pipeline(FunctionTransformer(np.ravel), CountVectorizer(), LogisticRegression()),
        pd.DataFrame({"text": ["good day", "bad day", "good"]}),
        [1, 0, 1],
    ),
}


@pytest.mark.parametrize("name", PIPELINES)
def test_pipelines_with_code_of_ones_own(name: str, run: Run, stock: Callable[[Path], Any]) -> None:
    """Loaded by name without a question."""
    model, data, y = PIPELINES[name]()
    model.fit(data, y)
    answer = model.predict(data)
    info = log(run, model, signature=infer_signature(data, answer))
    np.testing.assert_allclose(stock(info.directory).predict(data), answer, rtol=1e-6)
    np.testing.assert_allclose(load_model(info.model_uri).predict(data), answer, rtol=1e-6)


class Attention(nn.Module):
    """A block with everything that a state dict may hold."""

    def __init__(self) -> None:
        super().__init__()
        self.attend = nn.MultiheadAttention(4, 2, batch_first=True)
        self.norm = nn.LayerNorm(4)
        self.register_buffer("offset", torch.arange(4.0))
        self.scale = nn.Parameter(torch.tensor(0.5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = (x + self.offset).unsqueeze(1)
        return self.norm(self.attend(rows, rows, rows)[0].squeeze(1)) * self.scale


class Recurrent(nn.Module):
    """A network over a sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.LSTM(1, 5, batch_first=True)
        self.head = nn.Linear(5, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.cells(x.unsqueeze(-1))[0][:, -1])


def tied() -> nn.Module:
    """Two layers with one weight."""
    module = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4))
    module[2].weight = module[0].weight
    return module


MODULES: dict[str, Callable[[], nn.Module]] = {
    "linear": lambda: nn.Linear(4, 3),
    "deep": lambda: nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.GELU(), nn.Dropout(), nn.Linear(8, 2)),
    "convolution": lambda: nn.Sequential(nn.Unflatten(1, (1, 4)), nn.Conv1d(1, 3, 2), nn.Flatten(), nn.LazyLinear(2)),
    "attention": Attention,
    "recurrent": Recurrent,
    "tied": tied,
    "lists": lambda: nn.Sequential(nn.ModuleList([nn.Linear(4, 2)])[0]),
    "half": lambda: nn.Sequential(nn.Linear(4, 3, dtype=torch.float64)),
    "normalised": lambda: nn.utils.parametrizations.weight_norm(nn.Linear(4, 2)),
    "scripted": lambda: torch.jit.script(nn.Sequential(nn.Linear(4, 3), nn.ReLU())),
    "data parallel": lambda: nn.DataParallel(nn.Linear(4, 3)),
    "frozen": lambda: nn.Linear(4, 2).requires_grad_(False),
}


@pytest.mark.parametrize("name", MODULES)
def test_modules_of_pytorch(name: str, run: Run, stock: Callable[[Path], Any]) -> None:
    """Arrays in, arrays out; the weights alone need no trust. What cannot be pickled says where its weights are."""
    module = MODULES[name]().eval()
    rows = X.astype("float64" if name == "half" else "float32")
    with torch.no_grad():
        answer = module(torch.from_numpy(rows)).numpy()
    info = log(run, module, signature=infer_signature(rows, answer))
    if "python_function" not in info.flavors:
        with pytest.raises(AutotrackException, match="load_state_dict"):
            load(info.model_uri)
        assert name == "normalised"  # torch itself refuses to pickle a parametrized module
        return
    np.testing.assert_allclose(stock(info.directory).predict(rows), answer, rtol=1e-5)
    np.testing.assert_allclose(load_model(info.model_uri).predict(rows), answer, rtol=1e-5)
    from autotrack_torch.flavor import load_state_dict

    state = load_state_dict(info.model_uri)
    inner = module.module if name == "data parallel" else module
    assert {key: value.tolist() for key, value in state.items()} == {
        key: value.tolist() for key, value in inner.state_dict().items()
    }
