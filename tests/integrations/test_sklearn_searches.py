"""What is recorded of a search: the best, a table of all candidates, and runs for the best of them."""

import json
import time
import warnings
from io import StringIO

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - what makes the halving searches importable
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    ParameterGrid,
    RandomizedSearchCV,
    cross_validate,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import autotrack
from autotrack.exceptions import AutotrackException
from autotrack.testing import said

X, Y = load_iris(return_X_y=True)
PATIENTS = load_diabetes(return_X_y=True)
GRID = {"max_depth": [1, 2, 3], "criterion": ["gini", "entropy"]}


class Backwards(ClassifierMixin, BaseEstimator):
    """A search of somebody else's, which offers ``cv_results_`` and derives from no search of scikit-learn's."""

    def __init__(self, estimator, grid):
        self.estimator = estimator
        self.grid = grid

    def fit(self, data, target):
        tried = list(ParameterGrid(self.grid))[::-1]
        scores = [cross_validate(clone(self.estimator).set_params(**one), data, target, cv=2) for one in tried]
        means = [float(np.mean(score["test_score"])) for score in scores]
        self.cv_results_ = {
            "params": tried,
            "split0_test_score": [float(score["test_score"][0]) for score in scores],
            "split1_test_score": [float(score["test_score"][1]) for score in scores],
            "mean_test_score": means,
            "rank_test_score": [1 + sum(other > mean for other in means) for mean in means],
        }
        self.best_index_ = int(np.argmax(means))
        self.best_params_, self.best_score_ = tried[self.best_index_], means[self.best_index_]
        self.best_estimator_ = clone(self.estimator).set_params(**self.best_params_).fit(data, target)
        self.classes_ = self.best_estimator_.classes_
        return self

    def predict(self, data):
        return self.best_estimator_.predict(data)


TREE = DecisionTreeClassifier(random_state=0)
SEARCHES = {
    "grid": GridSearchCV(TREE, GRID, cv=2),
    "random": RandomizedSearchCV(TREE, GRID, n_iter=4, cv=2, random_state=0),
    "halving": HalvingGridSearchCV(TREE, GRID, cv=2, min_resources=40, random_state=0),
    "random halving": HalvingRandomSearchCV(TREE, GRID, n_candidates=4, cv=2, min_resources=40, random_state=0),
    "theirs": Backwards(TREE, GRID),
}


def trials(run):
    """The table of all candidates, each row by the names of its columns."""
    table = json.loads(run.file("trials.json").read_text())
    return [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]


def as_pandas_writes_it(run, search):
    """Compares ``cv_results.csv`` with what MLflow writes under that name."""
    expected = StringIO(pd.DataFrame.from_dict(search.cv_results_).to_csv(index=False))
    pd.testing.assert_frame_equal(pd.read_csv(run.file("cv_results.csv")), pd.read_csv(expected), check_exact=True)


@pytest.fixture(params=SEARCHES)
def search(request):
    """Each kind of search, about to be fitted."""
    autotrack.sklearn.autolog(log_models=False, log_training_metrics=False)
    return clone(SEARCHES[request.param])


def test_every_kind_of_search_is_one_run_with_all_its_candidates(record, search):
    """The best parameters and their score; each candidate is in the table and has a run below."""
    search.fit(X, Y)
    parent, *children = record.runs
    assert {f"best_{name}": str(value) for name, value in search.best_params_.items()}.items() <= parent.params.items()
    assert parent.metrics["best_cv_score"] == [search.best_score_]
    found = search.cv_results_
    assert [child.parent for child in children] == [parent.run_id] * len(found["params"])
    rows = trials(parent)
    assert [row["run_id"] for row in rows] == [child.run_id for child in children]
    assert [row["value"] for row in rows] == list(found["mean_test_score"])
    for row, child, params in zip(rows, children, found["params"], strict=True):
        assert {name: row[f"params_{name}"] for name in params} == params
        assert child.params == {**{k: str(v) for k, v in search.estimator.get_params().items()}} | {
            name: str(value) for name, value in params.items()
        }
    assert parent.tags["autotrack.sklearn.best_run_id"] == children[search.best_index_].run_id


