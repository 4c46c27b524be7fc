"""Loops that call LightGBM's `Booster.update` themselves."""

import json

import lightgbm
import numpy as np
import pytest
from numpy.testing import assert_array_equal

import autotrack

RANDOM = np.random.default_rng(4)
X = RANDOM.normal(size=(200, 3))
Y = (X[:, 0] > 0).astype(int)
PARAMS = {"objective": "binary", "metric": ["auc", "binary_logloss"], "num_leaves": 4, "num_threads": 1, "verbose": -1}


@pytest.fixture
def train():
    """Training data."""
    return lightgbm.Dataset(X, Y)


def test_a_loop_is_one_run(record, train):
    """With the time of each round, what the program evaluates, and in the end the model."""
    booster, seen = lightgbm.Booster(PARAMS, train), []
    booster.add_valid(lightgbm.Dataset(X[:50], Y[:50], reference=train), "held(out)")
    for _ in range(4):
        booster.update()
        booster.eval_train()
        seen += [found[2] for found in booster.eval_valid() if found[1] == "binary_logloss"]
    record.finish()
    run = record.run
    assert run.metrics["held(out)-binary_logloss"] == seen
    assert run.steps["training-auc"] == run.steps["held(out)-auc"] == run.steps["round_time"] == [0, 1, 2, 3]
    assert (run.params["num_leaves"], run.params["learning_rate"]) == ("4", "0.1")
    assert run.metrics["trees"] == [4]
    assert (run.name, run.status, [one.context for one in run.datasets]) == ("LightGBM binary", "FINISHED", ["train"])
    assert "feature_importance_gain.json" in run.artifacts
    assert_array_equal(autotrack.lightgbm.load_model(run.file("model")).predict(X), booster.predict(X))
    assert len(json.loads(json.loads(run.models[0].signature)["inputs"])) == 3


def test_loops_side_by_side_do_not_mix(record, train):
    """Each booster has its run."""
    boosters = [lightgbm.Booster({**PARAMS, "max_depth": depth}, train) for depth in (1, 2)]
    for _ in range(3):
        for booster in boosters:
            booster.update()
            booster.eval_train()
    record.finish()
    assert [run.steps["training-auc"] for run in record.runs] == [[0, 1, 2]] * 2
    assert [run.params["max_depth"] for run in record.runs] == ["1", "2"]


def test_a_booster_that_was_let_go_leaves_no_model(record, train):
    """But its curves, and a word about it, when the next training begins."""
    booster = lightgbm.Booster(PARAMS, train)
    booster.update()
    del booster
    assert record.runs[0].status == ""
    lightgbm.train(PARAMS, lightgbm.Dataset(X, Y), 1)
    loop = record.runs[0]
    assert (loop.status, loop.models) == ("FINISHED", [])
    assert "not kept" in loop.tags["autotrack.lightgbm.model"]


def test_a_round_that_raises_ends_the_run(record, train):
    """As failed, with the rounds before it."""
    booster, error = lightgbm.Booster(PARAMS, train), ValueError("mine")
    booster.update()

    def failing(predicted, data):
        raise error

    with pytest.raises(ValueError, match="mine") as raised:
        booster.update(fobj=failing)
    assert raised.value is error
    assert record.run.status == "FAILED"
    assert record.run.steps["round_time"] == [0]


def test_in_the_programs_own_run_the_loop_is_recorded_there(record, train):
    """It ends when that does."""
    with autotrack.start_run(run_name="mine"):
        booster = lightgbm.Booster(PARAMS, train)
        for _ in range(2):
            booster.update()
    assert (record.run.name, record.run.steps["round_time"], len(record.run.models)) == ("mine", [0, 1], 1)


def test_trainings_of_lightgbms_own_are_no_loops(record):
    """Which call the same methods."""
    lightgbm.train(PARAMS, lightgbm.Dataset(X, Y), 2, [lightgbm.Dataset(X, Y)])
    lightgbm.cv(PARAMS, lightgbm.Dataset(X, Y), 2, nfold=2)
    lightgbm.LGBMClassifier(n_estimators=2, n_jobs=1, verbose=-1).fit(X, Y)
    assert [run.name for run in record.runs] == ["LightGBM binary", "LightGBM cv binary", "LGBMClassifier"]
