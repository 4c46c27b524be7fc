"""The fitted model, and what becomes of the program around it."""

import gc
import json
import random
import threading
import warnings
import weakref

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

import autotrack
from autotrack.testing import said

X, Y = load_iris(return_X_y=True)
FRAME = load_iris(as_frame=True).data


def signature(run):
    """Inputs and outputs as the record has them."""
    (model,) = run.models
    parts = json.loads(model.signature)
    return [json.loads(parts[part]) for part in ("inputs", "outputs")]


def test_the_model_comes_back_as_it_was(record):
    """From the run's files, with `load_model`."""
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(FRAME, Y)
    loaded = autotrack.sklearn.load_model(record.run.file("model"), trust=True)
    assert np.array_equal(loaded.predict_proba(FRAME), model.predict_proba(FRAME))
    assert record.run.models[0].flavors == ("sklearn", "python_function")


def test_the_signature_is_of_the_data_and_the_prediction(record):
    """Columns of a frame, tensors of arrays and of sparse matrices."""
    LogisticRegression(max_iter=500).fit(FRAME, Y)
    Ridge().fit(X.astype(np.float32), Y.astype(float))
    Ridge().fit(scipy.sparse.csr_matrix(X), Y)
    frame, array, sparse = record.runs
    assert [column["name"] for column in signature(frame)[0]] == list(FRAME.columns)
    assert signature(frame)[1][0]["tensor-spec"] == {"dtype": "int64", "shape": [-1]}
    assert signature(array)[0][0]["tensor-spec"] == {"dtype": "float32", "shape": [-1, 4]}
    assert signature(sparse)[0][0]["tensor-spec"]["shape"] == [-1, 4]


def test_a_signature_needs_no_targets(record):
    """What has no `predict` has none."""
    KMeans(3, n_init=1).fit(X)
    GaussianMixture(2).fit_predict(X)
    GaussianMixture(2).fit(X)
    AgglomerativeClustering().fit(X)
    *predicting, silent = record.runs
    assert [signature(run)[1][0]["tensor-spec"]["dtype"] for run in predicting] == ["int32", "int64", "int64"]
    assert silent.models[0].signature == ""


def test_an_example_is_of_before_the_training(record):
    """Five rows on request, as they were even if the fit overwrites its data."""
    autotrack.sklearn.autolog(log_input_examples=True)

    class Erasing(RegressorMixin, BaseEstimator):
        def fit(self, data, target):
            data[:] = 0
            return self

        def predict(self, data):
            return np.zeros(len(data))

    Erasing().fit(X.copy(), Y)
    kept = json.loads(record.run.file("model/input_example.json").read_text())
    assert kept == X[:5].tolist()


@pytest.mark.lenient
def test_a_model_that_cannot_be_pickled_costs_the_model_alone(record):
    """One warning; the training metrics are there, and the run is FINISHED."""

    class Locked(RegressorMixin, BaseEstimator):
        def fit(self, data, target):
            self.lock_ = threading.Lock()
            return self

        def predict(self, data):
            return np.zeros(len(data))

    with said() as lines:
        for _ in range(10):
            Locked().fit(X, Y)
    assert len([line for line in lines if "cannot be pickled" in line]) == len(lines) == 1
    assert {run.status for run in record.runs} == {"FINISHED"}
    assert {tuple(run.models) for run in record.runs} == {()}
    assert all("training_r2_score" in run.metrics for run in record.runs)


def test_a_failing_predict_costs_the_metrics_alone(record):
    """The model is kept, without a signature; the training's result is the program's."""

    class Mute(RegressorMixin, BaseEstimator):
        def fit(self, data, target):
            return self

        def predict(self, data):
            raise OSError("no")

    with said() as lines:
        assert isinstance(Mute().fit(X, Y), Mute)
    assert len(lines) == 1
    assert list(record.run.metrics) == ["fit_time"]
    assert [model.signature for model in record.run.models] == [""]


class Noisy(ClassifierMixin, BaseEstimator):
    """Predicts with whatever is global: generators, warnings."""

    def fit(self, data, target):
        self.classes_ = np.unique(target)
        return self

    def predict(self, data):
        random.random()
        warnings.warn("predicting", stacklevel=1)
        return np.random.choice(self.classes_, len(data))


