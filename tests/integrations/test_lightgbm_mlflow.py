"""LightGBM's models in stock MLflow, and its runs beside those of MLflow's own autologging."""

import json
import logging
import warnings

import lightgbm
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

import autotrack
from autotrack.testing import recorded, recording

RANDOM = np.random.default_rng(8)
X = RANDOM.normal(size=(120, 4))
FRAME = pd.DataFrame(X, columns=list("abcd"))
REAL = X[:, 0] + RANDOM.normal(size=120)
TWO, THREE = (REAL > 0).astype(int), np.arange(120) % 3
QUIET = {"num_threads": 1, "verbose": -1, "num_leaves": 4}
BOOSTERS = {
    "dart": ({"boosting": "dart"}, REAL),
    "forest": ({"boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1}, REAL),
    "classes": ({"objective": "multiclass", "num_class": 3}, THREE),
    "ranks": ({"objective": "lambdarank"}, THREE),
}
ESTIMATORS = {"LGBMClassifier": THREE, "LGBMRegressor": REAL, "LGBMRanker": THREE, "LGBMModel": REAL}


@pytest.fixture
def mlflow():
    """MLflow itself, which warns of its own code when it is loaded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow
        import mlflow.lightgbm
        import mlflow.pyfunc
    return mlflow


@pytest.mark.slow
@pytest.mark.parametrize("name", [*BOOSTERS, *ESTIMATORS])
def test_stock_mlflow_loads_and_predicts_equally(store, mlflow, name):
    """Data with names and without, checked against the signature."""
    group = [60, 60] if name in ("ranks", "LGBMRanker") else None
    for data in (X, FRAME):
        autotrack.lightgbm.autolog()
        if name in BOOSTERS:
            params, target = BOOSTERS[name]
            expected = lightgbm.train({**QUIET, **params}, lightgbm.Dataset(data, target, group=group), 3).predict(data)
        else:
            more = {"objective": "regression"} if name == "LGBMModel" else {}
            model = getattr(lightgbm, name)(n_estimators=3, n_jobs=1, verbose=-1, **more)
            expected = model.fit(data, ESTIMATORS[name], **({"group": group} if group else {})).predict(data)
        autotrack.lightgbm.autolog(disable=True)
        directory = str(recorded(store)[-1].file("model"))
        assert_array_equal(mlflow.pyfunc.load_model(directory).predict(data), expected)


def programs():
    """Trainings that both record."""
    params = {**QUIET, "objective": "binary", "metric": ["auc", "binary_logloss"]}

    def train():
        one = lightgbm.Dataset(FRAME[:80], TWO[:80])
        sets = [one, lightgbm.Dataset(FRAME[80:], TWO[80:], reference=one)]
        callbacks = [lightgbm.early_stopping(3, verbose=False)]
        lightgbm.train(params, one, 30, valid_sets=sets, valid_names=["train", "valid"], callbacks=callbacks)

    def classifier():
        model = lightgbm.LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1)
        model.fit(FRAME[:80], TWO[:80], eval_X=FRAME[80:], eval_y=TWO[80:])

    def regressor():
        lightgbm.LGBMRegressor(n_estimators=3, n_jobs=1, verbose=-1).fit(X, REAL)

    return train, classifier, regressor


@pytest.mark.slow
@pytest.mark.lenient
@pytest.mark.filterwarnings("ignore")
def test_what_mlflow_records_is_recorded_under_the_same_keys_with_the_same_values(mlflow, tmp_path):
    """Parameters, points and importances. MLflow adds to each curve one point more, the best value again after the
    last round; here it is ``best_score-<curve>``."""
    logging.getLogger("mlflow").setLevel("ERROR")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    client, theirs = mlflow.MlflowClient(), []
    mlflow.lightgbm.autolog()
    for program in programs():
        program()
        found = mlflow.last_active_run()
        points = {
            key: [(point.step, point.value) for point in client.get_metric_history(found.info.run_id, key)]
            for key in found.data.metrics
        }
        gains = mlflow.artifacts.load_dict(f"{found.info.artifact_uri}/feature_importance_gain.json")
        theirs.append((found, points, gains))
    mlflow.lightgbm.autolog(disable=True)
    mlflow.set_tracking_uri(before)

    with recording() as record:
        autotrack.lightgbm.autolog()
        for program in programs():
            program()
        autotrack.lightgbm.autolog(disable=True)
    for (found, points, gains), run in zip(theirs, record.runs, strict=True):
        assert {key: run.params.get(key) for key in found.data.params} == found.data.params
        for key, theirs_too in points.items():
            ours = list(zip(run.steps[key], run.metrics[key], strict=True))
            repeats = "best_iteration" in run.metrics and "-" in key
            assert theirs_too == ours + ([(len(ours), run.metrics[f"best_score-{key}"][0])] if repeats else [])
        assert json.loads(run.file("feature_importance_gain.json").read_text()) == gains
