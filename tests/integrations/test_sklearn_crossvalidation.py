"""Cross-validation is one run: scores by fold, mean and deviation, curves along what was varied."""

import subprocess
import sys

import joblib
import numpy as np
import pytest
from sklearn import model_selection
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import Ridge, SGDClassifier
from sklearn.metrics import accuracy_score, f1_score, log_loss, make_scorer, mean_squared_error, r2_score
from sklearn.model_selection import (
    KFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    validation_curve,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import autotrack
from autotrack.testing import recorded

X, Y = load_iris(return_X_y=True)
PATIENTS = load_diabetes(return_X_y=True)
MODEL = GaussianNB()


def test_cross_validate_is_one_run_with_the_scores_of_each_fold(record):
    """By fold, with mean and standard deviation as a search has them, and the times."""
    found = cross_validate(
        MODEL, X, Y, cv=3, scoring=["accuracy", "f1_macro"], return_train_score=True, return_estimator=True
    )
    run = record.run
    curves = {name: values.tolist() for name, values in found.items() if name != "estimator"}
    made = {f"mean_{name}": [np.mean(values)] for name, values in curves.items()}
    made |= {f"std_{name}": [np.std(values)] for name, values in curves.items()}
    assert run.metrics == curves | made
    assert run.steps["test_accuracy"] == [0, 1, 2]
    assert (run.name, run.status) == ("cross_validate GaussianNB", "FINISHED")
    assert run.tags["estimator_class"] == "sklearn.naive_bayes.GaussianNB"


def test_cross_val_score_is_the_same_under_its_own_name(record):
    """With the times, which it does not return."""
    scores = cross_val_score(make_pipeline(StandardScaler(), MODEL), X, Y, cv=4)
    run = record.run
    assert run.name == "cross_val_score Pipeline GaussianNB"
    assert run.metrics["test_score"] == scores.tolist()
    assert run.metrics["mean_test_score"] == [scores.mean()]
    assert run.metrics["std_test_score"] == [scores.std()]
    assert len(run.metrics["fit_time"]) == 4


def test_parameters_are_those_of_the_estimator_and_of_the_call(record):
    """The latter with the function's name in front, as nested parameters have their owner's."""
    cross_val_score(Ridge(alpha=3), *PATIENTS, cv=KFold(3), scoring=make_scorer(r2_score))
    found = record.run.params
    assert (found["alpha"], found["cross_val_score__cv"]) == ("3", str(KFold(3)))
    assert "r2_score" in found["cross_val_score__scoring"]
    assert not {"cross_val_score__X", "cross_val_score__y", "cross_val_score__estimator"} & set(found)


def test_folds_that_were_made_beforehand_are_counted(record):
    """Not written out, row by row."""
    cross_val_score(MODEL, X, Y, cv=list(KFold(3, shuffle=True).split(X)))
    cross_val_score(MODEL, X, Y, cv=KFold(3, shuffle=True).split(X))
    first, second = record.runs
    assert first.params["cross_val_score__cv"] == "3 folds"
    assert len(second.metrics["test_score"]) == 3


def test_a_learning_curve_has_the_number_of_rows_as_its_axis(record):
    """Mean, deviation and each fold."""
    sizes, train, test = learning_curve(MODEL, X, Y, train_sizes=[0.3, 0.6, 1.0], cv=3, shuffle=True, random_state=0)
    run = record.run
    assert run.name == "learning_curve GaussianNB"
    assert run.steps["mean_test_score"] == sizes.tolist()
    assert run.metrics["mean_test_score"] == test.mean(axis=1).tolist()
    assert run.metrics["std_train_score"] == train.std(axis=1).tolist()
    assert run.metrics["split2_test_score"] == test[:, 2].tolist()


def test_a_learning_curve_by_partial_fits_is_one_run(record):
    """The times are curves too."""
    learning_curve(
        SGDClassifier(random_state=0), X, Y, cv=2, shuffle=True, exploit_incremental_learning=True, return_times=True,
        train_sizes=[0.5, 1.0],
    )  # fmt: skip
    assert len(record.run.metrics["mean_fit_time"]) == 2


def test_a_validation_curve_has_the_parameters_values_as_its_axis(record):
    """Whatever numbers they are."""
    train, test = validation_curve(Ridge(), *PATIENTS, param_name="alpha", param_range=[0.01, 1, 100.5], cv=2)
    run = record.run
    assert run.steps["mean_test_score"] == [0.01, 1, 100.5]
    assert run.metrics["mean_train_score"] == train.mean(axis=1).tolist()
    assert run.metrics["split1_test_score"] == test[:, 1].tolist()
    assert run.params["validation_curve__param_name"] == "alpha"


def test_values_that_are_no_numbers_are_placed_in_their_order(record):
    """The parameters say which is which."""
    validation_curve(Ridge(), *PATIENTS, param_name="solver", param_range=["svd", "cholesky"], cv=2)
    assert record.run.steps["mean_test_score"] == [0, 1]
    assert record.run.params["validation_curve__param_range"] == "['svd', 'cholesky']"


def test_a_permutation_test_has_its_score_and_its_chance(record):
    """And the scores that chance gave."""
    score, permuted, pvalue = permutation_test_score(MODEL, X, Y, cv=2, n_permutations=4, random_state=0)
    run = record.run
    assert (run.metrics["test_score"], run.metrics["pvalue"]) == ([score], [pvalue])
    assert run.metrics["permutation_score"] == permuted.tolist()
    assert run.metrics["mean_permutation_score"] == [permuted.mean()]


def test_predictions_are_scored_as_a_whole(record):
    """Scikit-learn's function does not say which fold a row was in."""
    classes = cross_val_predict(MODEL, X, Y, cv=3)
    likely = cross_val_predict(MODEL, X, Y, cv=3, method="predict_proba")
    numbers = cross_val_predict(Ridge(), *PATIENTS, cv=3)
    first, second, third = (run.metrics for run in record.runs)
    assert first["cv_accuracy_score"] == [accuracy_score(Y, classes)]
    assert first["cv_f1_score"] == [f1_score(Y, classes, average="weighted")]
    assert second["cv_log_loss"] == [log_loss(Y, likely)]
    assert third["cv_r2_score"] == [r2_score(PATIENTS[1], numbers)]
    assert third["cv_mean_squared_error"] == [mean_squared_error(PATIENTS[1], numbers)]


@pytest.mark.parametrize("backend", ["threading", "loky", "multiprocessing"])
def test_what_is_fitted_by_workers_makes_no_run(record, backend):
    """On any backend."""
    with joblib.parallel_config(backend=backend):
        scores = cross_val_score(MODEL, X, Y, cv=3, n_jobs=2)
    assert record.run.metrics["test_score"] == scores.tolist()


class Choosy(ClassifierMixin, BaseEstimator):
    """Validates while it is fitted."""

    def fit(self, data, target):
        self.score_ = cross_val_score(MODEL, data, target, cv=2).mean()
        self.model_ = GaussianNB().fit(data, target)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, data):
        return self.model_.predict(data)


