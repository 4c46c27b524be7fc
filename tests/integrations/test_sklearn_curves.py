"""What an estimator remembers of its own training: curves, final numbers, whether it converged."""

import threading
import warnings

import joblib
import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import RFECV
from sklearn.linear_model import BayesianRidge, LassoCV, LogisticRegression, Ridge, SGDClassifier
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import autotrack

X, Y = load_iris(return_X_y=True)
PATIENTS = load_diabetes(return_X_y=True)
TAG = "autotrack.sklearn.convergence"


@pytest.fixture(autouse=True)
def only_fits(record):
    """Neither models nor training metrics."""
    autotrack.sklearn.autolog(log_models=False, log_training_metrics=False)


def quietly(fit, *data):
    """Fit, whatever scikit-learn says about it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fit(*data)


def test_a_neural_networks_losses_are_a_curve(record):
    """By iteration, counted from 0; with early stopping the validation scores too."""
    model = quietly(MLPClassifier((4,), max_iter=5, early_stopping=True, random_state=0).fit, X, Y)
    run = record.run
    assert run.metrics["loss_curve"] == model.loss_curve_
    assert run.steps["loss_curve"] == [0, 1, 2, 3, 4]
    assert run.metrics["validation_scores"] == model.validation_scores_
    assert run.metrics["n_iter"] == [5]
    assert run.metrics["best_validation_score"] == [model.best_validation_score_]


def test_gradient_boosting_has_its_stages(record):
    """Training score, and out of bag where there is a bag."""
    model = GradientBoostingRegressor(n_estimators=4, subsample=0.5, random_state=0).fit(*PATIENTS)
    found = record.run.metrics
    assert found["train_score"] == model.train_score_.tolist()
    assert found["oob_scores"] == model.oob_scores_.tolist()
    assert found["oob_improvement"] == model.oob_improvement_.tolist()
    assert found["oob_score"] == [model.oob_score_]


def test_histogram_boosting_has_its_iterations(record):
    """Both scores where it stops early, neither where it keeps none."""
    model = HistGradientBoostingClassifier(max_iter=3, early_stopping=True, random_state=0).fit(X, Y)
    HistGradientBoostingClassifier(max_iter=2, early_stopping=False).fit(X, Y)
    first, second = record.runs
    assert first.metrics["train_score"] == model.train_score_.tolist()
    assert first.metrics["validation_score"] == model.validation_score_.tolist()
    assert set(second.metrics) == {"fit_time"}


@pytest.mark.parametrize(
    ("model", "curve"),
    [
        (AdaBoostClassifier(n_estimators=3), "estimator_errors"),
        (BayesianRidge(compute_score=True), "scores"),
        (GaussianMixture(2, max_iter=20), "lower_bounds"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_histories_are_curves_under_their_own_names(record, model, curve):
    """As the attribute is called, without its underscore."""
    model.fit(X, Y)
    assert record.run.metrics[curve] == list(getattr(model, f"{curve}_"))


def test_curves_may_have_an_axis_of_their_own(record):
    """The number of features, or the penalty."""
    chosen = RFECV(Ridge(), cv=2).fit(*PATIENTS)
    path = quietly(LassoCV(alphas=[0.1, 1.0], cv=2).fit, *PATIENTS)
    first, second = record.runs
    assert first.steps["mean_test_score"] == chosen.cv_results_["n_features"].tolist()
    assert first.metrics["mean_test_score"] == chosen.cv_results_["mean_test_score"].tolist()
    assert second.steps["mean_mse_path"] == path.alphas_.tolist()
    assert second.metrics["mean_mse_path"] == path.mse_path_.mean(axis=1).tolist()


@pytest.mark.parametrize(
    "outer",
    [
        lambda model: make_pipeline(StandardScaler(), model),
        TransformedTargetRegressor,
        lambda model: GridSearchCV(model, {"n_estimators": [3]}, cv=2),
        lambda model: make_pipeline(StandardScaler(), TransformedTargetRegressor(model)),
    ],
    ids=["pipeline", "wrapper", "search", "both"],
)
def test_the_curves_are_those_of_the_model_inside(record, outer):
    """Whatever is around it."""
    outer(GradientBoostingRegressor(n_estimators=3)).fit(*PATIENTS)
    assert len(record.runs[0].metrics["train_score"]) == 3


def test_iterations_of_several_classes_count_as_the_longest(record):
    """One number is recorded."""
    model = quietly(LogisticRegression(solver="liblinear", max_iter=50).fit, X[:100], Y[:100])
    assert record.run.metrics["n_iter"] == [model.n_iter_.max()]


def test_a_fit_that_goes_on_adds_to_the_curve_where_it_stopped(record):
    """With `warm_start` an estimator keeps what it has; each run holds its own part, and says which fit it was."""
    model = GradientBoostingRegressor(n_estimators=3, warm_start=True, random_state=0).fit(*PATIENTS)
    model.set_params(n_estimators=5).fit(*PATIENTS)
    first, second = record.runs
    assert (first.steps["train_score"], second.steps["train_score"]) == ([0, 1, 2], [3, 4])
    assert second.metrics["train_score"] == model.train_score_[3:].tolist()
    assert second.tags["autotrack.sklearn.fit_number"] == "2"
    assert second.tags["autotrack.sklearn.previous_run_id"] == first.run_id
    assert second.tags["autotrack.sklearn.warm_start"] == "true"
    assert "autotrack.sklearn.fit_number" not in first.tags


def test_a_second_fit_in_a_run_of_the_users_own_is_told_apart(record):
    """It is recorded below, with the number of the fit; parameters and curves do not mix."""
    model = GradientBoostingRegressor(n_estimators=2)
    with autotrack.start_run():
        model.fit(*PATIENTS)
        model.set_params(n_estimators=4).fit(*PATIENTS)
    first, second = record.runs
    assert (first.params["n_estimators"], second.params["n_estimators"]) == ("2", "4")
    assert (len(first.metrics["train_score"]), len(second.metrics["train_score"])) == (2, 4)
    assert second.parent == first.run_id
    assert second.tags["autotrack.sklearn.fit_number"] == "2"
    assert "autotrack.sklearn.warm_start" not in second.tags


def unconverged(model=None):
    """A fit that stops too early."""
    return (model or LogisticRegression(max_iter=1)).fit(X, Y)


class Restless(BaseEstimator):
    """Never converges."""

    def fit(self, _data, _target):
        warnings.warn("it goes on and on", ConvergenceWarning, stacklevel=2)
        return self


def test_a_fit_that_does_not_converge_says_so_in_a_tag(record):
    """Also the second time, when Python shows the same warning no more."""
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("default")
        for _ in range(2):
            unconverged(Restless())
    assert len(shown) == 1
    assert [run.tags[TAG] for run in record.runs] == ["it goes on and on"] * 2


def test_warnings_are_shown_as_they_would_be():
    """The same text, from the same line, once or always or as an error."""

    def seen():
        with warnings.catch_warnings(record=True) as shown:
            warnings.simplefilter("always")
            unconverged()
        return [(str(one.message), one.category, one.filename, one.lineno) for one in shown]

    with_us = seen()
    assert "lbfgs failed to converge" in with_us[0][0]
    with pytest.warns(ConvergenceWarning) as caught:
        unconverged()
    assert type(caught[0].message) is ConvergenceWarning
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConvergenceWarning):
            unconverged()
    autotrack.disable()
    assert "__init__" not in vars(ConvergenceWarning)
    assert seen() == with_us


def test_many_warnings_are_one_tag(record):
    """Those of a search's candidates in threads too."""
    with warnings.catch_warnings(), joblib.parallel_config(backend="threading"):
        warnings.simplefilter("ignore")
        GridSearchCV(LogisticRegression(max_iter=1), {"C": [1, 2]}, cv=2, n_jobs=2).fit(X, Y)
    assert record.runs[0].tags[TAG].endswith("(5 times)")


def test_a_fit_that_converges_has_no_such_tag(record):
    """Nor does one beside it that does not."""
    barrier = threading.Barrier(2)

    def work(model):
        barrier.wait()
        unconverged(model)

    models = [LogisticRegression(max_iter=1), OneVsRestClassifier(Ridge())]
    threads = [threading.Thread(target=work, args=(model,)) for model in models]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
    tags = {run.name.partition(" ")[0]: TAG in run.tags for run in record.runs}
    assert tags == {"LogisticRegression": True, "OneVsRestClassifier": False}


def test_a_warning_of_the_programs_own_making_is_no_fits(record):
    """Outside a recorded fit nothing is taken down."""
    assert str(ConvergenceWarning("mine")) == "mine"
    SGDClassifier(max_iter=2000, random_state=0).fit(X, Y)
    assert TAG not in record.run.tags
    assert np.isfinite(record.run.metrics["n_iter"]).all()
