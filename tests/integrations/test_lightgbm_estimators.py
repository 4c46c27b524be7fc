"""LightGBM's estimators, alone and inside scikit-learn's."""

import lightgbm
import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import autotrack
import autotrack_lightgbm
from autotrack.testing import recording, said
from autotrack_lightgbm import elsewhere

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(300, 4))
Y = (X[:, 0] + RANDOM.normal(scale=0.7, size=300) > 0).astype(int)
FEW = {"n_estimators": 4, "num_leaves": 5, "n_jobs": 1, "verbose": -1}


@pytest.fixture
def record():
    """What is recorded during the test, of LightGBM and of scikit-learn."""
    with recording() as made:
        autotrack.autolog()
        yield made


@pytest.mark.parametrize(
    ("cls", "target", "more"),
    [
        (lightgbm.LGBMClassifier, Y, {}),
        (lightgbm.LGBMRegressor, X[:, 1], {}),
        (lightgbm.LGBMRanker, Y, {"group": [100, 200]}),
        (lightgbm.LGBMModel, Y, {}),
    ],
)
def test_every_estimator_is_one_run(record, cls, target, more):
    """Named after its class, with its parameters, its curves and its model."""
    objective = {"objective": "binary"} if cls is lightgbm.LGBMModel else {}
    held_out = {"eval_group": [more["group"]]} if more else {}
    model = cls(**FEW, **objective).fit(X, target, **more, eval_X=X, eval_y=target, **held_out)
    run = record.run
    assert run.name == cls.__name__
    assert run.tags["estimator_class"] == f"lightgbm.sklearn.{cls.__name__}"
    assert (run.params["n_estimators"], run.params["reg_alpha"], run.params["boosting_type"]) == ("4", "0.0", "gbdt")
    curves = {
        f"{data}-{metric}".replace("@", "_at_"): values
        for data, found in model.evals_result_.items()
        for metric, values in found.items()
    }
    assert curves
    assert {key: run.metrics[key] for key in curves} == curves
    assert len(run.models) == 1
    assert run.datasets[0].context == "train"


def test_what_was_left_to_lightgbm_is_recorded_as_it_chose(record):
    """``objective=None`` of a classifier means binary here; where MLflow has a key, the value is MLflow's."""
    lightgbm.LGBMClassifier(**FEW).fit(X, Y)
    passed = {"num_boost_round": "4", "num_threads": "1", "keep_training_booster": "False", "random_state": "None"}
    assert {name: record.run.params[name] for name in passed} == passed
    assert record.run.params["seed"] == "0"
    assert record.run.params["objective"] == "binary"
    assert record.run.params["class_weight"] == "None"


def test_what_the_program_calls_its_data_is_known(record):
    """Where it has variables for them; the data sets keep LightGBM's names."""
    held_out, target = X[:50], Y[:50]
    lightgbm.LGBMClassifier(**FEW).fit(X, Y, eval_X=held_out, eval_y=target)
    lightgbm.LGBMClassifier(**FEW).fit(X, Y, eval_X=(X[:9], held_out), eval_y=(Y[:9], target), eval_names=["a", "b"])
    dtrain, dvalid = lightgbm.Dataset(X, Y), lightgbm.Dataset(held_out, target)
    lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1}, dtrain, 1, [dvalid])
    named = [
        {key.rpartition(".")[2]: name for key, name in run.tags.items() if key.startswith("autotrack.variable.")}
        for run in record.runs
    ]
    assert named == [
        {"dataset": "X", "valid_0": "held_out"}, {"dataset": "X", "b": "held_out"},
        {"dataset": "dtrain", "valid_0": "dvalid"},
    ]  # fmt: skip


def test_early_stopping_of_an_estimator(record):
    """By callback; the estimator's own list of callbacks stays as it was."""
    callbacks = [lightgbm.early_stopping(2, verbose=False)]
    model = lightgbm.LGBMClassifier(**{**FEW, "n_estimators": 100}).fit(
        X[:200], Y[:200], eval_X=X[200:], eval_y=Y[200:], callbacks=callbacks
    )
    assert record.run.metrics["best_iteration"] == [model.best_iteration_]
    assert len(callbacks) == 1


def test_a_subclass_of_the_programs_own_is_recorded_once(record):
    """Though its fit calls that of its parent."""

    class Mine(lightgbm.LGBMRegressor):
        def fit(self, X, y, **more):  # noqa: N803 - scikit-learn's names
            return super().fit(X, y, **more)

    Mine(**FEW).fit(X, X[:, 1])
    assert record.run.name == "Mine"
    assert record.run.metrics["trees"] == [4]


@pytest.mark.parametrize("jobs", [1, 2])
def test_inside_a_search_only_the_search_records(record, jobs):
    """Whether its candidates are fitted here or in other processes."""
    GridSearchCV(lightgbm.LGBMClassifier(**FEW), {"num_leaves": [3, 5]}, cv=2, n_jobs=jobs).fit(X, Y)
    assert [run.name for run in record.runs] == ["GridSearchCV LGBMClassifier", "num_leaves=3", "num_leaves=5"]
    assert not any("round_time" in run.metrics for run in record.runs)


@pytest.mark.parametrize("outer", [lambda model: make_pipeline(StandardScaler(), model), CalibratedClassifierCV])
def test_inside_another_estimator_only_the_outermost_records(record, outer):
    """A pipeline, and one that fits several."""
    outer(lightgbm.LGBMClassifier(**FEW)).fit(X, Y)
    assert record.run.tags["mlflow.autologging"] == "sklearn"


def test_a_fit_that_fails_keeps_its_rounds(record):
    """And its parameters."""

    def fail(env):
        if env.iteration == 2:
            raise error

    error = RuntimeError("mine")
    with pytest.raises(RuntimeError) as raised:
        lightgbm.LGBMClassifier(**FEW).fit(X, Y, eval_X=X, eval_y=Y, callbacks=[fail])
    assert raised.value is error
    assert record.run.status == "FAILED"
    assert record.run.steps["valid_0-binary_logloss"] == [0, 1, 2]
    assert record.run.params["num_leaves"] == "5"


def test_lightgbm_alone_is_recorded_where_scikit_learn_is_not():
    """Each integration can be switched on by itself."""
    with recording() as record:
        autotrack_lightgbm.autolog(log_models=False, log_datasets=False)
        lightgbm.LGBMClassifier(**FEW).fit(X, Y)
    assert record.run.name == "LGBMClassifier"
    assert record.run.models == []
    assert record.run.datasets == []


def test_of_trainings_on_a_cluster_it_is_said_once_that_they_are_not_recorded(record):
    """Dask need not be installed for this test: what its workers call is called from a module of that name."""
    worker = {"__name__": "lightgbm.dask", "fit": lightgbm.LGBMRegressor(**FEW).fit, "X": X, "Y": Y}
    with said() as lines:
        for _ in range(2):
            elsewhere.not_recorded(None, (), {})
            exec("fit(X, Y)", worker)
    assert len(lines) == 1
    assert "are not recorded" in lines[0]
    assert record.runs == []
