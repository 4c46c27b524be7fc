"""CatBoost's trainings, recorded."""

import json
import signal
import subprocess
import sys
import textwrap
import tracemalloc
from pathlib import Path

import catboost
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import autotrack
import autotrack_catboost
from autotrack.testing import fresh, recorded, recording

# CatBoost would compile metrics of the program's own if it could.
pytestmark = pytest.mark.filterwarnings("ignore:Failed to import numba", "ignore:Can't optimize")

RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(300, 4))
Y = (X[:, 0] + RANDOM.normal(scale=0.7, size=300) > 0).astype(int)
HELD_OUT = X[200:], Y[200:]
FEW = {"iterations": 8, "depth": 2, "thread_count": 1, "verbose": False}


@pytest.fixture
def record():
    """What is recorded during the test, of CatBoost and of scikit-learn."""
    with recording() as made:
        autotrack.autolog()
        yield made


def curves(model):
    """All that CatBoost evaluated, under the names of the record."""
    return {
        f"{data}-{metric}": values for data, found in model.evals_result_.items() for metric, values in found.items()
    }


class Marked:
    """A metric of the program's own with an unusual name."""

    def get_final_error(self, error, weight):
        return error

    def is_max_optimal(self):
        return True

    def evaluate(self, approxes, target, weight):
        return float(approxes[0][0]), 1.0

    def __str__(self):
        return "größte (1)/@"


@pytest.mark.parametrize(
    ("cls", "target", "more"),
    [
        (catboost.CatBoostClassifier, Y, {}),
        (catboost.CatBoostRegressor, X[:, 1], {}),
        (catboost.CatBoostRanker, Y, {"group_id": np.repeat([1, 2, 3], 100)}),
        (catboost.CatBoost, Y, {}),
    ],
)
def test_every_estimator_is_one_run(record, cls, target, more):
    """Named after its class, with its parameters, its exact curves and its model."""
    model = cls(FEW) if cls is catboost.CatBoost else cls(**FEW)
    model.fit(catboost.Pool(X, target, **more), eval_set=catboost.Pool(X, target, **more))
    run = record.run
    assert run.name == cls.__name__
    assert run.tags["estimator_class"] == f"catboost.core.{cls.__name__}"
    assert (run.params["depth"], run.params["border_count"]) == ("2", "254")
    assert curves(model)
    assert {key: run.metrics[key] for key in curves(model)} == curves(model)
    assert all(run.steps[key] == list(range(8)) for key in [*curves(model), "round_time"])
    assert run.metrics["trees"] == [model.tree_count_]
    assert run.metrics["best_iteration"] == [model.best_iteration_]
    assert len(run.models) == 1
    assert run.status == "FINISHED"


def test_several_sets_and_metrics_with_any_name(record):
    """As CatBoost names them."""
    model = catboost.CatBoostClassifier(**FEW, custom_metric=["AUC", "F1"], eval_metric=Marked())
    model.fit(X[:200], Y[:200], eval_set=[HELD_OUT, (X[:50], Y[:50])])
    assert {key for key in curves(model) if key.startswith("validation_1-")} > {"validation_1-AUC", "validation_1-F1"}
    assert {key: record.run.metrics[key] for key in curves(model)} == curves(model)
    assert record.run.params["eval_metric"] == "Marked"


def test_steps_are_iterations_also_where_not_each_is_evaluated(record):
    """With and without CatBoost's files."""
    for files in (True, False):
        catboost.CatBoostClassifier(**FEW, metric_period=3, allow_writing_files=files).fit(X, Y)
    assert [run.steps["learn-Logloss"] for run in record.runs] == [[0, 3, 6, 7]] * 2
    assert ["round_time" in run.steps for run in record.runs] == [True, False]


def test_early_stopping_tells_its_best_iteration(record):
    """The curves go on to the last iteration that was trained."""
    model = catboost.CatBoostClassifier(**{**FEW, "iterations": 500})
    model.fit(X[:200], Y[:200], eval_set=HELD_OUT, early_stopping_rounds=5)
    run, trained = record.run, len(curves(model)["validation-Logloss"])
    assert trained < 500
    assert run.metrics["validation-Logloss"] == curves(model)["validation-Logloss"]
    assert run.metrics["best_iteration"] == [model.best_iteration_]
    assert run.metrics["stopped_iteration"] == [trained - 1]
    assert run.metrics["best_score-validation-Logloss"] == [min(run.metrics["validation-Logloss"])]
    assert run.params["early_stopping_rounds"] == "5"