def test_a_candidates_run_holds_all_that_is_known_of_it(record, search):
    """Each number in ``cv_results_``, under its name, and the scores by fold."""
    search.fit(X, Y)
    found = search.cv_results_
    for place, child in enumerate(record.runs[1:]):
        whole = {k: [v[place]] for k, v in found.items() if not k.startswith(("param", "split"))}
        folds = {"test_score": [found[f"split{fold}_test_score"][place] for fold in range(2)]}
        if "split0_train_score" in found:
            folds["train_score"] = [found[f"split{fold}_train_score"][place] for fold in range(2)]
        assert child.metrics == whole | folds
        assert child.steps["test_score"] == [0, 1]
        assert child.tags["estimator_name"] == "DecisionTreeClassifier"
        assert child.tags["mlflow.autologging"] == "sklearn"


def test_the_table_is_what_pandas_makes_of_cv_results(record, search):
    """``cv_results.csv`` has MLflow's name and content."""
    search.fit(X, Y)
    as_pandas_writes_it(record.runs[0], search)


def test_what_a_candidate_does_not_search_is_empty(record):
    """Of a list of grids each has its own parameters; several scorers each have their folds."""
    search = GridSearchCV(
        SVC(), [{"kernel": ["linear"], "C": [1]}, {"gamma": [0.1, 0.2]}], cv=2, refit="f1_macro",
        scoring=["accuracy", "f1_macro"], return_train_score=True, error_score=np.nan,
    ).fit(X, Y)  # fmt: skip
    parent, *children = record.runs
    assert [child.name for child in children] == ["C=1, kernel=linear", "gamma=0.1", "gamma=0.2"]
    assert [row["params_gamma"] for row in trials(parent)] == [None, 0.1, 0.2]
    assert [row["value"] for row in trials(parent)] == search.cv_results_["mean_test_f1_macro"].tolist()
    assert children[1].metrics["train_accuracy"] == [
        search.cv_results_["split0_train_accuracy"][1], search.cv_results_["split1_train_accuracy"][1]
    ]  # fmt: skip
    as_pandas_writes_it(parent, search)


@pytest.mark.parametrize(
    ("pipeline", "grid", "names"),
    [
        (make_pipeline(StandardScaler(), SVC()), {"svc__C": [10], "svc__gamma": [0.1]}, ["C=10, gamma=0.1"]),
        (
            Pipeline([("a", StandardScaler()), ("b", KNeighborsClassifier())]),
            {"a": [None, "passthrough"], "b": [SVC(C=3)]}, ["a=None, b=SVC", "a=passthrough, b=SVC"],
        ),
        (SVC(), {"C": np.array([1e-3, 1 / 3])}, ["C=0.001", "C=0.333333"]),
    ],
)  # fmt: skip
def test_candidates_are_named_after_what_tells_them_apart(record, pipeline, grid, names):
    """Briefly: a step's name is left out where nothing is lost, an estimator is its class."""
    GridSearchCV(pipeline, grid, cv=2, refit=False).fit(X, Y)
    assert [run.name for run in record.runs[1:]] == names


def test_a_step_that_is_replaced_brings_its_own_parameters(record):
    """Those of the step that was there are not the candidate's."""
    pipeline = Pipeline([("scale", StandardScaler()), ("model", KNeighborsClassifier())])
    GridSearchCV(pipeline, {"model": [DummyClassifier(strategy="prior")]}, cv=2).fit(X, Y)
    child = record.runs[1]
    assert child.params["model__strategy"] == "prior"
    assert "model__n_neighbors" not in child.params
    assert child.params["scale__with_mean"] == "True"


def test_a_search_that_goes_on_with_fewer_says_in_which_round(record):
    """The same candidate is tried again on more data."""
    search = HalvingGridSearchCV(TREE, {"max_depth": [1, 2, 3]}, cv=2, min_resources=40, random_state=0).fit(X, Y)
    children = record.runs[1:]
    assert children[0].name == "max_depth=1 (iter 0)"
    assert children[-1].name.endswith("(iter 1)")
    assert [child.metrics["n_resources"][0] for child in children] == search.cv_results_["n_resources"].tolist()


