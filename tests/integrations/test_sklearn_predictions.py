"""Whose prediction is scored: known as an object, or by the step from a remembered one; what is remembered."""

import gc
import json
import weakref

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import autotrack

X, Y = load_breast_cancer(return_X_y=True)
X = StandardScaler().fit_transform(X)
SPLIT = X[:300], X[300:], Y[:300], Y[300:]
FLOWERS = load_iris(return_X_y=True)
PATIENTS = load_diabetes(return_X_y=True)


@pytest.fixture(autouse=True)
def without_models(record):
    """Which these tests do not look at."""
    autotrack.sklearn.autolog(log_models=False, log_training_metrics=False)


def later(run):
    """What was added to a run after its end: each metric with its one value."""
    return {point.key: point.value for point in run.after_end}


def told(run, file="metric_info.json"):
    """How it was computed."""
    return json.loads(run.file(file).read_text())


DERIVED = {
    "itself": (lambda model, data: model.predict(data), ""),
    "list": (lambda model, data: model.predict(data).tolist(), "a copy"),
    "tuple": (lambda model, data: tuple(model.predict(data)), "a copy"),
    "copy": (lambda model, data: model.predict(data).copy(), "a copy"),
    "Series": (lambda model, data: pd.Series(model.predict(data)), "a copy"),
    "argmax": (lambda model, data: model.predict_proba(data).argmax(axis=1), "argmax"),
    "0.5": (lambda model, data: model.predict_proba(data)[:, 1] > 0.5, "[:, 1] > 0.5"),
    "as int": (lambda model, data: (model.predict_proba(data)[:, 1] >= 0.5).astype(int), "argmax"),
    "0.3": (lambda model, data: model.predict_proba(data)[:, 1] > 0.3, "[:, 1] > t with"),
    "decision": (lambda model, data: model.decision_function(data) > 0, "> 0.0"),
}


@pytest.mark.parametrize("kind", DERIVED)
def test_a_derived_prediction_is_known_by_the_step_from_it(record, kind):
    """The step stands beside the value."""
    x_train, x_test, y_train, y_test = SPLIT
    make, step = DERIVED[kind]
    model = LogisticRegression().fit(x_train, y_train)
    labels = make(model, x_test)
    gc.collect()
    value = accuracy_score(y_test, labels)
    assert later(record.run) == {"accuracy_score_x_test": value}
    command, _, stated = told(record.run)["accuracy_score_x_test"].partition("  # ")
    assert command == "accuracy_score(y_true=y_test, y_pred=labels)"
    assert stated.startswith(step)


SCORES = {
    "column": (lambda likely: likely[:, 1], slice(None)),
    "column's copy": (lambda likely: likely[:, 1].copy(), slice(None)),
    "column's list": (lambda likely: likely[:, 1].tolist(), slice(None)),
    "slice": (lambda likely: likely[:100, 1], slice(100)),
    "slice's list": (lambda likely: likely[:100, 1].tolist(), slice(100)),
    "some rows": (lambda likely: likely[np.arange(len(likely)) % 3 == 0, 1], slice(None, None, 3)),
}


@pytest.mark.parametrize("kind", SCORES)
def test_a_part_of_a_prediction_is_known_too(record, kind):
    """A column, the first rows, or any rows where hardly two are alike."""
    x_train, x_test, y_train, y_test = SPLIT
    make, rows = SCORES[kind]
    model = LogisticRegression(C=0.1).fit(x_train, y_train)
    value = metrics.roc_auc_score(y_test[rows], make(model.predict_proba(x_test)))
    assert later(record.run) == {"roc_auc_score_x_test": value}


def test_renamed_classes_are_still_the_models(record):
    """And so is one class against the others."""
    data, target = FLOWERS
    model = GaussianNB().fit(data, target)
    names = np.array(["setosa", "versicolor", "virginica"])
    accuracy_score(names[target], names[model.predict(data)])
    f1_score(target == 2, model.predict(data) == 2)
    assert set(later(record.run)) == {"accuracy_score_data", "f1_score_data"}
    assert [text.partition("  # ")[2] for text in told(record.run).values()] == ["each class renamed", "== 2"]


