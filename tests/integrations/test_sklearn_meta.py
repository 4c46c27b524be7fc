"""Estimators made of estimators, by whoever: exactly one run each, with the parameters of all that is inside."""

import threading
from contextlib import nullcontext

import imblearn
import joblib
import lightgbm
import numpy as np
import pytest
import xgboost
from imblearn.ensemble import BalancedBaggingClassifier
from imblearn.under_sampling import RandomUnderSampler
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import RFE, RFECV, SelectFromModel, SequentialFeatureSelector
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, LogisticRegressionCV, Ridge, RidgeCV
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import autotrack
from autotrack.exceptions import AutotrackException

X, Y = load_iris(return_X_y=True)
X, Y = X[::3], Y[::3]
TWO = (Y > 0).astype(int)
SEVERAL = np.column_stack([TWO, 1 - TWO])
PATIENTS = tuple(part[::6] for part in load_diabetes(return_X_y=True))
TREE = DecisionTreeClassifier(max_depth=2, random_state=0)
BOTH = [("bayes", GaussianNB()), ("tree", TREE)]
NUMBERS = [("linear", LinearRegression()), ("tree", DecisionTreeRegressor(max_depth=2))]
COLUMNS = ColumnTransformer(
    [("a", StandardScaler(), [0, 1]), ("b", make_pipeline(SimpleImputer(), MinMaxScaler()), [2])]
)
FEATURES = FeatureUnion([("scaled", StandardScaler()), ("chosen", SelectFromModel(TREE))])
FEW = {"n_estimators": 2, "n_jobs": 1}
LIGHT = lightgbm.LGBMClassifier(**FEW, num_leaves=3, verbose=-1)
EXTREME = xgboost.XGBClassifier(**FEW)

CLASSIFIERS = [
    VotingClassifier(BOTH, voting="soft"),
    StackingClassifier(BOTH, final_estimator=GaussianNB(), cv=2),
    BaggingClassifier(TREE, n_estimators=3),
    AdaBoostClassifier(TREE, n_estimators=2),
    OneVsRestClassifier(TREE),
    OneVsOneClassifier(TREE),
    OutputCodeClassifier(TREE),
    CalibratedClassifierCV(GaussianNB(), cv=2),
    RFE(TREE, n_features_to_select=2),
    RFECV(TREE, cv=2),
    LogisticRegressionCV(Cs=[1.0], cv=2, max_iter=1000, use_legacy_attributes=False, scoring="accuracy", l1_ratios=[0]),
    make_pipeline(COLUMNS, GaussianNB()),
    make_pipeline(FEATURES, TREE),
    make_pipeline(SequentialFeatureSelector(GaussianNB(), n_features_to_select=1, cv=2), TREE),
    imblearn.pipeline.make_pipeline(RandomUnderSampler(random_state=0), StandardScaler(), GaussianNB()),
    BalancedBaggingClassifier(TREE, n_estimators=2, random_state=0),
    GridSearchCV(
        imblearn.pipeline.Pipeline([("fewer", RandomUnderSampler()), ("tree", TREE)]), {"tree__max_depth": [1]}, cv=2
    ),
    make_pipeline(StandardScaler(), LIGHT),
    make_pipeline(StandardScaler(), EXTREME),
    StackingClassifier([("light", LIGHT), ("extreme", EXTREME)], final_estimator=GaussianNB(), cv=2),
    CalibratedClassifierCV(EXTREME, cv=2),
]  # fmt: skip
THRESHOLDS = [FixedThresholdClassifier(GaussianNB()), TunedThresholdClassifierCV(GaussianNB(), cv=2)]
REGRESSORS = [
    VotingRegressor(NUMBERS),
    StackingRegressor(NUMBERS, cv=2),
    TransformedTargetRegressor(make_pipeline(StandardScaler(), Ridge()), transformer=StandardScaler()),
    MultiOutputRegressor(Ridge()),
    RidgeCV(),
    GridSearchCV(lightgbm.LGBMRegressor(**FEW, num_leaves=3, verbose=-1), {"num_leaves": [3]}, cv=2),
    GridSearchCV(xgboost.XGBRegressor(**FEW), {"max_depth": [2]}, cv=2),
]
CASES = [
    *((model, (X, Y)) for model in CLASSIFIERS),
    (SelfTrainingClassifier(GaussianNB()), (X, np.where(np.arange(len(Y)) % 5, Y, -1))),
    *((model, (X, TWO)) for model in THRESHOLDS),
    *((model, (PATIENTS[0], PATIENTS[1][:, None]) if "Multi" in repr(model)[:5] else PATIENTS) for model in REGRESSORS),
    *((model, (X, SEVERAL)) for model in (MultiOutputClassifier(TREE), ClassifierChain(TREE))),
]


@pytest.mark.parametrize(("model", "data"), CASES, ids=lambda value: type(value).__name__)
def test_it_is_one_run_with_the_parameters_of_all_that_is_inside(record, model, data):
    """Candidates of a search apart, which are asked for."""
    autotrack.sklearn.autolog(log_models=False, max_tuning_runs=0)
    fitted = clone(model).fit(*data)
    run = record.run
    assert run.status == "FINISHED"
    assert run.name.startswith(type(model).__name__)
    given = model.get_params(deep=not isinstance(model, GridSearchCV))
    assert set(given) <= set(run.params)
    assert all(run.params[name] == str(value) for name, value in given.items() if isinstance(value, int | float | str))
    assert run.tags["estimator_name"] == type(fitted).__name__