@pytest.mark.parametrize(("most", "expected"), [(None, 12), (3, 3), (0, 0), (100, 12)])
def test_max_tuning_runs_says_how_many_candidates_get_a_run(record, most, expected):
    """The best ones; the table has them all whatever it says."""
    autotrack.sklearn.autolog(max_tuning_runs=most, log_models=False)
    search = GridSearchCV(Ridge(), {"alpha": list(range(1, 13))}, cv=2).fit(*PATIENTS)
    parent, *children = record.runs
    assert len(children) == expected
    assert len(trials(parent)) == 12
    ranks = [child.metrics["rank_test_score"][0] for child in children]
    assert sorted(ranks) == sorted(search.cv_results_["rank_test_score"])[:expected]
    assert ("autotrack.sklearn.candidate_runs" in parent.tags) == (expected < 12)


def test_without_a_number_up_to_a_hundred_candidates_get_a_run(record):
    """Then the best of them."""
    autotrack.sklearn.autolog(log_models=False, log_training_metrics=False)
    search = GridSearchCV(
        DummyClassifier(strategy="constant"), {"constant": [0, 1, 2], "random_state": list(range(40))}, cv=2
    ).fit(X[::5], Y[::5])
    assert len(record.runs) == 101
    assert len(trials(record.runs[0])) == len(search.cv_results_["params"]) == 120


def test_a_negative_number_is_an_error():
    """It says what to give instead, and nothing is switched on."""
    with pytest.raises(AutotrackException, match="max_tuning_runs is -1; give a number of runs") as caught:
        autotrack.sklearn.autolog(max_tuning_runs=-1)
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize("backend", [None, "threading", "loky", "multiprocessing"])
def test_the_record_is_the_same_on_every_backend(record, backend):
    """But for the times."""
    search = GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2, n_jobs=None if backend is None else 2)
    with joblib.parallel_config(backend=backend or "loky"):
        search.fit(*PATIENTS)
    parent, *children = record.runs
    assert [child.name for child in children] == ["alpha=0.1", "alpha=1"]
    assert [child.metrics["test_score"] for child in children] == [
        [search.cv_results_[f"split{fold}_test_score"][place] for fold in range(2)] for place in range(2)
    ]
    assert {child.status for child in children} == {"FINISHED"}
    assert {"cv_results.csv", "trials.json"} <= set(parent.artifacts)


@pytest.mark.parametrize("kind", [np.ndarray.tolist, pd.DataFrame])
def test_data_may_be_of_any_kind(record, kind):
    """Lists too: each candidate has its run."""
    GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=2).fit(kind(PATIENTS[0]), PATIENTS[1].tolist())
    assert [run.name for run in record.runs] == ["GridSearchCV Ridge", "alpha=1", "alpha=2"]


def test_no_data_set_is_recorded_of_a_candidate(record):
    """Its data are folds of the search's own, whatever ``log_datasets`` says."""
    for wanted in (True, False):
        autotrack.sklearn.autolog(log_datasets=wanted)
        GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=2).fit(*PATIENTS)
    assert [run.datasets for run in record.runs if run.parent] == [[]] * 4
    assert [run.datasets for run in record.runs if not run.parent][1] == []


def test_a_search_in_the_programs_run_has_its_candidates_below(record):
    """And the run goes on."""
    with autotrack.start_run(run_name="mine") as run:
        GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=2).fit(*PATIENTS)
        autotrack.log_metric("after", 1)
    parent, *children = record.runs
    assert (parent.name, parent.metrics["after"]) == ("mine", [1.0])
    assert [child.parent for child in children] == [run.info.run_id] * 2


def test_the_best_model_is_kept_beside_the_search(record):
    """As ``best_estimator``; both load and predict alike."""
    search = GridSearchCV(LogisticRegression(max_iter=500), {"C": [0.1, 1.0]}, cv=2).fit(X, Y)
    run = record.runs[0]
    assert [model.name for model in run.models] == ["model", "best_estimator"]
    loaded = autotrack.sklearn.load_model(str(run.file("best_estimator")), trust=True)
    assert isinstance(loaded, LogisticRegression)
    assert np.array_equal(loaded.predict_proba(X), search.predict_proba(X))