def test_where_two_models_agree_the_score_is_neithers(record):
    """Both are named, in a file of both runs."""
    x_train, x_test, y_train, y_test = SPLIT
    one = LogisticRegression().fit(x_train, y_train)
    two = make_pipeline(LogisticRegression()).fit(x_train, y_train)
    one.predict(x_test)
    labels = two.predict(x_test).tolist()
    value = accuracy_score(y_test, labels)
    assert [later(run) for run in record.runs] == [{}, {}]
    for run in record.runs:
        (note,) = told(run, "undecided_scores.json")
        assert (note["metric"], note["value"]) == ("accuracy_score", value)
        assert {candidate["run_id"] for candidate in note["candidates"]} == {run.run_id for run in record.runs}
    assert two.predict(x_test).tolist() == labels
    del one
    gc.collect()
    accuracy_score(y_test, labels)
    assert list(later(record.runs[1])) == ["accuracy_score_x_test"]


def test_agreement_of_two_models_is_neithers_either(record):
    """Each one's prediction is among the arguments."""
    x_train, x_test, y_train, _ = SPLIT
    one, two = LogisticRegression().fit(x_train, y_train), GaussianNB().fit(x_train, y_train)
    first, second = one.predict(x_test), two.predict(x_test)
    metrics.cohen_kappa_score(first, second)
    assert [later(run) for run in record.runs] == [{}, {}]
    assert len(told(record.runs[0], "undecided_scores.json")) == 1


def test_what_has_nothing_to_do_with_a_recorded_model_is_not_recorded(record):
    """Nor the truth itself, nor a guess that is the same everywhere."""
    x_train, x_test, y_train, y_test = SPLIT
    model = LogisticRegression().fit(x_train, y_train)
    model.predict(x_test)
    accuracy_score(y_test, np.zeros(len(y_test)))
    accuracy_score(y_test, np.arange(len(y_test)) % 2)
    accuracy_score([0, 1, 1], [0, 1, 0])
    metrics.mean_squared_error([1.0, 2.0], [1.5, 2.5])
    assert later(record.run) == {}


def test_nothing_of_the_programs_is_kept_alive(record):
    """No model, no data, no large prediction; also not by the frame that the name of the data was read from."""
    x_train, _, y_train, _ = SPLIT

    def train():
        data = x_train.copy()
        model = GaussianNB().fit(data, y_train)
        likely = model.predict_proba(data)
        metrics.log_loss(y_train, likely)
        watched = [weakref.ref(thing) for thing in (data, model, likely)]
        del data, model, likely
        gc.collect()
        return [ref() for ref in watched]

    assert train() == [None, None, None]
    assert list(later(record.run)) == ["log_loss_data"]


def test_what_is_remembered_is_bounded(record):
    """The last predictions, and of a large one some rows; the score says how many were compared."""
    from autotrack_sklearn import predictions, scores

    large = np.tile(PATIENTS[0], (50, 1))
    target = np.tile(PATIENTS[1], 50)
    model = Ridge().fit(*PATIENTS)
    for rows in range(100, 100 + 2 * predictions.MOST):
        model.predict(PATIENTS[0][:rows])
    predicted = model.predict(large).tolist()
    metrics.r2_score(target, predicted)
    kept = scores.answers()._last
    assert len(kept) == predictions.MOST
    assert max(answer.values.size for answer in kept) <= predictions.VALUES
    assert f"a copy ({predictions.ROWS} of {len(large)} rows compared)" in told(record.run)["r2_score_large"]


class Idle(ClassifierMixin, BaseEstimator):
    """Hands its data back, and answers in lists."""

    def fit(self, data, target):
        self.classes_ = np.unique(target)
        return self

    def predict(self, data):
        return [int(row[0] > 0) for row in data]

    def transform(self, data):
        return data


def test_what_a_model_hands_back_is_the_programs_own(record):
    """A metric of the data is not one of the model; a list is known by its items."""
    x_train, x_test, y_train, y_test = SPLIT
    model = Idle().fit(x_train, y_train)
    metrics.silhouette_score(model.transform(x_test), y_test)
    labels = model.predict(x_test)
    accuracy_score(y_test, labels)
    assert list(later(record.run)) == ["accuracy_score_x_test"]
