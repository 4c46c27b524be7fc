"""`xgboost.cv`, recorded."""

import numpy as np
import pytest
import xgboost
from sklearn.datasets import load_breast_cancer

DATA = xgboost.DMatrix(*load_breast_cancer(return_X_y=True))
PARAMS = {"objective": "binary:logistic", "max_depth": 2, "nthread": 1}


def test_mean_and_spread_of_every_round_are_curves(record):
    """Under XGBoost's own names, equal to what it returns."""
    found = xgboost.cv(PARAMS, DATA, 5, nfold=3, metrics=["logloss", "auc"], seed=1)
    run = record.run
    assert {column: run.metrics[column] for column in found} == {column: list(found[column]) for column in found}
    assert run.steps["test-auc-mean"] == [0, 1, 2, 3, 4]
    assert (run.name, run.status, run.params["nfold"]) == ("XGBoost cv binary:logistic", "FINISHED", "3")
    assert run.params["config.learning_rate"] == "0.3"
    assert [one.context for one in run.datasets] == ["train"]
    assert run.models == []


@pytest.mark.parametrize("how", ["argument", "callback"])
def test_the_best_round_is_told_where_xgboost_looked_for_it(record, how):
    """Its table ends with it, the curves with the last that was trained."""
    stopping = [xgboost.callback.EarlyStopping(rounds=2)]
    more = {"early_stopping_rounds": 2} if how == "argument" else {"callbacks": stopping}
    found = xgboost.cv({**PARAMS, "eta": 1}, DATA, 99, metrics="logloss", as_pandas=False, **more)
    metrics, rounds = record.run.metrics, len(found["test-logloss-mean"])
    assert metrics["test-logloss-mean"][:rounds] == found["test-logloss-mean"]
    assert metrics["best_iteration"] == [rounds - 1]
    assert metrics["best_score-test-logloss-mean"] == found["test-logloss-mean"][-1:]
    assert metrics["best_score-test-logloss-std"] == found["test-logloss-std"][-1:]
    assert metrics["stopped_iteration"] == [len(metrics["test-logloss-mean"]) - 1]


def test_a_custom_metric_and_objective_are_followed(record):
    """As in `train`."""

    def squared(predicted, data):
        return predicted - data.get_label(), np.ones_like(predicted)

    def far(predicted, data):
        return "far", float(np.abs(predicted - data.get_label()).max())

    found = xgboost.cv({"nthread": 1}, DATA, 2, obj=squared, custom_metric=far, as_pandas=False)
    assert record.run.metrics["test-far-mean"] == found["test-far-mean"]
    assert record.run.params["custom_metric"].endswith("far")


def test_one_that_raises_keeps_its_rounds(record):
    """And has failed."""

    class Failing(xgboost.callback.TrainingCallback):
        def after_iteration(self, model, epoch, evals_log):
            if epoch == 2:
                raise ValueError("mine")
            return False

    with pytest.raises(ValueError, match="mine"):
        xgboost.cv(PARAMS, DATA, 9, callbacks=[Failing()])
    assert record.run.steps["test-logloss-mean"] == [0, 1, 2]
    assert record.run.status == "FAILED"
