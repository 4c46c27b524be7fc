"""A loop over `partial_fit` is one run with a curve, told apart from whatever else is trained meanwhile."""

import gc
import subprocess
import sys

import joblib
import numpy as np
import pytest
from sklearn.cluster import MiniBatchKMeans
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import IncrementalPCA
from sklearn.linear_model import Ridge, SGDClassifier, SGDRegressor
from sklearn.multioutput import MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import StandardScaler

import autotrack
from autotrack.testing import recorded

X, Y = load_iris(return_X_y=True)
PATIENTS = load_diabetes(return_X_y=True)
CLASSES = np.unique(Y)


def loop(model, calls=3):
    """The usual loop over batches; returns the score on each batch after its call."""
    scores = []
    for number in range(calls):
        batch = slice(number, None, calls)
        model.partial_fit(X[batch], Y[batch], classes=CLASSES)
        scores.append(model.score(X[batch], Y[batch]))
    return scores


def test_a_loop_is_one_run_with_a_point_for_each_call(record):
    """Counted from 0, with the score on the very batch."""
    model = GaussianNB()
    scores = loop(model)
    record.finish()
    run = record.run
    assert (run.name, run.status) == ("GaussianNB", "FINISHED")
    assert run.metrics["training_score"] == scores
    assert run.steps["training_score"] == [0, 1, 2]
    assert run.metrics["partial_fit_calls"] == [3]
    assert run.metrics["fit_time"][0] > 0
    assert run.params["var_smoothing"] == "1e-09"
    assert run.tags["estimator_name"] == "GaussianNB"
    (kept,) = run.models
    assert kept.signature
    loaded = autotrack.sklearn.load_model(str(run.file("model")), trust=True)
    assert np.array_equal(loaded.theta_, model.theta_)


def test_what_an_estimator_knows_of_its_loss_is_a_curve(record):
    """`loss_` and `inertia_`, as they are after each call."""
    network, clusters, losses, inertias = MLPRegressor(hidden_layer_sizes=(4,)), MiniBatchKMeans(3, n_init=1), [], []
    for _ in range(3):
        losses.append(network.partial_fit(*PATIENTS).loss_)
        inertias.append(clusters.partial_fit(X).inertia_)
    record.finish()
    first, second = record.runs
    assert first.metrics["loss"] == losses
    assert second.metrics["inertia"][:3] == inertias


def test_loops_that_take_turns_do_not_mix(record):
    """One run each, whatever is trained between the calls."""
    models = [SGDRegressor(alpha=alpha) for alpha in (0.1, 0.2, 0.3)]
    for _ in range(12):
        for model in models:
            model.partial_fit(*PATIENTS)
        Ridge().fit(*PATIENTS)
    record.finish()
    runs = [run for run in record.runs if run.name == "SGDRegressor"]
    assert [run.params["alpha"] for run in runs] == ["0.1", "0.2", "0.3"]
    assert [run.metrics["partial_fit_calls"] for run in runs] == [[12]] * 3


def test_a_loop_ends_when_the_estimator_is_fitted_afresh(record):
    """That is another run, which says that it is not the first of this estimator."""
    model = SGDClassifier()
    loop(model)
    model.fit(X, Y)
    first, second = record.runs
    assert (first.status, second.status) == ("FINISHED", "FINISHED")
    assert first.metrics["partial_fit_calls"] == [3]
    assert second.tags["autotrack.sklearn.fit_number"] == "2"
    assert second.tags["autotrack.sklearn.previous_run_id"] == first.run_id
    loop(model)
    assert record.runs[2].tags["autotrack.sklearn.fit_number"] == "3"


def test_a_loop_ends_when_the_estimator_is_let_go(record):
    """At the next training: nothing is written while Python collects garbage."""
    loop(SGDClassifier())
    gc.collect()
    assert record.run.status == ""
    Ridge().fit(*PATIENTS)
    assert record.runs[0].status == "FINISHED"
    assert record.runs[0].models == []
    assert "let it go" in record.runs[0].tags["autotrack.sklearn.model"]


