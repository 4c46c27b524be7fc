"""What teams ask of many runs is one call each."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

import autotrack
from autotrack.exceptions import AutotrackException

EXAMPLE = str(Path(__file__).parents[2] / "examples" / "answers.py")


@pytest.fixture(autouse=True)
def experiment(store):
    """All runs of a test belong to one experiment."""
    autotrack.set_experiment("answers")


def recorded(params, curves, name=None, **tags):
    """A run with parameters and, by metric, a value a step."""
    with autotrack.start_run(run_name=name, tags=tags) as run:
        autotrack.log_params(params)
        for key, values in curves.items():
            for step, value in enumerate(values):
                autotrack.log_metric(key, value, step)
    return run.info.run_id


def test_the_best_run_is_the_one_that_was_best_at_any_step():
    """Lower is better for a loss, higher for an accuracy; the last value counts where it is asked for."""
    early = recorded({}, {"loss": [0.9, 0.1, 0.8], "accuracy": [0.5, 0.6]})
    late = recorded({}, {"loss": [0.9, 0.5, 0.2], "accuracy": [0.9, 0.7]})
    recorded({}, {"loss": [math.nan]})
    recorded({}, {"other": [0.0]})
    assert autotrack.best_run("loss").info.run_id == early
    assert autotrack.best_run("loss", last=True).info.run_id == late
    assert autotrack.best_run("accuracy").info.run_id == late
    assert autotrack.best_run("loss", mode="max", last=True).info.run_id == early
    assert autotrack.best_run("loss", where=f"run_id != '{early}'").info.run_id == late


def test_which_values_are_better_may_be_said_once_for_an_experiment():
    """By a tag; a name that says nothing is otherwise an error that tells the remedy."""
    slow, fast = recorded({}, {"latency": [3.0]}), recorded({}, {"latency": [1.0]})
    with pytest.raises(AutotrackException, match='mode="min"'):
        autotrack.best_run("latency")
    assert autotrack.best_run("latency", mode="max").info.run_id == slow
    autotrack.set_experiment_tag("autotrack.best.latency", "min")
    assert autotrack.best_run("latency").info.run_id == fast
    assert [run.info.run_id for run in autotrack.search_runs(
        order_by=["best(latency) ASC"], output_format="list"
    )] == [fast, slow]  # fmt: skip


def test_no_best_run_is_an_error_that_says_so():
    """An unknown metric, a filter that nothing fits, an experiment that is not there."""
    recorded({}, {"loss": [1.0]})
    for unknown in ("accuracy", "whatever"):  # whichever of its values were better
        with pytest.raises(AutotrackException, match=f"no run has a value of the metric '{unknown}'"):
            autotrack.best_run(unknown)
    with pytest.raises(AutotrackException, match="that fits"):
        autotrack.best_run("loss", where="metrics.loss > 5")
    with pytest.raises(AutotrackException, match="the experiments are: Default, answers"):
        autotrack.best_run("loss", "asnwers")


def test_a_comparison_shows_what_differs():
    """Parameters, metrics, data and code; what is equal on request."""
    a = recorded({"lr": 0.1, "depth": 3}, {"loss": [0.5]}, "same")
    b = recorded({"lr": 0.2, "depth": 3, "extra": "x"}, {"loss": [0.5]}, "same", team="blue")
    found = autotrack.compare([a, b])
    assert found["params"] == {"extra": [None, "x"], "lr": ["0.1", "0.2"]}
    assert found["metrics"] == {}
    assert found["tags"] == {"team": [None, "blue"]}
    whole = autotrack.compare([a, autotrack.get_run(b)], all_keys=True)
    assert list(whole["params"]) == ["extra", "lr", "depth"]
    assert whole["metrics"] == {"loss": [0.5, 0.5]}


def test_a_comparison_shows_data_and_code():
    """The digests of what was read, the commit of what was run."""
    ids = []
    for n in range(2):
        with autotrack.start_run(tags={"mlflow.source.git.commit": f"{n}" * 40}) as run:
            autotrack.log_input(autotrack.data.from_numpy(np.arange(9.0) + n, name="rows"), context="training")
        ids.append(run.info.run_id)
    found = autotrack.compare(ids)
    assert found["code"] == {"commit": ["0" * 40, "1" * 40]}
    [digests] = found["data"].values()
    assert digests[0] != digests[1]


def test_histories_come_as_one_long_table():
    """In the form that somebody works with."""
    a, b = recorded({}, {"loss": [3.0, 2.0], "lr": [0.1]}, "a"), recorded({}, {"loss": [5.0]}, "b")
    found = autotrack.metric_history([a, b], "loss")
    assert isinstance(found, pd.DataFrame)
    assert found[["run_name", "metric", "step", "value"]].to_numpy().tolist() == [
        ["a", "loss", 0, 3.0], ["a", "loss", 1, 2.0], ["b", "loss", 0, 5.0],
    ]  # fmt: skip
    assert sorted(set(autotrack.metric_history([a, b])["metric"])) == ["loss", "lr"]
    polars = autotrack.metric_history([a], ["lr"], "polars")
    assert isinstance(polars, pl.DataFrame)
    assert polars["value"].to_list() == [0.1]
    assert autotrack.metric_history([b], "loss", "list")[0]["run_id"] == b
    with pytest.raises(AutotrackException, match="pandas, polars, list"):
        autotrack.metric_history([b], "loss", "csv")


def test_runs_come_as_a_frame_of_polars_too():
    """With the columns that pandas has, and times in UTC."""
    recorded({"lr": 0.1}, {"loss": [3.0]})
    found = autotrack.search_runs(output_format="polars")
    assert found["metrics.loss"].to_list() == [3.0]
    assert found["params.lr"].to_list() == ["0.1"]
    assert found["start_time"].dtype == pl.Datetime("us", "UTC")
    assert found.columns == list(autotrack.search_runs().columns)


def test_runs_that_differ_in_their_seed_are_taken_together():
    """Mean, deviation and extremes over seeds, a row for each setting."""
    for seed in range(3):
        for lr in (0.1, 0.2):
            recorded({"lr": lr, "model__random_state": seed, "batch": 8}, {"loss": [lr + seed]})
    found = autotrack.aggregate("loss").sort_values("lr")
    assert list(found.columns) == ["lr", "runs", "loss.mean", "loss.std", "loss.min", "loss.max"]
    assert found[["runs", "loss.mean", "loss.std", "loss.max"]].to_numpy().tolist() == [
        [3, pytest.approx(1.1), 1.0, 2.1], [3, pytest.approx(1.2), 1.0, 2.2],
    ]  # fmt: skip
    by_batch = autotrack.aggregate(["loss", "absent"], "batch", output_format="list")
    assert by_batch[0]["runs"] == 6
    assert math.isnan(by_batch[0]["absent.mean"])


def test_trials_of_a_search_are_a_table():
    """Those that the search kept, with the folds' scores."""
    autotrack.autolog(silent=True)
    GridSearchCV(LogisticRegression(max_iter=200), {"C": [0.1, 1.0]}, cv=3).fit(*load_iris(return_X_y=True))
    search = autotrack.last_active_run().info.run_id
    parent = autotrack.get_parent_run(search)
    found = autotrack.trials((parent.info if parent else autotrack.get_run(search).info).run_id)
    assert found["params_C"].tolist() == [0.1, 1.0]
    assert {"value", "split0_test_score", "rank_test_score"} <= set(found.columns)


