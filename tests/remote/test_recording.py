"""A program records to MLflow's server; it sets a tracking URI, and nothing else changes."""

import json
import math
from pathlib import Path

import pytest
from agreement import agree
from trackingserver import params_of, tags_of

import autotrack

STORE = Path(".autotrack")


@pytest.fixture(autouse=True)
def recording(faults, monkeypatch):
    """To the server, through a proxy that hands everything on."""
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", faults.url)
    monkeypatch.setenv("AUTOTRACK_TOLD", "1")
    monkeypatch.setenv("AUTOTRACK_QUERY_TIMEOUT", "120")


def test_everything_that_a_run_records_arrives(tracking, faults):
    """Parameters, tags, curves of any length, files, a nested run with its parent's id there, the states."""
    autotrack.set_experiment("whole")
    with autotrack.start_run(run_name="outer", tags={"team": "blue"}) as outer:
        autotrack.log_params({f"p{i}": i for i in range(250)})
        for step in range(2300):
            autotrack.log_metric("loss", 1 / (step + 1), step=step)
        autotrack.log_metric("nan", math.nan)
        autotrack.set_tag("gone", "soon")
        autotrack.delete_tag("gone")
        autotrack.log_text("hello", "deep/er/hello.txt")
        autotrack.log_text("", "empty.txt")
        with pytest.raises(ZeroDivisionError):
            failing()
    autotrack.flush_async_logging()
    found = agree(tracking, STORE, "whole")
    assert [run["info"]["status"] for run in found] == ["FINISHED", "FAILED"]
    assert "gone" not in tags_of(found[0])
    assert "ZeroDivisionError" in tags_of(found[1])["autotrack.error"]
    assert tags_of(found[0])["autotrack.run_id"] == outer.info.run_id
    assert faults.count("runs/log-batch") <= 9
    assert len(faults.requests) <= 22


def failing():
    """A nested run that fails."""
    with autotrack.start_run(run_name="inner", nested=True):
        autotrack.log_metric("m", 1)
        raise ZeroDivisionError


def test_what_the_server_cannot_hold_is_told_there(tracking):
    """Keys that it refuses get another name, infinities, fractions of steps and large integers what it has for them;
    a file of the run says what they were."""
    autotrack.set_experiment("odd")
    long = "x" * 9000
    with autotrack.start_run():
        autotrack.log_params({"a%b": 1, "a_b": 2, "k" * 400: 3, "../up": 4})
        autotrack.log_metrics({"räte %": 0.5, "inf": math.inf})
        autotrack.log_metric("fraction", 1.5, step=0.25)
        autotrack.log_metric("big", 2**60 + 1)
        autotrack.log_param("long", long)
    autotrack.flush_async_logging()
    (run,) = tracking.runs("odd")
    params = params_of(run)
    assert params["a_b"] == "2"
    told = json.loads(tracking.file(run, "autotrack/differences.json"))
    assert {params[name]: key for key, name in told["renamed"]["params"].items()} == {
        "1": "a%b", "3": "k" * 400, "4": "../up",
    }  # fmt: skip
    assert told["renamed"]["metrics"] == {"räte %": "räte _"}
    points = {row[0]: row[1::2] for row in told["points"]["rows"]}
    assert points == {"inf": [0, "Infinity"], "fraction": [0.25, 1.5], "big": [0, str(2**60 + 1)]}
    assert told["refused"] == {}
    whole = params["long"].rpartition("artifact ")[2].rstrip("]")
    assert tracking.file(run, whole).decode() == long


def test_what_is_added_after_the_end_arrives_too(tracking):
    """A score on a finished model, and a later tag by the run's id."""
    autotrack.set_experiment("late")
    with autotrack.start_run() as run:
        pass
    autotrack.flush_async_logging()
    run.log_metric("score", 0.75)
    autotrack.flush_async_logging()
    (found,) = agree(tracking, STORE, "late")
    assert tracking.history(found["info"]["run_id"], "score") == [(0, 0.75)]
    assert found["info"]["status"] == "FINISHED"


def test_nothing_stays_behind_once_all_has_arrived(faults):
    """No mark of an unsent run, and no request that has nothing to say."""
    with autotrack.start_run():
        autotrack.log_metric("a", 1)
    autotrack.flush_async_logging()
    before = len(faults.requests)
    autotrack.flush_async_logging()
    assert len(faults.requests) == before
    assert [path.name for path in STORE.glob("outbox/*/*")] == ["server.json"]


def test_credentials_are_shown_and_kept_nowhere(faults, monkeypatch, caplog):
    """Those of the environment, whichever comes first, and headers of one's own; no file and no line has them."""
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "of-mlflow")
    monkeypatch.setenv("AUTOTRACK_TRACKING_TOKEN", "of-autotrack")
    monkeypatch.setenv("AUTOTRACK_TRACKING_HEADERS", "X-Key: of-header\nX-Other: more")
    with autotrack.start_run():
        autotrack.log_metric("a", 1)
    autotrack.flush_async_logging()
    assert {one["Authorization"] for one in faults.headers} == {"Bearer of-autotrack"}
    assert {one["X-Key"] for one in faults.headers} == {"of-header"}
    secrets = (b"of-autotrack", b"of-mlflow", b"of-header")
    assert not any(secret in file.read_bytes() for file in STORE.rglob("*") if file.is_file() for secret in secrets)
    assert not any(secret.decode() in caplog.text for secret in secrets)


def test_a_user_and_a_password_may_stand_in_the_uri(faults, monkeypatch):
    """They are sent, and nothing that can be read names them."""
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", faults.url.replace("//", "//ada:p%40ss@"))
    with autotrack.start_run():
        autotrack.log_metric("a", 1)
    autotrack.flush_async_logging()
    assert {one["Authorization"] for one in faults.headers} == {"Basic YWRhOnBAc3M="}
    assert not any(b"p%40ss" in file.read_bytes() for file in STORE.rglob("*") if file.is_file())


def test_a_model_goes_through_the_logged_models_of_the_server(tracking):
    """Its files lie where the server wants a model's, and the run names it as an output."""
    sklearn = pytest.importorskip("sklearn.linear_model")
    autotrack.set_experiment("models")
    autotrack.autolog()
    sklearn.LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    autotrack.flush_async_logging()
    (run,) = agree(tracking, STORE, "models")
    (output,) = run["outputs"]["model_outputs"]
    (model,) = tracking.post("logged-models/search", experiment_ids=[run["info"]["experiment_id"]])["models"]
    assert model["info"]["model_id"] == output["model_id"]
    assert model["info"]["status"] == "LOGGED_MODEL_READY"
    here = next(STORE.glob("runs/*/artifacts/model"))
    there = {"info": {"artifact_uri": model["info"]["artifact_uri"]}}
    for file in here.iterdir():
        assert tracking.file(there, file.name) == file.read_bytes()
    (used,) = run["inputs"]["dataset_inputs"]
    assert used["tags"] == [{"key": "mlflow.data.context", "value": "train"}]