def test_an_interrupted_training_keeps_its_curve(store, tmp_path):
    """From CatBoost's own files, in their ten digits; by Ctrl-C in a program of its own."""
    program = """
        import os
        import signal
        import threading
        import catboost
        import numpy as np
        import autotrack

        autotrack.autolog(silent=True)
        x = np.random.default_rng(3).normal(size=(300, 4))
        y = (x[:, 0] > 0).astype(int)
        threading.Timer(1.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        model = catboost.CatBoostClassifier(iterations=10**6, depth=2, thread_count=1, verbose=False)
        try:
            model.fit(x[:200], y[:200], eval_set=(x[200:], y[200:]))
        except KeyboardInterrupt:
            print("interrupted")
    """
    assert fresh(textwrap.dedent(program), directory=tmp_path) == "interrupted\n"
    (run,) = recorded(store)
    rounds = len(run.metrics["validation-Logloss"])
    assert rounds > 3
    assert run.steps["learn-Logloss"] == run.steps["round_time"] == list(range(rounds))
    assert run.status == "KILLED"


def test_a_training_that_raises_keeps_its_curve(record):
    """What the program's own metric raises, CatBoost wraps."""

    class Failing(Marked):
        calls = 0

        def evaluate(self, approxes, target, weight):
            self.calls += 1
            if self.calls > 6:
                raise ValueError("mine")
            return super().evaluate(approxes, target, weight)

    with pytest.raises(catboost.CatBoostError, match="mine"):
        catboost.CatBoostClassifier(**FEW, eval_metric=Failing()).fit(X, Y)
    run = record.run
    rounds = len(run.metrics["learn-Logloss"])
    assert 3 <= rounds < 8
    assert run.status == "FAILED"
    assert "mine" in run.error


def test_files_of_an_earlier_training_are_not_taken_for_this_one(record):
    """They lie in the same directory."""
    catboost.CatBoostClassifier(**FEW).fit(X, Y)
    with pytest.raises(catboost.CatBoostError):
        catboost.CatBoostClassifier(**FEW, border_count=10**9).fit(X, Y)
    assert record.runs[1].metrics == {}
    assert record.runs[1].status == "FAILED"


def test_every_round_is_written_as_it_ends_where_that_is_asked_for():
    """The values are the same; a process that is killed then keeps its curve."""
    with recording() as record:
        autotrack_catboost.autolog(every_round=True)
        model = catboost.CatBoostClassifier(**FEW).fit(X[:200], Y[:200], eval_set=HELD_OUT)
        autotrack_catboost.autolog()
        same = catboost.CatBoostClassifier(**FEW).fit(X[:200], Y[:200], eval_set=HELD_OUT)
    first, second = record.runs
    for key in [*curves(model), "best_iteration", "stopped_iteration", "trees"]:
        assert first.metrics[key] == second.metrics[key]
        assert first.steps[key] == second.steps[key]
    assert first.steps["round_time"] == list(range(8))
    assert np.array_equal(model.predict_proba(X), same.predict_proba(X))