@pytest.mark.parametrize("model", [LIGHT, EXTREME], ids=["lightgbm", "xgboost"])
def test_other_frameworks_estimators_are_theirs(record, model):
    """One run, of the framework's own integration; inside a pipeline it is scikit-learn's."""
    clone(model).fit(X, Y)
    make_pipeline(StandardScaler(), clone(model)).fit(X, Y)
    first, second = record.runs
    assert first.tags["mlflow.autologging"] != "sklearn"
    assert second.tags["mlflow.autologging"] == "sklearn"


@pytest.mark.parametrize("backend", ["threading", "loky", "multiprocessing"])
def test_workers_of_an_ensemble_make_no_run(record, backend):
    """On any backend."""
    with joblib.parallel_config(backend=backend, n_jobs=2):
        VotingClassifier(BOTH, n_jobs=2).fit(X, Y)
        OneVsRestClassifier(TREE, n_jobs=2).fit(X, Y)
        RandomForestClassifier(3, n_jobs=2).fit(X, Y)
    assert [run.name.partition(" ")[0] for run in record.runs] == [
        "VotingClassifier", "OneVsRestClassifier", "RandomForestClassifier",
    ]  # fmt: skip


@pytest.mark.parametrize("alone", [COLUMNS, FEATURES, RandomUnderSampler()], ids=lambda one: type(one).__name__)
def test_what_only_prepares_data_makes_no_run(record, alone):
    """Samplers are no models either."""
    clone(alone).fit(X, Y)
    assert record.runs == []


class Nested(ClassifierMixin, BaseEstimator):
    """Somebody's own, around a pipeline with a search in it."""

    def fit(self, data, target):
        search = GridSearchCV(
            make_pipeline(StandardScaler(), TREE), {"decisiontreeclassifier__max_depth": [1, 2]}, cv=2
        )
        self.model_ = search.fit(data, target)
        self.clusters_ = KMeans(2, n_init=1).fit(data)
        self.classes_ = search.classes_
        return self

    def predict(self, data):
        return self.model_.predict(data)


def test_an_estimator_of_ones_own_around_others_is_one_run(record):
    """However deep it goes."""
    Nested().fit(X, Y)
    assert record.run.name == "Nested"
    assert record.run.metrics["training_score"][0] > 0.5


class Child(LogisticRegression):
    """Its parent has a `fit` as well."""

    def fit(self, data, target, sample_weight=None):
        return super().fit(data, target, sample_weight)


def test_a_subclass_whose_parent_is_recorded_is_one_run(record):
    """Under its own name."""
    Child(max_iter=500).fit(X, Y)
    assert record.run.name == "Child"


def test_fits_in_threads_with_runs_of_their_own_are_complete(record):
    """Some have a run open, some have none."""
    barrier = threading.Barrier(4)

    def train(number):
        mine = autotrack.start_run(run_name=f"mine {number}") if number % 2 else nullcontext()
        with mine:
            barrier.wait()
            Ridge(alpha=number).fit(*PATIENTS)
            barrier.wait()

    threads = [threading.Thread(target=train, args=(number,)) for number in range(1, 5)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(run.params["alpha"] for run in record.runs) == ["1", "2", "3", "4"]
    assert {run.name for run in record.runs} == {"Ridge", "mine 1", "mine 3"}
    assert {len(run.metrics) for run in record.runs} == {6}
    assert all(run.parent is None for run in record.runs)


OPTIONS = {
    "log_input_examples": True, "log_model_signatures": False, "log_models": False, "log_datasets": False,
    "disable": False, "exclusive": False, "disable_for_unsupported_versions": False, "silent": True,
    "max_tuning_runs": 2, "log_post_training_metrics": False, "serialization_format": "pickle",
    "registered_model_name": "iris", "pos_label": 1, "extra_tags": {"team": "a"},
}  # fmt: skip


def test_the_options_are_those_of_mlflow(record):
    """A program that names them all goes on unchanged."""
    autotrack.sklearn.autolog(**OPTIONS)
    Ridge().fit(*PATIENTS)
    assert record.run.tags["team"] == "a"
    assert record.run.models == []


def test_a_call_for_scikit_learn_wins_over_the_general_one(record):
    """In either order."""
    autotrack.autolog(log_models=True)
    autotrack.sklearn.autolog(log_models=False, max_tuning_runs=1)
    autotrack.autolog(log_models=True)
    GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=2).fit(*PATIENTS)
    assert len(record.runs) == 2
    assert record.runs[0].models == []


def test_what_is_no_option_is_an_error():
    """It names what there is."""
    with pytest.raises(AutotrackException, match="serialization_format is 'onnx'; it is one of pickle, cloudpickle"):
        autotrack.sklearn.autolog(serialization_format="onnx")
    with pytest.raises(AutotrackException, match=r"has no option 'max_tuning_rums'; it has .*max_tuning_runs"):
        autotrack.sklearn.autolog(max_tuning_rums=3)


def test_exclusive_leaves_the_programs_own_run_alone(record):
    """What is trained outside one is recorded."""
    autotrack.sklearn.autolog(exclusive=True)
    with autotrack.start_run():
        Pipeline([("model", Ridge())]).fit(*PATIENTS)
    Ridge().fit(*PATIENTS)
    first, second = record.runs
    assert first.params == {}
    assert second.name == "Ridge"
