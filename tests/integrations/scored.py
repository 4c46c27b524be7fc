"""Data, and what is read of a run, for the tests of what is scored after a fit."""

import json

from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.preprocessing import StandardScaler

X, Y = load_breast_cancer(return_X_y=True)
X = StandardScaler().fit_transform(X)
SPLIT = X[:300], X[300:], Y[:300], Y[300:]
FLOWERS = load_iris(return_X_y=True)
PATIENTS = load_diabetes(return_X_y=True)


def later(run):
    """What was added to a run after its end: each metric with its one value."""
    return {point.key: point.value for point in run.after_end}


def told(run, file="metric_info.json"):
    """How it was computed."""
    return json.loads(run.file(file).read_text())
