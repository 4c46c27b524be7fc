"""What a model's file says of the training that it is from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge

import autotrack
from autotrack.event import DatasetUsed
from autotrack.models import get_model_info, log, origin
from autotrack.models.format import SIZE, content
from autotrack.run import Run

RIDGE = Ridge().fit([[0.0], [1.0]], [0, 1])


def test_a_model_carries_parameters_metrics_and_data(run: Run) -> None:
    """Those that its run has by then, each metric with its last value; parameters of its own beside them."""
    run.params({"alpha": 1, "seed": 7})
    run.dataset(DatasetUsed(name="houses", digest="abc", context="train"))
    for step, loss in enumerate((0.9, 0.5, 0.7)):
        run.metric("loss", loss, step)
    run.metric("rate", float("nan"))
    info = log(run, RIDGE, params={"alpha": 2})
    run.metric("loss", 0.1, 9)
    found = get_model_info(info.model_uri).origin
    assert found == {
        "params": {"alpha": "1", "seed": "7"},
        "metrics": {"loss": 0.7, "rate": "nan"},
        "datasets": [{"name": "houses", "digest": "abc", "context": "train"}],
    }
    (model,) = autotrack.search_logged_models(output_format="list")
    assert model.params == {"alpha": "2", "seed": "7"}


def test_a_model_of_a_step_carries_the_metrics_of_that_step(run: Run) -> None:
    """Not the last ones, which are those of another state."""
    for step, loss in enumerate((0.9, 0.5, 0.7)):
        run.metric("loss", loss, step)
        run.metric("rate", 0.1, step)
    run.metric("loss", 0.4, 1)
    run.metric("final", 3.0, 2)
    assert log(run, RIDGE, "last", step=2).origin["metrics"] == {"loss": 0.7, "rate": 0.1, "final": 3.0}
    assert log(run, RIDGE, "best", step=1).origin["metrics"] == {"loss": 0.4, "rate": 0.1}
    assert "metrics" not in log(run, RIDGE, "other", step=7).origin


@pytest.mark.filterwarnings("ignore")  # MLflow's deprecations
def test_a_models_size_is_where_mlflow_has_it(run: Run, stock: Callable[[Path], Any]) -> None:
    """The bytes of its files but for the MLmodel file itself."""
    run.metric("loss", 0.5)
    info = log(run, RIDGE)
    files = [path for path in info.directory.rglob("*") if path.is_file() and path.name != "MLmodel"]
    assert content(info.directory)[SIZE] == sum(path.stat().st_size for path in files)
    theirs = stock(info.directory)
    assert theirs.metadata.model_size_bytes == content(info.directory)[SIZE]
    np.testing.assert_array_equal(theirs.predict(np.array([[2.0]])), RIDGE.predict([[2.0]]))


def test_of_very_many_some_are_left_out(run: Run, monkeypatch: Any) -> None:
    """And the file says how many."""
    monkeypatch.setattr(origin, "MOST", 3)
    run.metrics({f"m{number}": number for number in range(5)}, 0)
    run.params({f"p{number}": number for number in range(4)})
    info = log(run, RIDGE)
    assert info.origin["metrics"] == {"m0": 0.0, "m1": 1.0, "m2": 2.0}
    assert (info.origin["metrics_left_out"], info.origin["params_left_out"]) == (2, 1)


def test_where_nothing_is_known_nothing_is_said(run: Run, tmp_path: Path) -> None:
    """Neither of a model that is saved apart from any run, nor of a directory without journals."""
    assert log(run, RIDGE).origin == {}
    assert autotrack.sklearn.save_model(RIDGE, tmp_path / "apart").origin == {}
    assert origin.of_run(tmp_path / "nowhere") == origin.Origin()


@pytest.mark.usefixtures("store")
def test_an_integrations_model_carries_what_the_fit_was() -> None:
    """Its parameters, its training metrics and the digest of its data."""
    autotrack.sklearn.autolog()
    Ridge(alpha=3).fit(np.random.default_rng(1).random((30, 2)), np.arange(30.0))
    (run,) = autotrack.search_runs(output_format="list")
    found = get_model_info(f"runs:/{run.info.run_id}/model").origin
    assert found["params"]["alpha"] == "3"
    assert found["metrics"]["training_r2_score"] == run.data.metrics["training_r2_score"]
    assert [one["digest"] for one in found["datasets"]] == [one.dataset.digest for one in run.inputs.dataset_inputs]
