"""XGBoost on a GPU, where there is one."""

import json
import subprocess

import numpy as np
import pytest
import xgboost

import autotrack

RANDOM = np.random.default_rng(6)
X = RANDOM.normal(size=(500, 5)).astype(np.float32)
Y = (X[:, 0] + RANDOM.normal(scale=0.5, size=500) > 0).astype(int)


def missing():
    """Why XGBoost cannot train on a GPU here; empty if it can."""
    if not xgboost.build_info().get("USE_CUDA"):
        return "this build of XGBoost has no CUDA"
    try:
        found = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return "there is no driver of NVIDIA's on this machine"
    return "" if "GPU 0" in found else "there is no GPU of NVIDIA's in this machine"


@pytest.fixture(autouse=True)
def gpu():
    """A machine that has one."""
    if why := missing():
        pytest.skip(why)


@pytest.mark.parametrize("made", ["host", "quantile"])
def test_a_training_on_a_gpu_is_recorded_like_any_other(record, made):
    """Its curves are those that XGBoost reports, its predictions those of a training without a record."""
    params = {"device": "cuda", "objective": "binary:logistic", "eval_metric": ["logloss", "auc"], "max_depth": 3}

    def train():
        matrix = (xgboost.DMatrix if made == "host" else xgboost.QuantileDMatrix)(X, Y)
        curves = {}
        booster = xgboost.train(params, matrix, 5, [(matrix, "train")], evals_result=curves, verbose_eval=False)
        return booster.predict(matrix), curves

    predicted, curves = train()
    run = record.run
    autotrack.disable()
    expected, plain = train()
    assert np.array_equal(predicted, expected)
    assert plain == curves
    assert {key: run.metrics[f"train-{key}"] for key in curves["train"]} == curves["train"]
    assert run.params["device"] == "cuda"
    assert json.loads(run.models[0].signature)["outputs"]
    loaded = autotrack.xgboost.load_model(run.file("model"))
    assert np.allclose(loaded.predict(xgboost.DMatrix(X)), expected, atol=1e-6)


def test_data_that_lie_on_a_gpu_stay_there(record):
    """An estimator is given CuPy's arrays; what is recorded of them is what XGBoost says."""
    cupy = pytest.importorskip("cupy", reason="arrays on a GPU need CuPy")
    model = xgboost.XGBClassifier(n_estimators=3, device="cuda").fit(cupy.asarray(X), cupy.asarray(Y))
    run = record.run
    assert run.status == "FINISHED"
    assert json.loads(run.datasets[0].profile)["num_rows"] == 500
    loaded = autotrack.xgboost.load_model(run.file("model"))
    assert np.allclose(loaded.predict_proba(X), cupy.asnumpy(model.predict_proba(cupy.asarray(X))), atol=1e-6)
