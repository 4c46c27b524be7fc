"""Which fits of scikit-learn are recorded, under what name and with which parameters."""

import threading

import numpy as np
import pytest
from sklearn import ensemble, linear_model, preprocessing
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin, clone
from sklearn.cluster import DBSCAN, KMeans
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.feature_selection import RFE, SelectFromModel, SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.manifold import TSNE
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import StandardScaler

import autotrack

X, Y = load_iris(return_X_y=True)
PATIENTS = load_diabetes(return_X_y=True)


class Mean(RegressorMixin, BaseEstimator):
    """A regressor of the user's own."""

    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, data, target):
        self.mean_ = np.mean(target) + self.shift
        return self

    def predict(self, data):
        return np.full(len(data), self.mean_)


def test_an_estimator_of_the_users_own_makes_a_run(record):
    """Also one whose class is defined after recording began."""

    class Later(Mean):
        def fit(self, data, target):
            return super().fit(data, target)

    Mean(shift=1.5).fit(*PATIENTS)
    Later().fit(*PATIENTS)
    first, second = record.runs
    assert (first.name, first.params) == ("Mean", {"shift": "1.5"})
    assert first.tags["estimator_class"].endswith(".Mean")
    assert (second.name, second.tags["estimator_name"]) == ("Later", "Later")


@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        (make_pipeline(StandardScaler(), LogisticRegression()), "Pipeline LogisticRegression"),
        (GridSearchCV(make_pipeline(PCA(2), Ridge()), {"ridge__alpha": [1, 2]}, cv=2), "GridSearchCV Pipeline Ridge"),
        (OneVsRestClassifier(LogisticRegression()), "OneVsRestClassifier LogisticRegression"),
        (ensemble.RandomForestClassifier(3), "RandomForestClassifier"),
        (ensemble.VotingClassifier([("a", LogisticRegression()), ("b", KMeans(2))][:1]), "VotingClassifier"),
        (ensemble.StackingClassifier([("a", LogisticRegression())], cv=2), "StackingClassifier"),
        (ensemble.AdaBoostClassifier(n_estimators=2), "AdaBoostClassifier"),
        (TransformedTargetRegressor(Ridge()), "TransformedTargetRegressor"),
        (RFE(LogisticRegression(max_iter=500), n_features_to_select=3), "RFE LogisticRegression"),
        (KMeans(2, n_init=1), "KMeans"),
        (DBSCAN(), "DBSCAN"),
        (GaussianMixture(2), "GaussianMixture"),
        (KernelDensity(), "KernelDensity"),
    ],
)
def test_the_outermost_fit_is_one_run_named_after_what_is_fitted(record, estimator, name):
    """Steps, candidates and members of an ensemble belong to it."""
    autotrack.sklearn.autolog(max_tuning_runs=0)
    estimator.fit(StandardScaler().fit_transform(X), Y)
    assert record.run.name == name
    assert record.run.status == "FINISHED"
    assert record.run.tags["mlflow.autologging"] == "sklearn"


@pytest.mark.parametrize(
    "transformer",
    [
        StandardScaler(), preprocessing.OneHotEncoder(), SimpleImputer(), PCA(2), SelectKBest(k=1), TSNE(perplexity=5),
        SelectFromModel(LogisticRegression(max_iter=2000)), ColumnTransformer([("a", StandardScaler(), [0])]),
        make_union(PCA(1), StandardScaler()), Pipeline([("a", StandardScaler()), ("b", PCA(1))]),
    ],
    ids=lambda transformer: type(transformer).__name__,
)  # fmt: skip
@pytest.mark.parametrize("method", ["fit", "fit_transform"])
def test_what_only_transforms_makes_no_run(record, transformer, method):
    """By itself; what it trains inside belongs to it."""
    if not hasattr(transformer, method):
        pytest.skip("it has no such method")
    getattr(clone(transformer), method)(X[::4], Y[::4])
    assert record.runs == []


def test_a_transformer_of_the_users_own_makes_no_run(record):
    """The same for classes that are not scikit-learn's."""

    class Doubling(TransformerMixin, BaseEstimator):
        def fit(self, data, target=None):
            return self

        def transform(self, data):
            return data * 2

    Doubling().fit_transform(X)
    assert record.runs == []