def test_a_fit_that_validates_within_is_one_run(record):
    """What it finds there is its own affair."""
    Choosy().fit(X, Y)
    assert record.run.name == "Choosy"
    assert "test_score" not in record.run.metrics


def test_a_fold_that_fails_is_in_the_record(record):
    """A failing call leaves a failed run, and the program's exception is its own."""
    with pytest.raises(ValueError, match=r"[Cc]onvert"):
        cross_val_score(MODEL, np.full((9, 1), "a"), [0, 1, 0] * 3, cv=3, error_score="raise")
    assert record.run.status == "FAILED"


@pytest.mark.parametrize("use", ["cross_val_score", "cross_val_predict"])
def test_in_a_run_of_the_users_own_it_is_recorded_there(record, use):
    """A fit after it is another training, and goes below."""
    with autotrack.start_run():
        getattr(model_selection, use)(MODEL, X, Y, cv=2)
        Ridge().fit(*PATIENTS)
    outer, inner = record.runs
    assert outer.name == f"{use} GaussianNB"
    assert (inner.name, inner.parent) == ("Ridge", outer.run_id)


PROGRAM = """
from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_predict, cross_val_score, learning_curve, validation_curve
from sklearn.naive_bayes import GaussianNB
import autotrack

X, Y = load_iris(return_X_y=True)
autotrack.autolog()
cross_val_score(GaussianNB(), X, Y, cv=2)
cross_val_predict(GaussianNB(), X, Y, cv=2)
learning_curve(GaussianNB(), X, Y, cv=2, shuffle=True)
autotrack.disable()
validation_curve(GaussianNB(), X, Y, param_name="var_smoothing", param_range=[1e-9], cv=2)
"""


def test_functions_that_were_imported_before_recording_began_are_recorded(store):
    """The usual order in a script; and no longer once recording is switched off."""
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=120)
    names = [run.name for run in recorded(store)]
    assert sorted(names) == ["cross_val_predict GaussianNB", "cross_val_score GaussianNB", "learning_curve GaussianNB"]
