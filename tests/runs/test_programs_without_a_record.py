"""A program whose record is switched off, or has no place, runs to its end."""

import os
from pathlib import Path

import pytest
from sklearn.linear_model import Ridge

import autotrack
import autotrack.sklearn

pytestmark = pytest.mark.lenient


def program() -> None:
    """Everything that a program for MLflow does about one run, also what it asks afterwards."""
    autotrack.autolog()
    experiment = autotrack.set_experiment("mine")
    autotrack.set_experiment_tags({"team": "search"})
    assert autotrack.get_experiment_by_name("mine").experiment_id == experiment.experiment_id
    with autotrack.start_run(run_name="named") as run:
        autotrack.log_metric("loss", 1.0)
        autotrack.log_metrics({"a": 1})
        autotrack.log_params({"lr": 0.1, "long": "x" * 10_000})
        autotrack.set_tag("a", 1)
        autotrack.log_text("text", "t.txt")
        autotrack.log_artifact(__file__)
        autotrack.log_dict({"a": 1}, "d.json")
        autotrack.log_metric("loss", 1.0, run_id="0" * 32)
        info = autotrack.sklearn.log_model(Ridge().fit([[0.0], [1.0]], [0, 1]), name="model")
        assert info.model_uri == f"runs:/{run.info.run_id}/model"
        with autotrack.start_run(nested=True):
            Ridge().fit([[0.0], [1.0]], [0, 1])
        assert run.data.metrics == {}
        assert autotrack.get_artifact_uri()
    found = autotrack.get_run(run.info.run_id)
    assert (found.info.run_name, found.info.status, found.data.params) == ("named", "FINISHED", {})
    assert autotrack.last_active_run() is not None
    assert autotrack.search_runs(output_format="list") == []
    autotrack.disable()


def test_switched_off(monkeypatch, caplog, capsys):
    """No file, not a word."""
    monkeypatch.delenv("AUTOTRACK_TRACKING_URI")
    monkeypatch.setenv("AUTOTRACK_DISABLED", "1")
    program()
    assert list(Path().rglob("*")) == []
    assert caplog.records == []
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a place that nobody can write to")
def test_no_place(monkeypatch, caplog, capsys):
    """A few warnings, one for each thing that is not kept."""
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", "/proc/store")
    program()
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == len(set(messages)) <= 4
    assert all("/proc/store" in message for message in messages if "by run id" not in message), messages
    assert capsys.readouterr() == ("", "")
    assert os.listdir() == []  # noqa: PTH208 - the working directory
