"""XGBoost's boosters, objectives, tree methods and estimators: recorded, each does what it does unrecorded."""

import json
import signal
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest
import xgboost
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from xgboost import collective
from xgboost.tracker import RabitTracker

import autotrack
from autotrack.models import infer_signature
from autotrack.testing import recorded, said

TUMOURS, PATIENTS, FLOWERS = (load(return_X_y=True) for load in (load_breast_cancer, load_diabetes, load_iris))
MANY = PATIENTS[0], np.c_[PATIENTS[1], PATIENTS[1] * 2]
TIMES = PATIENTS[0], PATIENTS[1] / 100

CASES = {
    "gbtree": ({}, PATIENTS),
    "exact": ({"tree_method": "exact"}, PATIENTS),
    "approx": ({"tree_method": "approx"}, PATIENTS),
    "lossguide": ({"tree_method": "hist", "grow_policy": "lossguide", "max_leaves": 4}, PATIENTS),
    "forest": ({"num_parallel_tree": 3, "subsample": 0.5, "colsample_bynode": 0.5}, PATIENTS),
    "dart": ({"booster": "dart", "rate_drop": 0.5}, PATIENTS),
    "gblinear": ({"booster": "gblinear", "updater": "coord_descent"}, PATIENTS),
    "gblinear of classes": (
        {"booster": "gblinear", "updater": "coord_descent", "objective": "multi:softprob", "num_class": 3}, FLOWERS,
    ),
    "logistic": ({"objective": "binary:logistic"}, TUMOURS),
    "hinge": ({"objective": "binary:hinge"}, TUMOURS),
    "softmax": ({"objective": "multi:softmax", "num_class": 3}, FLOWERS),
    "softprob": ({"objective": "multi:softprob", "num_class": 3}, FLOWERS),
    "counts": ({"objective": "count:poisson"}, FLOWERS),
    "gamma": ({"objective": "reg:gamma"}, TIMES),
    "survival": ({"objective": "survival:cox"}, TIMES),
    "quantiles": ({"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.5, 0.9]}, PATIENTS),
    "targets": ({}, MANY),
    "targets in one tree": ({"multi_strategy": "multi_output_tree", "tree_method": "hist"}, MANY),
    "stump": ({"max_depth": 1, "min_child_weight": 1e9}, PATIENTS),
}  # fmt: skip


def train(params, data, **more):
    """Booster, predictions and curves of a short training."""
    matrix, result = xgboost.DMatrix(*data), {}
    booster = xgboost.train(
        {"nthread": 1, "seed": 3, **params}, matrix, 3, evals=[(matrix, "train")], evals_result=result,
        verbose_eval=False, **more,
    )  # fmt: skip
    return booster, booster.predict(matrix), result


@pytest.mark.parametrize("case", CASES)
def test_a_booster_is_the_same_to_the_bit_and_known_whole(record, case):
    """Its predictions and curves; trees, importances and the signature are what it says itself."""
    params, data = CASES[case]
    booster, answer, result = train(params, data)
    run = record.run
    autotrack.disable()
    plain, expected, curves = train(params, data)
    assert bytes(booster.save_raw()) == bytes(plain.save_raw())
    assert np.array_equal(answer, expected)
    assert result == curves
    linear = "gblinear" in case
    assert run.metrics.get("trees") == (None if linear else [len(booster.get_dump())])
    for kind in ("weight",) if linear else ("weight", "gain", "cover", "total_gain", "total_cover"):
        found = json.loads(run.file(f"feature_importance_{kind}.json").read_text())
        assert found == booster.get_score(importance_type=kind)
    signature = json.loads(run.models[0].signature)
    assert signature["outputs"] == infer_signature(model_output=answer).to_dict()["outputs"]


ESTIMATORS = {
    "two classes": (xgboost.XGBClassifier, {}, TUMOURS),
    "classes": (xgboost.XGBClassifier, {}, FLOWERS),
    "softmax": (xgboost.XGBClassifier, {"objective": "multi:softmax"}, FLOWERS),
    "labels": (xgboost.XGBClassifier, {}, (PATIENTS[0], np.c_[PATIENTS[1] > 100, PATIENTS[1] > 200].astype(int))),
    "numbers": (xgboost.XGBRegressor, {}, PATIENTS),
    "several numbers": (xgboost.XGBRegressor, {}, MANY),
    "forest of classes": (xgboost.XGBRFClassifier, {}, FLOWERS),
    "forest of numbers": (xgboost.XGBRFRegressor, {}, PATIENTS),
}


@pytest.mark.parametrize("case", ESTIMATORS)
def test_an_estimators_signature_is_that_of_its_predictions(record, case):
    """Though none is made to find out."""
    cls, params, data = ESTIMATORS[case]
    model = cls(n_estimators=2, n_jobs=1, **params).fit(*data)
    assert json.loads(record.run.models[0].signature) == infer_signature(data[0], model.predict(data[0])).to_dict()


def test_what_an_estimator_of_the_programs_own_answers_is_its_affair(record):
    """So the signature tells only what it takes."""

    class Named(xgboost.XGBClassifier):
        def predict(self, X, **more):  # noqa: N803 - as it is called there
            raise AssertionError("nobody asked")

    Named(n_estimators=1).fit(*FLOWERS)
    signature = json.loads(record.run.models[0].signature)
    assert signature["inputs"]
    assert signature["outputs"] is None


def test_an_estimators_parameters_are_its_own_and_what_xgboost_filled_in(record):
    """None of them under two names; and what its `fit` hands on, as MLflow records it."""
    model = xgboost.XGBClassifier(n_estimators=2, learning_rate=0.5, n_jobs=1).fit(*FLOWERS)
    params = record.run.params
    passed = {"num_boost_round": "2", "maximize": "None", "verbose_eval": "True", "custom_metric": "None"}
    assert {name: params[name] for name in passed} == passed
    assert {name for name in params if not name.startswith("config.")} == {*model.get_params(), *passed}
    assert params["objective"] == "multi:softprob"
    assert (params["max_depth"], params["config.max_depth"]) == ("None", "6")
    assert params.keys().isdisjoint({"config.learning_rate", "config.nthread", "config.objective", "config.eta"})


def test_importances_may_be_chosen(record):
    """Under the name of MLflow's option."""
    autotrack.xgboost.autolog(importance_types=["gain"])
    train({}, PATIENTS)
    assert [name for name in record.run.artifacts if "importance" in name] == ["feature_importance_gain.json"]


def test_continued_training_goes_on_where_the_first_ended(record):
    """Steps count on, so that the best iteration is one of them."""
    first, _, _ = train({}, PATIENTS)
    matrix = xgboost.DMatrix(*PATIENTS)
    more = {"evals": [(matrix, "train")], "early_stopping_rounds": 5, "xgb_model": first, "verbose_eval": False}
    booster = xgboost.train({"nthread": 1}, matrix, 4, **more)
    run = record.runs[1]
    assert run.steps["train-rmse"] == [3, 4, 5, 6]
    assert run.metrics["trees"] == [7]
    assert run.metrics["best_iteration"] == [booster.best_iteration] == run.metrics["stopped_iteration"] == [6]
    assert run.metrics["best_score-train-rmse"] == [booster.best_score]


@pytest.mark.filterwarnings("ignore:.*specified the `updater` parameter", "ignore:Exception ignored")
def test_trees_that_are_only_refreshed_count_from_the_first(record):
    """As nothing is added to them."""
    first, _, _ = train({}, PATIENTS)
    train({"process_type": "update", "updater": "refresh", "refresh_leaf": True}, PATIENTS, xgb_model=first)
    assert record.runs[1].steps["train-rmse"] == [0, 1, 2]
    assert record.runs[1].metrics["trees"] == [3]


def test_the_best_model_alone_may_be_kept(record):
    """By XGBoost's ``save_best``, which cuts the booster."""
    data = TUMOURS[0][::2], TUMOURS[1][::2]
    held_out = xgboost.DMatrix(TUMOURS[0][1::2], TUMOURS[1][1::2])
    stopping = xgboost.callback.EarlyStopping(rounds=2, save_best=True)
    params = {"objective": "binary:logistic", "eta": 1, "nthread": 1}
    booster = xgboost.train(
        params, xgboost.DMatrix(*data), 99, evals=[(held_out, "test")], callbacks=[stopping], verbose_eval=False
    )
    metrics = record.run.metrics
    assert metrics["trees"] == [booster.best_iteration + 1] == [metrics["best_iteration"][0] + 1]
    assert metrics["best_score-test-logloss"] == [booster.best_score] == [min(metrics["test-logloss"])]


def test_what_a_metric_trains_for_itself_is_not_mixed_in(record):
    """Only the outermost training is recorded, and has only its own rounds."""

    def inner(predicted, data):
        other = xgboost.train({"nthread": 1}, xgboost.DMatrix(*PATIENTS), 2)
        return "inner", float(other.best_iteration if hasattr(other, "best_iteration") else 0)

    train({}, PATIENTS, custom_metric=inner)
    assert record.run.steps["round_time"] == [0, 1, 2]
    assert record.run.metrics["trees"] == [3]


def test_a_metric_that_comes_twice_in_a_round_keeps_both_values(record):
    """As XGBoost does."""

    def again(predicted, data):
        return [("again", 1.0), ("again", 2.0)]

    _, _, result = train({}, PATIENTS, custom_metric=again)
    assert record.run.metrics["train-again"] == result["train"]["again"] == [1.0, 2.0] * 3
    assert record.run.steps["train-again"] == [0, 0, 1, 1, 2, 2]


def test_of_processes_that_train_together_the_first_records(record):
    """Whose curves and model are those of all."""
    tracker = RabitTracker(host_ip="127.0.0.1", n_workers=2)
    tracker.start()

    def work():
        with collective.CommunicatorContext(**tracker.worker_args()):
            rank = collective.get_rank()
            train({}, (PATIENTS[0][rank::2], PATIENTS[1][rank::2]))

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    tracker.wait_for()
    assert record.run.steps["train-rmse"] == [0, 1, 2]


def test_a_training_that_is_killed_keeps_its_rounds(store):
    """Each is in the record before the next begins, and what XGBoost filled in with the first."""
    program = """
        import os, signal, autotrack, xgboost, numpy as np
        autotrack.autolog()
        class Die(xgboost.callback.TrainingCallback):
            def after_iteration(self, model, epoch, evals_log):
                if epoch == 7:
                    os.kill(os.getpid(), signal.SIGKILL)
        data = np.random.default_rng(1).normal(size=(100, 3))
        train = xgboost.DMatrix(data, data[:, 0])
        xgboost.train({"nthread": 1}, train, 20, evals=[(train, "train")], callbacks=[Die()])
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=False)
    assert done.returncode == -signal.SIGKILL
    (run,) = recorded(store)
    assert run.steps["train-rmse"] == list(range(8))
    assert run.params["config.max_depth"] == "6"
    assert len(run.datasets) == 1


def test_of_trainings_on_a_cluster_it_is_said_once_that_they_are_not_recorded():
    """Dask or Spark need not be installed for this test, so the hook is called as it would be by theirs."""
    from autotrack_xgboost.elsewhere import not_recorded

    with said() as lines:
        for _ in range(3):
            assert not_recorded(None, (), {}) is None
    assert len(lines) == 1
    assert "are not recorded" in lines[0]
