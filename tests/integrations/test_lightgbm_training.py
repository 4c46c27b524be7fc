"""`lightgbm.train` and `lightgbm.cv`, recorded."""

import json
import signal
import subprocess
import sys
import textwrap
import tracemalloc

import lightgbm
import numpy as np
import pytest
import scipy.sparse

import autotrack_lightgbm
from autotrack.testing import recorded, recording

RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(400, 4))
Y = (X[:, 0] + RANDOM.normal(scale=0.7, size=400) > 0).astype(int)
PARAMS = {"objective": "binary", "metric": ["auc", "binary_logloss"], "num_leaves": 5, "num_threads": 1, "verbose": -1}


@pytest.fixture
def record():
    """What is recorded of LightGBM during the test."""
    with recording() as made:
        autotrack_lightgbm.autolog()
        yield made


def sets():
    """A training and a validation set."""
    train = lightgbm.Dataset(X[:300], Y[:300])
    return train, lightgbm.Dataset(X[300:], Y[300:], reference=train)


def interrupt(error, at):
    """A callback of the program's that raises in a round."""

    def callback(env):
        if env.iteration == at:
            raise error

    return callback


def test_every_metric_of_every_set_is_recorded_exactly_at_its_round(record):
    """What `record_evaluation` collects, whatever the sets and the metrics are called."""

    def odd(predicted, data):
        return 'größte 100% @ "x"/y', float(predicted[0]), True

    train, valid = sets()
    curves = {}
    lightgbm.train(
        PARAMS, train, 20, [train, valid], ["train", "valid(1)"], feval=odd,
        callbacks=[lightgbm.record_evaluation(curves)],
    )  # fmt: skip
    run = record.run
    expected = {
        f"{data}-{metric}".replace("@", "_at_"): values
        for data, found in curves.items()
        for metric, values in found.items()
    }
    assert len(expected) == 6
    assert {key: run.metrics[key] for key in expected} == expected
    assert all(run.steps[key] == list(range(20)) for key in [*expected, "round_time"])
    assert run.metrics["trees"] == [20]
    assert run.name == "LightGBM binary"
    assert run.status == "FINISHED"


def test_parameters_are_the_programs_own_and_those_that_lightgbm_filled_in(record):
    """Also the arguments; a function goes by its name."""

    def steep(predicted, data):
        return 2 * (predicted - data.get_label()), np.full_like(predicted, 2.0)

    lightgbm.train({**PARAMS, "objective": steep, "metric": "l2", "eta": 0.2}, sets()[0], 3)
    params = record.run.params
    assert params["objective"].endswith("steep")
    assert (params["eta"], params["num_boost_round"], params["keep_training_booster"]) == ("0.2", "3", "False")
    assert (params["lambda_l2"], params["max_bin"]) == ("0", "255")
    assert params.keys().isdisjoint({"learning_rate", "num_iterations"})  # which are eta and num_boost_round


def test_what_the_program_passed_stays_as_it_was(record):
    """A list of callbacks and a dict of parameters may be used again."""
    curves = {}
    callbacks, params = [lightgbm.record_evaluation(curves)], dict(PARAMS)
    for _ in range(2):
        train, valid = sets()
        lightgbm.train(params, train, 3, [valid], callbacks=callbacks)
    assert len(callbacks) == 1
    assert params == PARAMS
    assert [run.steps["valid_0-auc"] for run in record.runs] == [[0, 1, 2], [0, 1, 2]]


@pytest.mark.parametrize("how", ["argument", "callback"])
def test_early_stopping_tells_its_best_round(record, how):
    """Asked for either way; the curves go on to the last round that was trained."""
    train, valid = sets()
    stopping = [lightgbm.early_stopping(3, verbose=False)] if how == "callback" else []
    params = PARAMS if how == "callback" else {**PARAMS, "early_stopping_round": 3}
    curves = {}
    booster = lightgbm.train(params, train, 200, [valid], callbacks=[lightgbm.record_evaluation(curves), *stopping])
    run, rounds = record.run, len(curves["valid_0"]["auc"])
    assert rounds < 200
    assert run.metrics["valid_0-auc"] == curves["valid_0"]["auc"]
    assert run.metrics["best_iteration"] == [booster.best_iteration]
    assert run.metrics["stopped_iteration"] == [rounds]
    assert run.params["early_stopping_round"] == "3"
    assert run.metrics["best_score-valid_0-auc"] == [curves["valid_0"]["auc"][booster.best_iteration - 1]]


@pytest.mark.parametrize(("error", "status"), [(ValueError("mine"), "FAILED"), (KeyboardInterrupt(), "KILLED")])
def test_a_training_that_is_broken_off_keeps_its_rounds(record, error, status):
    """The round in which it ended included, as that was evaluated."""
    train, valid = sets()
    with pytest.raises(type(error)) as raised:
        lightgbm.train(PARAMS, train, 50, [valid], callbacks=[interrupt(error, 7)])
    assert raised.value is error
    run = record.run
    assert run.steps["valid_0-auc"] == list(range(8))
    assert run.status == status
    assert run.datasets[0].context == "train"