def test_a_loop_ends_when_many_other_trainings_have_come_since(record):
    """Its estimator may live on in a notebook; one that goes on after all has a second run."""
    model = SGDClassifier()
    loop(model)
    for alpha in range(1, 10):
        Ridge(alpha=alpha).fit(*PATIENTS)
    assert record.runs[0].status == "FINISHED"
    assert len(record.runs[0].models) == 1
    loop(model, 2)
    record.finish()
    assert record.runs[-1].metrics["partial_fit_calls"] == [2]
    assert record.runs[-1].tags["autotrack.sklearn.previous_run_id"] == record.runs[0].run_id


def test_a_loop_belongs_to_the_users_own_run(record):
    """A second one goes below it; both end with it."""
    with autotrack.start_run():
        one, other = SGDClassifier(), GaussianNB()
        loop(one)
        loop(other, 2)
        autotrack.log_metric("mine", 1)
    outer, inner = record.runs
    assert (outer.name, outer.metrics["partial_fit_calls"], outer.metrics["mine"]) == ("SGDClassifier", [3], [1])
    assert (inner.name, inner.parent, inner.status) == ("GaussianNB", outer.run_id, "FINISHED")


def test_a_call_that_raises_ends_the_run_as_failed(record):
    """With the program's exception; a later call is another run."""
    model = SGDClassifier()
    with pytest.raises(ValueError, match="classes must be passed"):
        model.partial_fit(X, Y)
    loop(model)
    record.finish()
    failed, later = record.runs
    assert failed.status == "FAILED"
    assert "classes must be passed" in failed.error
    assert later.status == "FINISHED"


def test_what_only_transforms_makes_no_run(record):
    """Scalers and decompositions learn batch by batch too."""
    StandardScaler().partial_fit(X)
    IncrementalPCA(2).partial_fit(X)
    assert record.runs == []


def test_members_of_an_estimator_belong_to_it(record):
    """Each target has its own inside; in workers too."""
    targets = np.column_stack([PATIENTS[1], -PATIENTS[1]])
    model = MultiOutputRegressor(SGDRegressor(), n_jobs=2)
    with joblib.parallel_config(backend="threading"):
        for _ in range(2):
            model.partial_fit(PATIENTS[0], targets)
    record.finish()
    assert record.run.metrics["partial_fit_calls"] == [2]


def test_scoring_the_batches_takes_a_small_part_of_the_time(record, monkeypatch):
    """Then the curve has gaps; what is trained is the same."""
    monkeypatch.setattr("autotrack_sklearn.partial_fits.LEAST", 0)
    monkeypatch.setattr("autotrack_sklearn.partial_fits.FEW_CALLS", 0)
    with_us, alone = SGDClassifier(random_state=0), SGDClassifier(random_state=0)
    for _ in range(40):
        with_us.partial_fit(X, Y, classes=CLASSES)
    record.finish()
    assert 1 <= len(record.run.metrics["training_score"]) < 40
    autotrack.disable()
    for _ in range(40):
        alone.partial_fit(X, Y, classes=CLASSES)
    assert np.array_equal(with_us.coef_, alone.coef_)


def test_options_leave_parts_out(record):
    """Neither scores nor a model."""
    autotrack.sklearn.autolog(log_models=False, log_training_metrics=False)
    model = GaussianNB().partial_fit(X, Y, classes=CLASSES)
    assert model.partial_fit(X, Y) is model
    record.finish()
    assert set(record.run.metrics) == {"partial_fit_calls", "fit_time"}
    assert record.run.models == []


PROGRAM = """
import numpy as np
from sklearn.linear_model import SGDClassifier
import autotrack

autotrack.autolog()
model = SGDClassifier()
for _ in range(3):
    model.partial_fit(np.eye(4), [0, 1, 0, 1], classes=[0, 1])
"""


def test_a_loop_ends_with_the_program(store):
    """With its model."""
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=120)
    (run,) = recorded(store)
    assert run.status == "FINISHED"
    assert run.metrics["partial_fit_calls"] == [3]
    assert len(run.models) == 1