@pytest.mark.parametrize("method", ["fit", "fit_predict"])
def test_each_way_to_fit_counts_once(record, method):
    """`fit_predict` calls `fit` inside."""
    getattr(GaussianMixture(2), method)(X)
    assert record.run.name == "GaussianMixture"
    assert [model.name for model in record.run.models] == ["model"]


def test_parameters_are_those_of_all_nested_estimators(record):
    """As `get_params(deep=True)` has them, each as text."""
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=3, class_weight={0: 1, 1: 2, 2: 3})).fit(X, Y)
    assert record.run.params == {name: str(value) for name, value in pipeline.get_params(deep=True).items()}


def test_a_search_tells_what_it_found(record):
    """Its own parameters, the best ones and their score."""
    search = RandomizedSearchCV(Ridge(), {"alpha": [0.1, 1.0, 10.0]}, n_iter=3, cv=2, random_state=0).fit(*PATIENTS)
    run = record.runs[0]
    assert run.params["best_alpha"] == str(search.best_params_["alpha"])
    assert run.metrics["best_cv_score"] == [search.best_score_]
    assert run.params["n_iter"] == "3"
    assert "estimator__alpha" not in run.params


def test_arguments_are_found_by_place_and_by_name(record):
    """Whatever a class calls them, in whatever order they come."""
    weights = np.linspace(1, 2, len(Y))
    Ridge().fit(X, Y, weights)
    Ridge().fit(sample_weight=weights, y=Y, X=X)
    Mean().fit(target=Y, data=X)
    first, second, third = (run.metrics for run in record.runs)
    first.pop("fit_time"), second.pop("fit_time")
    assert first == second
    assert third["training_score"] == [0.0]


def test_a_fit_that_raises_leaves_a_failed_run_with_its_parameters(record):
    """The same exception reaches the program."""
    with pytest.raises(ValueError, match="Input X contains NaN"):
        LinearRegression().fit(np.full_like(X, np.nan), Y)
    assert record.run.status == "FAILED"
    assert "Input X contains NaN" in record.run.error
    assert record.run.params["fit_intercept"] == "True"
    assert record.run.models == []


def test_two_fits_in_a_run_of_the_users_own_do_not_mix(record):
    """The first is recorded there, the second in a run below it; the user's run goes on."""
    with autotrack.start_run() as run:
        Ridge(alpha=1).fit(X, Y)
        Ridge(alpha=2).fit(X, Y)
        assert autotrack.active_run().info.run_id == run.info.run_id
    outer, inner = record.runs
    assert (outer.name, outer.params["alpha"], inner.parent, inner.params["alpha"]) == ("Ridge", "1", outer.run_id, "2")
    assert "mlflow.autologging" not in outer.tags


def test_fits_in_threads_are_complete_and_apart(record):
    """Sixteen at once."""
    barrier = threading.Barrier(16)

    def train(alpha):
        barrier.wait()
        Ridge(alpha=alpha).fit(*PATIENTS)

    threads = [threading.Thread(target=train, args=(alpha,)) for alpha in range(1, 17)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(int(run.params["alpha"]) for run in record.runs) == list(range(1, 17))
    assert {len(run.metrics) for run in record.runs} == {6}
    assert {len(run.models) for run in record.runs} == {1}


def test_options_leave_parts_out(record):
    """A call for scikit-learn alone wins over the general one."""
    autotrack.sklearn.autolog(log_models=False, log_training_metrics=False)
    autotrack.autolog()
    linear_model.Lasso().fit(*PATIENTS)
    assert list(record.run.metrics) == ["fit_time", "n_iter"]
    assert record.run.models == []


class Delegating(ClassifierMixin, BaseEstimator):
    """Its `fit` takes whatever it is given."""

    def fit(self, *args, **kwargs):
        self.inner_ = LogisticRegression(max_iter=500).fit(*args, **kwargs)
        self.classes_ = self.inner_.classes_
        return self

    def predict(self, data):
        return self.inner_.predict(data)


def test_a_fit_without_named_arguments_is_understood(record):
    """The first two are the data and the targets."""
    Delegating().fit(X, Y)
    Delegating().fit(X=X, y=Y)
    first, second = record.runs
    assert first.metrics["training_score"] == second.metrics["training_score"]
    assert first.metrics["training_accuracy_score"][0] > 0.9
