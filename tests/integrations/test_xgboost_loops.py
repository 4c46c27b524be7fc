"""Loops that call `Booster.update` themselves."""

import json

import numpy as np
import pytest
import xgboost
from sklearn.datasets import load_diabetes

import autotrack

DATA, TARGET = load_diabetes(return_X_y=True)
PARAMS = {"max_depth": 2, "nthread": 1, "eta": 0.2}


@pytest.fixture
def matrix():
    """Training data."""
    return xgboost.DMatrix(DATA, TARGET)


def test_a_loop_is_one_run(record, matrix):
    """With the time of each round, what the program evaluates, and in the end the model."""
    booster, texts = xgboost.Booster(PARAMS, [matrix]), []
    for at in range(4):
        booster.update(matrix, at)
        texts.append(booster.eval_set([(matrix, "train"), (matrix, "b-c")], at))
    record.finish()
    run = record.run
    assert run.metrics["train-rmse"] == [float(text.split("\t")[1].split(":")[1]) for text in texts]
    assert run.steps["b-c-rmse"] == run.steps["round_time"] == [0, 1, 2, 3]
    assert run.params["config.learning_rate"] == "0.2"
    assert run.metrics["trees"] == [4]
    assert (run.name, run.status, [one.context for one in run.datasets]) == (
        "XGBoost reg:squarederror", "FINISHED", ["train"],
    )  # fmt: skip
    loaded = autotrack.xgboost.load_model(run.file("model"))
    assert np.array_equal(loaded.predict(matrix), booster.predict(matrix))
    assert json.loads(run.models[0].signature)["inputs"]


def test_steps_count_up_whatever_the_program_says(record, matrix):
    """Which may always say 0; gradients may be its own."""
    booster = xgboost.Booster(PARAMS, [matrix])
    for _ in range(3):
        residual = booster.predict(matrix, output_margin=True) - TARGET if _ else -TARGET
        booster.boost(matrix, 0, grad=residual, hess=np.ones_like(residual))
        booster.eval(matrix)
    record.finish()
    assert record.run.steps["round_time"] == record.run.steps["eval-rmse"] == [0, 1, 2]


def test_loops_side_by_side_do_not_mix(record, matrix):
    """Each booster has its run."""
    boosters = [xgboost.Booster({**PARAMS, "max_depth": depth}, [matrix]) for depth in (1, 2, 3)]
    for at in range(3):
        for booster in boosters:
            booster.update(matrix, at)
            booster.eval(matrix, "eval", at)
    record.finish()
    assert [run.steps["eval-rmse"] for run in record.runs] == [[0, 1, 2]] * 3
    assert [run.params["config.max_depth"] for run in record.runs] == ["1", "2", "3"]


def test_a_booster_that_was_let_go_leaves_no_model(record, matrix):
    """But its curves, and a word about it, when the next training begins; nothing happens in a finalizer."""
    booster = xgboost.Booster(PARAMS, [matrix])
    booster.update(matrix, 0)
    del booster
    assert record.runs[0].status == ""
    xgboost.train(PARAMS, matrix, 1)
    loop = record.runs[0]
    assert loop.status == "FINISHED"
    assert loop.models == []
    assert "not kept" in loop.tags["autotrack.xgboost.model"]


def test_a_round_that_raises_ends_the_run(record, matrix):
    """As failed, with the rounds before it."""
    booster = xgboost.Booster(PARAMS, [matrix])
    booster.update(matrix, 0)
    error = ValueError("mine")

    def failing(predicted, data):
        raise error

    with pytest.raises(ValueError, match="mine") as raised:
        booster.update(matrix, 1, failing)
    assert raised.value is error
    assert record.run.status == "FAILED"
    assert record.run.steps["round_time"] == [0]


def test_in_the_programs_own_run_the_loop_is_recorded_there(record, matrix):
    """It ends when that does."""
    with autotrack.start_run(run_name="mine"):
        booster = xgboost.Booster(PARAMS, [matrix])
        for at in range(2):
            booster.update(matrix, at)
    assert record.run.name == "mine"
    assert record.run.steps["round_time"] == [0, 1]
    assert len(record.run.models) == 1


def test_trainings_of_xgboosts_own_are_no_loops(record, matrix):
    """Which call the same methods."""
    xgboost.train(PARAMS, matrix, 2, evals=[(matrix, "train")])
    xgboost.cv(PARAMS, matrix, 2)
    xgboost.XGBRegressor(n_estimators=2).fit(DATA, TARGET)
    assert [run.name for run in record.runs] == ["XGBoost", "XGBoost cv", "XGBRegressor"]


def test_going_on_after_a_training_is_a_run_of_its_own(record, matrix):
    """It counts on from where the program does."""
    booster = xgboost.train(PARAMS, matrix, 3)
    booster.update(matrix, 3)
    record.finish()
    assert [run.steps["round_time"] for run in record.runs] == [[0, 1, 2], [3]]
