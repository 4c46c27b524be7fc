"""XGBoost's models in stock MLflow, and its runs beside those of MLflow's own autologging."""

import json
import logging
import warnings
from itertools import chain

import numpy as np
import pandas as pd
import pytest
import xgboost
from numpy.testing import assert_array_equal

import autotrack
from autotrack.testing import recorded, recording

RANDOM = np.random.default_rng(8)
X = RANDOM.normal(size=(90, 4))
FRAME = pd.DataFrame(X, columns=list("abcd"))
REAL = X[:, 0] + RANDOM.normal(size=90)
TWO, THREE, GROUPS = (REAL > 0).astype(int), np.arange(90) % 3, np.arange(90) // 15

BOOSTERS = {
    "gbtree": ({}, REAL),
    "dart": ({"booster": "dart", "rate_drop": 0.5}, REAL),
    "gblinear": ({"booster": "gblinear"}, REAL),
    "forest": ({"num_parallel_tree": 3, "subsample": 0.5}, REAL),
    "two": ({"objective": "binary:logistic"}, TWO),
    "softprob": ({"objective": "multi:softprob", "num_class": 3}, THREE),
    "softmax": ({"objective": "multi:softmax", "num_class": 3}, THREE),
    "targets": ({}, np.c_[REAL, -REAL]),
    "quantiles": ({"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.9]}, REAL),
    "counts": ({"objective": "count:poisson"}, THREE),
}
ESTIMATORS = {
    "XGBClassifier": TWO, "XGBRegressor": REAL, "XGBRanker": THREE, "XGBRFClassifier": THREE, "XGBRFRegressor": REAL,
    "XGBModel": REAL,
}  # fmt: skip
SLICE = ("dart", "gblinear", "softprob", "XGBClassifier", "XGBRFRegressor")
SLOW = [pytest.param(name, marks=[] if name in SLICE else pytest.mark.slow) for name in chain(BOOSTERS, ESTIMATORS)]


@pytest.fixture
def mlflow():
    """MLflow itself, which warns of its own code when it is loaded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow
        import mlflow.pyfunc
        import mlflow.xgboost
    return mlflow


def trained(name, data):
    """A model, and what it answers."""
    if name in BOOSTERS:
        params, target = BOOSTERS[name]
        matrix = xgboost.DMatrix(data, target)
        booster = xgboost.train({"nthread": 1, **params}, matrix, 3)
        return booster.predict(matrix)
    more = {"qid": GROUPS} if name == "XGBRanker" else {}
    return getattr(xgboost, name)(n_estimators=3, n_jobs=1).fit(data, ESTIMATORS[name], **more).predict(data)


@pytest.mark.parametrize("name", SLOW)
def test_stock_mlflow_loads_and_predicts_equally(store, mlflow, name):
    """Data with names and without, checked against the signature; in both of XGBoost's formats."""
    for data, form in ((X.astype(np.float32), "ubj"), (FRAME, "json")):
        autotrack.xgboost.autolog(model_format=form)
        expected = trained(name, data)
        autotrack.xgboost.autolog(disable=True)
        run = recorded(store)[-1]
        directory = run.file(run.models[0].path)
        assert (directory / f"model.{form}").is_file()
        checked = data if data is FRAME or name not in BOOSTERS else pd.DataFrame(data)
        assert_array_equal(mlflow.pyfunc.load_model(str(directory)).predict(checked), expected)
        assert_array_equal(autotrack.pyfunc.load_model(str(directory)).predict(checked), expected)


def programs():
    """Trainings that both record."""
    params = {"objective": "binary:logistic", "eval_metric": ["logloss", "error@0.7"], "max_depth": 2, "eta": 1.0}

    def train():
        one, two = xgboost.DMatrix(FRAME[:60], TWO[:60]), xgboost.DMatrix(FRAME[60:], TWO[60:])
        evals = [(one, "train"), (two, "test")]
        xgboost.train(params, one, num_boost_round=30, evals=evals, early_stopping_rounds=3, verbose_eval=False)

    def linear():
        xgboost.train({"booster": "gblinear", "nthread": 1}, xgboost.DMatrix(FRAME, REAL), 3)

    def classifier():
        model = xgboost.XGBClassifier(n_estimators=8, max_depth=2, early_stopping_rounds=3)
        model.fit(FRAME[:60], TWO[:60], eval_set=[(FRAME[60:], TWO[60:])], verbose=False)

    def regressor():
        xgboost.XGBRegressor(n_estimators=3).fit(X, REAL, eval_set=[(X, REAL), (X[:9], REAL[:9])], verbose=False)

    return train, linear, classifier, regressor


@pytest.mark.slow
@pytest.mark.lenient
@pytest.mark.filterwarnings("ignore")
def test_what_mlflow_records_is_recorded_under_the_same_keys_with_the_same_values(mlflow, tmp_path):
    """Parameters, points, importances, data sets and signature. MLflow adds to each curve one point more, the best
    value again after the last round; here it is ``best_score-<curve>``. The matrix that is trained on and evaluated is
    one data set here."""
    logging.getLogger("mlflow").setLevel("ERROR")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    client, theirs = mlflow.MlflowClient(), []
    mlflow.xgboost.autolog(log_input_examples=True)
    for program in programs():
        program()
        found = mlflow.last_active_run()
        run_id = found.info.run_id
        points = {
            key: [(point.step, point.value) for point in client.get_metric_history(run_id, key)]
            for key in found.data.metrics
        }
        weights = mlflow.artifacts.load_dict(f"{found.info.artifact_uri}/feature_importance_weight.json")
        model = mlflow.get_logged_model(found.outputs.model_outputs[0].model_id)
        signature = mlflow.models.get_model_info(model.model_uri).signature
        theirs.append((found, points, weights, signature))
    mlflow.xgboost.autolog(disable=True)
    mlflow.set_tracking_uri(before)

    with recording() as record:
        autotrack.xgboost.autolog()
        for program in programs():
            program()
        autotrack.xgboost.autolog(disable=True)
    for (found, points, weights, signature), run in zip(theirs, record.runs, strict=True):
        assert {key: run.params.get(key) for key in found.data.params} == found.data.params
        best = run.metrics.get("best_iteration", [None])[0]
        for key, theirs_too in points.items():
            ours = list(zip(run.steps[key], run.metrics[key], strict=True))
            repeated = [] if best is None or "-" not in key else [(len(ours), run.metrics[f"best_score-{key}"][0])]
            assert theirs_too == ours + repeated
        assert json.loads(run.file("feature_importance_weight.json").read_text()) == weights
        names = {one.dataset.name for one in found.inputs.dataset_inputs} - {"train"}
        assert names - {one.name for one in run.datasets} <= {"validation_0"}  # which is the training set
        assert json.loads(json.loads(run.models[0].signature)["outputs"]) == json.loads(
            json.dumps(signature.outputs.to_dict())
        )