def test_a_search_inside_a_pipeline_is_found(record):
    """The pipeline is what is fitted, the search its last step."""
    pipeline = make_pipeline(StandardScaler(), GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=2)).fit(*PATIENTS)
    parent, *children = record.runs
    assert parent.params["best_alpha"] == str(pipeline[-1].best_params_["alpha"])
    assert [child.name for child in children] == ["alpha=1", "alpha=2"]


def test_candidates_that_fail_are_in_the_record(record):
    """With the score that they got, NaN."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's own, that fits have failed
        GridSearchCV(Ridge(), {"alpha": [1, "much"]}, cv=2).fit(*PATIENTS)
    parent, *children = record.runs
    assert [row["value"] == "NaN" for row in trials(parent)] == [False, True]
    assert np.isnan(children[1].metrics["mean_test_score"][0])


class Unreadable:
    """A parameter that cannot be shown."""

    def __init__(self, value):
        self.value = value

    def __str__(self):
        raise RuntimeError("no")


class Odd(DummyClassifier):
    def __init__(self, odd=None):
        super().__init__()
        self.odd = odd


@pytest.mark.lenient
def test_what_cannot_be_shown_costs_itself_alone(record):
    """The other candidates and columns are there."""
    GridSearchCV(Odd(), {"odd": [1, Unreadable(2)]}, cv=2).fit(X, Y)
    parent, *children = record.runs
    assert children[0].name == "odd=1"
    assert len(children) == len(trials(parent)) == 2


@pytest.mark.lenient
def test_a_failure_to_make_runs_leaves_the_search_its_record(record, monkeypatch):
    """The table and the best are recorded, and the program has its result."""
    import autotrack_sklearn

    def refuse(*_args):
        raise RuntimeError("no runs today")

    monkeypatch.setattr(type(autotrack_sklearn.INTEGRATION), "child_run", refuse)
    search = GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=2).fit(*PATIENTS)
    assert record.run.metrics["best_cv_score"] == [search.best_score_]
    assert len(trials(record.run)) == 2
    assert record.run.status == "FINISHED"


def test_candidates_that_were_tried_in_turn_began_in_turn(record, store):
    """Each lasts as long as its folds took."""
    autotrack.set_tracking_uri(str(store))
    began = time.time() * 1000
    search = GridSearchCV(Slow(), {"seconds": [0.03, 0.06]}, cv=2, refit=False).fit(X, Y)
    runs = autotrack.MlflowClient().search_runs(
        [autotrack.MlflowClient().search_experiments()[0].experiment_id], "", order_by=["start_time"]
    )
    first, second = (next(run.info for run in runs if run.info.run_name == name)
                     for name in ("seconds=0.03", "seconds=0.06"))  # fmt: skip
    found = search.cv_results_
    lengths = 2000 * (found["mean_fit_time"] + found["mean_score_time"])
    assert first.start_time >= began - 1
    assert abs(second.start_time - first.start_time - lengths[0]) <= 2
    assert abs(second.end_time - second.start_time - lengths[1]) <= 2


class Slow(DummyClassifier):
    """Takes its time."""

    def __init__(self, seconds=0.0):
        super().__init__()
        self.seconds = seconds

    def fit(self, data, target):
        time.sleep(self.seconds)
        return super().fit(data, target)


def test_two_thousand_scores_of_a_candidate_are_all_there(record):
    """However many scorers there are."""
    scores = {f"s{number}": "accuracy" for number in range(300)}
    GridSearchCV(DummyClassifier(), {"random_state": [0]}, cv=2, scoring=scores, refit="s7").fit(X[::10], Y[::10])
    child = record.runs[1]
    assert sum(len(values) for values in child.metrics.values()) == 4 + 300 * 5


@pytest.mark.parametrize(
    "search",
    [
        GridSearchCV(PCA(), {"n_components": [1, 2]}, cv=2),
        GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9]}, cv=2, refit=False),
    ],
)
def test_a_search_that_cannot_predict_is_recorded_like_any_other(record, search):
    """As of a transformer, or without a refit; nothing is said about it."""
    with said() as lines:
        clone(search).fit(X, Y)
    run = record.runs[0]
    assert run.status == "FINISHED"
    assert {"cv_results.csv", "trials.json"} <= set(run.artifacts)
    assert [child.parent for child in record.runs[1:]] == [run.run_id] * len(trials(run))
    assert lines == []