def test_trials_of_runs_below_a_run_are_a_table():
    """A study that is written by hand."""
    with autotrack.start_run() as parent:
        for lr in (0.1, 0.2):
            with autotrack.start_run(nested=True):
                autotrack.log_param("lr", lr)
                autotrack.log_metric("loss", lr * 2)
    found = autotrack.trials(parent.info.run_id)
    # By their beginning, which may be the same millisecond.
    assert sorted(found[["params.lr", "metrics.loss", "status"]].to_numpy().tolist()) == [
        ["0.1", 0.2, "FINISHED"], ["0.2", 0.4, "FINISHED"],
    ]  # fmt: skip
    with pytest.raises(AutotrackException, match=r"trials\.json"):
        autotrack.trials(found["run_id"][0])


def test_importance_is_asked_of_an_experiment():
    """By the last value of a metric or by a reading of it, over runs that a filter finds; nothing is recorded."""
    for n in range(24):
        recorded({"lr": n / 24, "noise": (n * 7) % 11}, {"loss": [5.0, n / 24, (n * 5) % 24]})
    autotrack.autolog(silent=True)
    assert autotrack.importance("best(loss)").weights[0].parameter == "lr"
    assert autotrack.importance("loss").score < 0.9
    assert autotrack.importance("min(loss)", "answers", "params.lr < 0.5").runs == 12
    assert len(autotrack.search_runs(output_format="list")) == 24


@pytest.mark.slow
def test_what_teams_write_by_hand_is_a_call_each(tmp_path):
    """`examples/answers.py`: the best model, groups over seeds, curves, importance, versions side by side."""
    done = subprocess.run([sys.executable, EXAMPLE, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for part in ("16 neurons", "(4,)", "points in one table", "hidden_layer_sizes", "→"):
        assert part in done.stdout
    pages = sorted(page.stem for page in tmp_path.glob("*.html"))
    assert pages == ["curves", "groups", "importance", "parallel"]
