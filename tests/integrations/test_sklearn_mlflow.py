"""Programs that MLflow's autologging of scikit-learn records wrongly, in part or not at all: here they are recorded."""

import errno
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - makes the class importable
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, cross_val_score
from sklearn.naive_bayes import GaussianNB

import autotrack
from autotrack.testing import said

X, Y = load_iris(return_X_y=True)


@pytest.fixture(autouse=True)
def without_models(record):
    """Which these tests do not look at."""
    autotrack.sklearn.autolog(log_models=False)


def side_by_side(*programs):
    """Run each in a thread of its own, all between the same two moments."""
    barrier = threading.Barrier(len(programs))

    def run(program):
        barrier.wait()
        program()
        barrier.wait()

    threads = [threading.Thread(target=run, args=(program,)) for program in programs]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]


def test_fits_in_four_threads_are_four_complete_runs(record):
    """There, three of them are empty."""
    side_by_side(*[lambda: GaussianNB().fit(X, Y)] * 4)
    assert len(record.runs) == 4
    assert all("training_roc_auc" in run.metrics and "var_smoothing" in run.params for run in record.runs)


def test_a_run_of_the_programs_own_is_complete_while_another_thread_trains(record):
    """There, it has neither parameters nor metrics."""

    def mine():
        with autotrack.start_run(run_name="mine"):
            Ridge(alpha=2).fit(X, Y)

    side_by_side(mine, lambda: GaussianNB().fit(X, Y))
    (run,) = [run for run in record.runs if run.name == "mine"]
    assert run.params["alpha"] == "2"
    assert "training_r2_score" in run.metrics


@pytest.mark.lenient
def test_when_recording_fails_after_the_training_what_can_be_kept_is_kept(record, monkeypatch):
    """There, the run is FAILED and all metrics are lost; here, one line is about files, one about the model."""

    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    autotrack.sklearn.autolog(log_models=True)
    with said() as lines, monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        GaussianNB().fit(X, Y)
    assert record.run.status == "FINISHED"
    assert "training_accuracy_score" in record.run.metrics
    assert len(lines) == 2
    assert all("No space left" in line for line in lines)


def test_two_fits_in_one_run_do_not_mix(record):
    """There, the second one's parameters are lost, and its metrics are the first one's."""
    with autotrack.start_run():
        Ridge(alpha=1).fit(X, Y)
        Ridge(alpha=9).fit(X, Y)
    first, second = record.runs
    assert (first.params["alpha"], second.params["alpha"]) == ("1", "9")
    assert second.parent == first.run_id
    assert {len(run.metrics["training_r2_score"]) for run in record.runs} == {1}


def test_recording_goes_on_after_the_outermost_of_nested_blocks_without(record):
    """There, it does after the innermost."""
    with autotrack.disable_autologging():
        with autotrack.disable_autologging():
            Ridge().fit(X, Y)
        model = GaussianNB().fit(X, Y)
        cross_val_score(GaussianNB(), X, Y, cv=2)
        GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=2).fit(X, Y)
        SGDClassifier().partial_fit(X, Y, classes=[0, 1, 2])
        accuracy_score(Y, model.predict(X))
        assert record.runs == []
    GaussianNB().fit(X, Y)
    assert record.run.name == "GaussianNB"


def test_options_are_what_they_were_after_a_block_without_recording_that_raised(record):
    """There, they are the defaults, or recording stays off."""
    autotrack.sklearn.autolog(log_models=False, extra_tags={"team": "a"})
    with pytest.raises(KeyError), autotrack.disable_autologging():
        raise KeyError
    GaussianNB().fit(X, Y)
    assert record.run.tags["team"] == "a"
    assert record.run.models == []


def test_a_block_without_recording_is_of_its_own_thread(record):
    """What another one trains meanwhile is recorded."""
    with autotrack.disable_autologging():
        thread = threading.Thread(target=lambda: Ridge().fit(X, Y))
        thread.start()
        thread.join()
        GaussianNB().fit(X, Y)
    assert record.run.name == "Ridge"


def test_what_came_before_an_interruption_is_kept(record):
    """There, points that were not written yet are lost."""
    model = SGDClassifier(random_state=0)
    for _ in range(3):
        model.partial_fit(X, Y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="NaN"):
        model.partial_fit(np.full_like(X, np.nan), Y)
    assert record.run.status == "FAILED"
    assert len(record.run.metrics["training_score"]) == 3


class Leaving(ClassifierMixin, BaseEstimator):
    """Has the program end."""

    def fit(self, data, target):
        sys.exit(3)


def test_a_fit_that_ends_the_program_has_failed(record):
    """There, its run stays open: the next fit is recorded in it, and in the end it is FINISHED."""
    with pytest.raises(SystemExit):
        Leaving().fit(X, Y)
    GaussianNB().fit(X, Y)
    assert [(run.name, run.status) for run in record.runs] == [("Leaving", "FAILED"), ("GaussianNB", "FINISHED")]


def test_candidates_of_a_search_on_lists_have_runs(record):
    """There, they have none."""
    GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1e-3]}, cv=2).fit(X.tolist(), Y.tolist())
    assert [run.parent for run in record.runs[1:]] == [record.runs[0].run_id] * 2


def test_without_data_sets_there_are_none(record):
    """There, candidates have theirs all the same."""
    autotrack.sklearn.autolog(log_models=False, log_datasets=False)
    GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1e-3]}, cv=2).fit(X, Y).score(X, Y)
    assert [run.datasets for run in record.runs] == [[], [], []]


class Own(ClassifierMixin, BaseEstimator):
    """An estimator of the program's own."""

    def fit(self, data, target):
        self.classes_ = np.unique(target)
        return self

    def predict(self, data):
        return np.where(data[:, 2] > 2.5, 1, 0)


def test_estimators_of_ones_own_loops_and_searches_by_halving_are_recorded(record):
    """There, nothing is, or not what was tried."""
    Own().fit(X, Y)
    model = SGDClassifier(random_state=0)
    [model.partial_fit(X, Y, classes=[0, 1, 2]) for _ in range(2)]
    HalvingGridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1e-3]}, cv=2, random_state=0).fit(X, Y)
    own, loop, search = [run for run in record.runs if run.parent is None]
    assert "training_accuracy_score" in own.metrics
    assert loop.steps["training_score"] == [0, 1]
    assert "best_var_smoothing" in search.params
    assert search.params["estimator__var_smoothing"] == "1e-09"
    assert len([run for run in record.runs if run.parent == search.run_id]) >= 2


def test_a_metric_that_was_imported_before_is_recorded(record):
    """There, a name bound by ``from sklearn.metrics import …`` before ``autolog()`` is not seen, nor a sliced list."""
    test, truth = X[::2].copy(), Y[::2]
    labels = LogisticRegression(max_iter=500).fit(X, Y).predict(test).tolist()
    value = accuracy_score(truth, labels)
    assert [(point.key, point.value) for point in record.run.after_end] == [("accuracy_score_test", value)]