def test_a_process_that_is_killed_keeps_every_round_that_was_written(store):
    """Where it was asked for."""
    program = """
        import os, signal, autotrack.catboost, catboost, numpy as np
        autotrack.catboost.autolog(every_round=True)
        class Die:
            def after_iteration(self, info):
                if info.iteration == 7:
                    os.kill(os.getpid(), signal.SIGKILL)
                return True
        data = np.random.default_rng(1).normal(size=(100, 3))
        catboost.CatBoostRegressor(iterations=20, verbose=False).fit(data, data[:, 0], callbacks=[Die()])
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=False)
    assert done.returncode == -signal.SIGKILL
    (run,) = recorded(store)
    assert run.steps["learn-RMSE"] == list(range(7))


def test_callbacks_of_the_programs_own_stay_its_own(record):
    """One may stop the training; the list may be used again."""

    class Stopping:
        def after_iteration(self, info):
            return info.iteration < 4

    callbacks = [Stopping()]
    for _ in range(2):
        model = catboost.CatBoostClassifier(**FEW).fit(X, Y, callbacks=callbacks)
        assert model.tree_count_ == 4
    assert len(callbacks) == 1
    assert [run.steps["learn-Logloss"] for run in record.runs] == [[0, 1, 2, 3]] * 2


@pytest.mark.parametrize("more", [{}, {"as_pandas": False}, {"return_models": True}])
def test_cross_validation_records_mean_and_spread(record, more):
    """Whatever form the result has."""
    params = {**FEW, "loss_function": "Logloss", "custom_metric": ["AUC"]}
    result = catboost.cv(catboost.Pool(X, Y), params, fold_count=2, logging_level="Silent", **more)
    table = result[0] if "return_models" in more else result
    run = record.run
    for name in ("test-Logloss-mean", "test-Logloss-std", "train-Logloss-mean", "test-AUC-mean"):
        assert run.metrics[name] == list(table[name])
        assert run.steps[name] == list(range(8))
    assert (run.params["fold_count"], run.params["depth"]) == ("2", "2")
    assert [used.context for used in run.datasets] == ["train"]


def test_catboost_train_is_one_run(record):
    """It makes an estimator and fits it."""
    params = {**FEW, "loss_function": "RMSE"}
    catboost.train(catboost.Pool(X, X[:, 1]), params, eval_set=(X, X[:, 1]))
    assert record.run.name == "CatBoost"
    assert params == {**FEW, "loss_function": "RMSE"}


@pytest.mark.parametrize("wrap", [lambda model: make_pipeline(StandardScaler(), model), None])
def test_inside_another_estimator_only_the_outermost_records(record, wrap):
    """A pipeline, and a search."""
    model = catboost.CatBoostClassifier(**FEW)
    (wrap(model) if wrap else GridSearchCV(model, {"depth": [1, 2]}, cv=2)).fit(X, Y)
    assert [run.name.partition(" ")[0] for run in record.runs if run.parent is None] == [
        "Pipeline" if wrap else "GridSearchCV"
    ]
    assert {run.tags["mlflow.autologging"] for run in record.runs} == {"sklearn"}


def test_feature_importances_are_a_file(record):
    """What CatBoost worked out at the end of the training."""
    model = catboost.CatBoostClassifier(**FEW).fit(pd.DataFrame(X, columns=["a", "b", "c", "ü"]), Y)
    found = json.loads(record.run.file("feature_importance_PredictionValuesChange.json").read_text())
    assert found == dict(zip("abcü", model.feature_importances_.tolist(), strict=True))


def test_data_are_known_by_content_shape_and_role(record):
    """Tables, arrays and pools alike; a pool of the same data has the same digest."""
    table = pd.DataFrame(X[:, :2], columns=["a", "b"]).assign(kind=RANDOM.choice(list("xyz"), 300))
    for _ in range(2):
        pool = catboost.Pool(table, Y, cat_features=["kind"])
        catboost.CatBoostClassifier(**FEW).fit(pool, eval_set=(table[:9], Y[:9]))
    first, second = (run.datasets for run in record.runs)
    assert [(used.name, used.context) for used in first] == [("dataset", "train"), ("validation", "eval")]
    assert [used.digest for used in first] == [used.digest for used in second]
    assert json.loads(first[0].profile) == {"num_rows": 300, "num_elements": 900}
    columns = json.loads(first[0].schema)["mlflow_colspec"]
    assert [(column["name"], column["type"]) for column in columns] == [
        ("a", "double"), ("b", "double"), ("kind", "string"),
    ]  # fmt: skip


def test_what_the_program_calls_its_data_is_known(record):
    """Where it has variables for them; the data sets keep CatBoost's names."""
    held_out, pool = X[:50], catboost.Pool(X, Y)
    catboost.CatBoostClassifier(**FEW).fit(pool, eval_set=(held_out, Y[:50]))
    named = {key: name for key, name in record.run.tags.items() if key.startswith("autotrack.variable.")}
    assert named == {"autotrack.variable.dataset": "pool", "autotrack.variable.validation": "held_out"}


def test_a_file_is_known_by_its_name_and_content(record, tmp_path):
    """CatBoost reads it itself."""
    file = tmp_path / "train.tsv"
    np.savetxt(file, np.c_[Y, X], delimiter="\t")
    (tmp_path / "columns").write_text("0\tLabel\n")
    catboost.CatBoostClassifier(**FEW).fit(str(file), column_description=str(tmp_path / "columns"))
    (used,) = record.run.datasets
    assert json.loads(used.source) == {"uri": str(file)}
    assert record.run.models


def test_sparse_data_stay_sparse(record):
    """A matrix that would have 80 MB if it were dense."""
    wide = scipy.sparse.random(500, 20_000, density=1e-4, format="csr", random_state=1)
    tracemalloc.start()
    catboost.CatBoostRegressor(**{**FEW, "iterations": 1}).fit(wide, RANDOM.normal(size=500))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000
    assert json.loads(record.run.datasets[0].profile)["features_shape"] == [500, 20_000]


def test_nothing_is_left_behind_in_the_working_directory(record):
    """But what CatBoost itself leaves there."""
    catboost.CatBoostClassifier(**FEW, allow_writing_files=False).fit(X, Y)
    assert list(Path.cwd().iterdir()) == []