def test_random_numbers_and_warnings_are_the_programs_own(record):
    """Predicting for the record moves no global generator and shows no warning; the program's own are shown."""
    np.random.seed(1)
    random.seed(1)
    filters = list(warnings.filters)
    before = np.random.get_state()[1].tolist(), random.getstate()
    model = Noisy().fit(X, Y)
    assert (np.random.get_state()[1].tolist(), random.getstate()) == before
    assert warnings.filters == filters
    with pytest.warns(UserWarning, match="predicting"):
        model.predict(X)
    assert "training_accuracy_score" in record.run.metrics


def test_warnings_are_shown_in_every_thread_but_the_one(record):
    """While one thread predicts for the record, another's warning is shown, and nothing of ours stays behind."""
    filters = list(warnings.filters)
    failures = []

    def fit():
        for _ in range(20):
            Noisy().fit(X, Y)

    def warn():
        try:
            for number in range(200):
                with pytest.warns(UserWarning, match="mine"):
                    warnings.warn(f"mine {number}", stacklevel=1)
        except BaseException as error:  # noqa: BLE001 - told to the test
            failures.append(error)

    threads = [threading.Thread(target=fit) for _ in range(3)] + [threading.Thread(target=warn)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert failures == []
    assert warnings.filters == filters


def test_verbose_models_print_what_they_print(capsys):
    """A forest reports its predictions too; those for the record are silent, also inside a pipeline."""

    def train():
        RandomForestClassifier(3, verbose=2, n_jobs=1, random_state=0).fit(X, Y)
        model = make_pipeline(StandardScaler(), RandomForestClassifier(3, verbose=2, random_state=0)).fit(X, Y)
        assert model[-1].verbose == 2
        said = capsys.readouterr()
        return [line.partition("elapsed")[0] for line in (said.out + said.err).splitlines()]

    autotrack.autolog(silent=True)
    recorded = train()
    autotrack.disable()
    assert recorded == train()


@pytest.mark.parametrize("make", [np.asarray, pd.DataFrame, scipy.sparse.csc_matrix, np.ndarray.tolist])
def test_data_stay_what_they_were(record, make):
    """Neither copied nor changed; arrays may be read-only."""
    data = make(X)
    if isinstance(data, np.ndarray):
        data.setflags(write=False)
    before = repr(data)
    Ridge().fit(data, Y)
    assert repr(data) == before
    assert record.run.status == "FINISHED"


def test_a_model_that_is_deleted_is_gone(record):
    """Nothing of ours keeps it alive."""
    model = DecisionTreeRegressor().fit(*load_diabetes(return_X_y=True))
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


@pytest.mark.slow
def test_ten_thousand_fits_leave_nothing_behind(store):
    """Memory and the number of threads stay flat."""
    import resource

    autotrack.sklearn.autolog(log_models=False)
    model = Ridge()

    def fits(count):
        for _ in range(count):
            model.fit(X, Y)
        gc.collect()
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, set(threading.enumerate())

    memory, threads = fits(2000)
    later, many = fits(8000)
    assert later - memory < 5_000  # KiB
    assert many <= threads


def test_a_model_becomes_the_next_version_of_a_registered_one(store):
    """Of a search the search itself, as in MLflow; of a loop what it ends with."""
    autotrack.sklearn.autolog(registered_model_name="flowers", max_tuning_runs=0)
    GaussianNB().fit(X, Y)
    GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9]}, cv=2).fit(X, Y)
    loop = GaussianNB().partial_fit(X, Y, classes=[0, 1, 2])
    loop.fit(X, Y)
    autotrack.sklearn.autolog(disable=True)
    versions = sorted(autotrack.search_model_versions(filter_string="name='flowers'"), key=lambda one: int(one.version))
    kinds = [type(autotrack.sklearn.load_model(f"models:/flowers/{one.version}")).__name__ for one in versions]
    assert kinds == ["GaussianNB", "GridSearchCV", "GaussianNB", "GaussianNB"]


@pytest.mark.lenient
def test_a_registry_that_refuses_costs_the_version_alone(record):
    """One warning, however many models; they are kept with their runs."""
    autotrack.sklearn.autolog(registered_model_name="no/name", max_tuning_runs=0)
    with said() as lines:
        GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9]}, cv=2).fit(X, Y)
        GaussianNB().fit(X, Y)
    assert len(lines) == 1
    assert [[model.name for model in run.models] for run in record.runs] == [["model", "best_estimator"], ["model"]]