def test_a_training_that_is_killed_keeps_its_rounds(store):
    """Each is in the record before the next begins."""
    program = f"""
        import os, signal, autotrack, lightgbm, numpy as np
        autotrack.autolog()
        def die(env):
            if env.iteration == 7:
                os.kill(os.getpid(), signal.SIGKILL)
        data = np.random.default_rng(1).normal(size=(100, 3))
        train = lightgbm.Dataset(data, data[:, 0])
        lightgbm.train({PARAMS | {"objective": "l2", "metric": "l2"}}, train, 20, [train], callbacks=[die])
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=False)
    assert done.returncode == -signal.SIGKILL
    (run,) = recorded(store)
    assert run.steps["training-l2"] == list(range(8))
    assert run.params["num_leaves"] == "5"


def test_cross_validation_records_mean_and_spread(record):
    """As many rounds as were trained, of which LightGBM returns those up to the best."""
    train, _ = sets()
    found = lightgbm.cv({**PARAMS, "early_stopping_round": 3}, train, 200, nfold=3, eval_train_metric=True)
    run, best = record.run, len(found["valid auc-mean"])
    for part in ("mean", "stdv"):
        for name in ("train", "valid"):
            assert run.metrics[f"{name}-auc-{part}"][:best] == found[f"{name} auc-{part}"]
    assert run.metrics["best_iteration"] == [best]
    assert run.metrics["best_score-valid-auc-mean"] == [found["valid auc-mean"][-1]]
    assert run.metrics["stopped_iteration"] == [len(run.metrics["valid-auc-mean"])]
    assert (run.params["nfold"], run.params["learning_rate"]) == ("3", "0.1")
    assert run.models == []


def test_continued_training_goes_on_where_the_first_ended(record):
    """Steps count from the rounds that are there already."""
    first = lightgbm.train(PARAMS, sets()[0], 4)
    train, valid = sets()
    lightgbm.train(PARAMS, train, 3, [valid], init_model=first)
    assert record.runs[1].steps["valid_0-auc"] == [4, 5, 6]


def test_what_a_metric_trains_for_itself_is_not_mixed_in(record):
    """Only the outermost training is recorded, and has only its own rounds."""

    def inner(predicted, data):
        other = lightgbm.train({"verbose": -1, "num_threads": 1}, lightgbm.Dataset(X, Y), 2)
        return "inner", float(other.predict(X[:1])[0]), False

    train, valid = sets()
    lightgbm.train(PARAMS, train, 3, [valid], feval=inner)
    assert record.run.steps["round_time"] == [0, 1, 2]
    assert record.run.params["num_boost_round"] == "3"


def test_feature_importances_are_files(record):
    """How often a feature was split on, and what that gained."""
    booster = lightgbm.train(PARAMS, lightgbm.Dataset(X, Y, feature_name=["a", "b", "c", "ü"]), 5)
    for kind in ("split", "gain"):
        found = json.loads(record.run.file(f"feature_importance_{kind}.json").read_text())
        assert found == dict(zip("abcü", booster.feature_importance(kind).tolist(), strict=True))


def test_the_data_are_known_by_content_shape_and_role(record):
    """A set that is used again has the same digest although LightGBM has released its data."""
    train, valid = sets()
    lightgbm.train(PARAMS, train, 2, [valid, train], ["held out", "seen"])
    used = record.run.datasets
    assert [(one.name, one.context) for one in used] == [("dataset", "train"), ("held out", "eval")]
    assert json.loads(used[0].profile)["features_shape"] == [300, 4]
    assert used[0].digest != used[1].digest


def test_data_that_were_released_before_are_known_by_labels_and_shape(record):
    """A data set may be made long before the training, and used for several."""
    train, _ = sets()
    train.construct()
    for _ in range(2):
        lightgbm.train(PARAMS, train, 2)
    first, second = (run.datasets[0] for run in record.runs)
    assert first == second
    assert json.loads(first.profile) == {"num_rows": 300, "num_elements": 1200}


def test_a_data_set_made_from_a_file_is_known_once_it_is_read(record, tmp_path):
    """With the file as its source; the model's signature has the file's columns."""
    file = tmp_path / "train.csv"
    np.savetxt(file, np.c_[Y, X], delimiter=",", header="y,a,b,c,d", comments="")
    lightgbm.train(PARAMS, lightgbm.Dataset(file, params={"header": True, "label_column": "name:y"}), 2)
    (used,) = record.run.datasets
    assert json.loads(used.source) == {"uri": str(file)}
    assert [column["name"] for column in json.loads(used.schema)["mlflow_colspec"]] == list("abcd")
    assert json.loads(used.profile)["num_rows"] == 400
    inputs = json.loads(json.loads(record.run.models[0].signature)["inputs"])
    assert [column["name"] for column in inputs] == list("abcd")


def test_sparse_data_stay_sparse(record):
    """A matrix that would have 160 MB if it were dense."""
    wide = scipy.sparse.random(1000, 20_000, density=1e-4, format="csr", random_state=1)
    train = lightgbm.Dataset(wide, RANDOM.normal(size=1000), params={"verbose": -1, "min_data_in_bin": 1})
    tracemalloc.start()
    lightgbm.train({"verbose": -1, "num_threads": 1}, train, 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40_000_000
    assert json.loads(record.run.datasets[0].profile)["features_shape"] == [1000, 20_000]


def test_callbacks_that_lightgbm_refuses_are_refused_as_ever(record):
    """An iterator has no length, which LightGBM asks for; it is not used up."""
    callbacks = iter([lightgbm.log_evaluation()])
    with pytest.raises(TypeError, match="len"):
        lightgbm.train(PARAMS, sets()[0], 2, callbacks=callbacks)
    assert record.run.status == "FAILED"


def test_rounds_may_be_a_parameter(record):
    """Which LightGBM heeds more than the argument, so that alone is recorded."""
    booster = lightgbm.train({**PARAMS, "n_estimators": 4}, sets()[0])
    assert booster.current_iteration() == 4
    assert record.run.params["n_estimators"] == "4"
    assert record.run.params.keys().isdisjoint({"num_boost_round", "num_iterations"})
