"""Classes that only the training script defines load in a program that never saw it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autotrack.models.pyfunc import load_model

pytestmark = pytest.mark.filterwarnings("ignore")  # the deprecations of MLflow and of the frameworks

BEGIN = """
import numpy as np
from pathlib import Path
from autotrack.models import infer_signature, log, save
from autotrack import current
X = np.arange(12.0).reshape(6, 2)
y = np.array([0, 1, 0, 1, 0, 1])
"""
END = """
run = current.start("script")
info = log(run, model, signature=infer_signature(X, answer))
run.end()
np.save("answer.npy", answer)
print(info.model_uri, info.directory)
"""
SCRIPTS = {
    "estimator": """
from sklearn.base import BaseEstimator, ClassifierMixin
FACTOR = 3
class Sums(ClassifierMixin, BaseEstimator):
    def fit(self, X, y): self.classes_ = np.unique(y); return self
    def predict(self, X): return X.sum(axis=1) * FACTOR
model = Sums().fit(X, y)
answer = model.predict(X)
""",
    "function in a pipeline": """
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.linear_model import LinearRegression
def squared(X): return X ** 2
model = make_pipeline(FunctionTransformer(squared), LinearRegression()).fit(X, y)
answer = model.predict(X)
""",
    "xgboost": """
from xgboost import XGBClassifier
class Mine(XGBClassifier):
    pass
model = Mine(n_estimators=2).fit(X, y)
answer = model.predict(X)
""",
    "torch": """
import torch
X = X.astype("float32")
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = torch.nn.Linear(2, 3)
    def forward(self, x): return self.inner(x) * 2
model = Net()
answer = model(torch.from_numpy(X)).detach().numpy()
""",
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_model_of_the_main_module_loads_elsewhere(
    name: str, tmp_path: Path, store: Path, stock: Callable[[Path], Any]
) -> None:
    """Through stock MLflow, and through autotrack by the run's name."""
    script = tmp_path / "train.py"
    script.write_text(BEGIN + SCRIPTS[name] + END)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    uri, directory = done.stdout.split()
    answer = np.load("answer.npy")
    rows = np.arange(12.0).reshape(6, 2).astype("float32" if name == "torch" else "float64")
    np.testing.assert_allclose(stock(Path(directory)).predict(rows), answer, rtol=1e-6)
    np.testing.assert_allclose(load_model(uri, store=store).predict(rows), answer, rtol=1e-6)


def test_the_requirements_name_cloudpickle_when_it_is_needed(tmp_path: Path) -> None:
    """And the framework and what it computes with, at the versions that were imported."""
    (tmp_path / "train.py").write_text(BEGIN + SCRIPTS["estimator"] + END)
    done = subprocess.run([sys.executable, tmp_path / "train.py"], capture_output=True, text=True, check=True)
    lines = Path(done.stdout.split()[1], "requirements.txt").read_text().split()
    assert [line.partition("==")[0] for line in lines] == ["cloudpickle", "joblib", "numpy", "scikit-learn", "scipy"]
    assert f"numpy=={np.__version__}" in lines
