"""A client of a server: the verbs that a store has, one request each, after what the program has just recorded."""

import math
from email.utils import formatdate
from pathlib import Path

import pytest

import autotrack
from autotrack import MlflowClient
from autotrack.client import Client
from autotrack.entities import Metric, Param, RunTag
from autotrack.exceptions import AutotrackException
from autotrack.wire.address import address
from autotrack.wire.connection import Connection, Unavailable


@pytest.fixture(autouse=True)
def recording(faults, monkeypatch):
    """To the server, through a proxy that counts."""
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", faults.url)
    monkeypatch.setenv("AUTOTRACK_TOLD", "1")
    monkeypatch.setenv("AUTOTRACK_QUERY_TIMEOUT", "120")


def test_a_question_includes_what_was_recorded_before_it(request):
    """The program does not wait between the two; experiments are found by either id."""
    experiment = autotrack.set_experiment(request.node.name)
    with autotrack.start_run() as run:
        autotrack.log_metrics({"loss": 0.5, "nan": math.nan})
        autotrack.log_param("rate", 0.1)
        (found,) = autotrack.search_runs(output_format="list")
        assert found.data.metrics["loss"] == 0.5
        assert math.isnan(found.data.metrics["nan"])
        assert found.info.status == "RUNNING"
        autotrack.log_metric("loss", 0.25, step=1)
        here = autotrack.get_run(run.info.run_id)
        there = autotrack.get_run(found.info.run_id)
        assert here.info == there.info
        assert here.data.metrics["loss"] == 0.25
        assert run.data.params == {"rate": "0.1"}
    client = MlflowClient()
    history = client.get_metric_history(run.info.run_id, "loss")
    assert [(one.step, one.value) for one in history] == [(0, 0.5), (1, 0.25)]
    assert client.get_experiment(experiment.experiment_id).name == request.node.name
    assert len(client.search_runs([experiment.experiment_id], "metrics.loss < 0.3")) == 1
    assert autotrack.last_active_run().info.status == "FINISHED"


def test_a_verb_is_one_request(faults, tracking, request):
    """Whatever it changes."""
    client = Client(faults.url)
    experiment_id = client.create_experiment(request.node.name, tags={"team": "blue"})
    run = client.create_run(experiment_id, run_name="mine", tags={"a": "b"})
    run_id = run.info.run_id
    calls = [
        lambda: client.log_metric(run_id, "m", 1.5, step=3),
        lambda: client.log_param(run_id, "p", 1),
        lambda: client.set_tag(run_id, "t", "x"),
        lambda: client.delete_tag(run_id, "t"),
        lambda: client.log_batch(run_id, [Metric("n", 2, 1, 0)], [Param("q", "2")], [RunTag("u", "v")]),
        lambda: client.get_run(run_id),
        lambda: client.update_run(run_id, name="renamed"),
        lambda: client.set_terminated(run_id),
        lambda: client.delete_run(run_id),
        lambda: client.restore_run(run_id),
        lambda: client.search_runs([experiment_id]),
        client.search_experiments,
        lambda: client.get_experiment(experiment_id),
        lambda: client.rename_experiment(experiment_id, f"{request.node.name} renamed"),
        lambda: client.set_experiment_tag(experiment_id, "k", "v"),
        client.search_registered_models,
        client.search_model_versions,
    ]
    for call in calls:
        before = len(faults.requests)
        call()
        assert len(faults.requests) == before + 1
    found = client.get_run(run_id)
    assert (found.info.run_name, found.info.status) == ("renamed", "FINISHED")
    assert found.data.params == {"p": "1", "q": "2"}
    assert found.data.metrics == {"m": 1.5, "n": 2}
    assert client.get_experiment_by_name(f"{request.node.name} renamed").tags == {"team": "blue", "k": "v"}
    assert client.get_experiment_by_name("no such one") is None


def test_more_than_a_request_takes_goes_in_several(faults, request):
    """A thousand metrics, a hundred parameters and tags at once."""
    client = Client()
    run_id = client.create_run(client.create_experiment(request.node.name)).info.run_id
    client.log_batch(
        run_id,
        [Metric("m", step, 1, step) for step in range(2500)],
        [Param(f"p{number}", str(number)) for number in range(250)],
        [RunTag(f"t{number}", str(number)) for number in range(50)],
    )
    run = client.get_run(run_id)
    assert (run.data.metrics["m"], len(run.data.params)) == (2499, 250)
    assert len(client.get_metric_history(run_id, "m")) == 2500
    assert faults.count("runs/log-batch") <= 4


def test_files_go_there_and_come_back(tmp_path, request):
    """Texts, tables, directories; listed and fetched."""
    autotrack.set_experiment(request.node.name)
    (tmp_path / "d/e").mkdir(parents=True)
    (tmp_path / "d/e/f.bin").write_bytes(bytes(range(256)) * 5000)
    with autotrack.start_run() as run:
        autotrack.log_text("hello", "a/b.txt")
    client = MlflowClient()
    run_id = run.info.run_id
    client.log_artifact(run_id, tmp_path / "d", "below")
    client.log_dict(run_id, {"x": 1}, "x.json")
    client.log_table(run_id, {"column": [1]}, "table.json")
    client.log_table(run_id, {"column": [2]}, "table.json")
    assert {one.path for one in client.list_artifacts(run_id)} == {"a", "below", "table.json", "x.json"}
    (inner,) = client.list_artifacts(run_id, "below/d/e")
    assert (inner.path, inner.is_dir, inner.file_size) == ("below/d/e/f.bin", False, 256 * 5000)
    fetched = Path(client.download_artifacts(run_id, "below", str(tmp_path / "to")))
    assert (fetched / "d/e/f.bin").read_bytes() == (tmp_path / "d/e/f.bin").read_bytes()
    assert autotrack.artifacts.load_text(f"runs:/{run_id}/a/b.txt") == "hello"
    assert autotrack.load_table("table.json", run_ids=[run_id])["column"].tolist() == [1, 2]
    with pytest.raises(AutotrackException, match="no file"):
        client.download_artifacts(run_id, "c.txt")


def test_a_model_is_registered_where_its_run_is(request):
    """By its run's id here, with its versions, aliases and stages there."""
    linear = pytest.importorskip("sklearn.linear_model")
    autotrack.set_experiment(request.node.name)
    with autotrack.start_run() as run:
        info = autotrack.sklearn.log_model(linear.LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0]), name="line")
    name = request.node.name
    first = autotrack.register_model(f"runs:/{run.info.run_id}/line", name, tags={"k": "v"})
    second = autotrack.register_model(f"models:/{info.model_id}", name)
    assert (first.version, second.version, first.tags) == ("1", "2", {"k": "v"})
    client = MlflowClient()
    client.set_registered_model_alias(name, "champion", 1)
    client.transition_model_version_stage(name, 2, "Production")
    assert client.get_model_version_by_alias(name, "champion").version == "1"
    assert client.resolve_model_version(f"models:/{name}/Production").version == "2"
    assert client.resolve_model_version(f"models:/{name}/latest").version == "2"
    assert client.get_registered_model(name).aliases == {"champion": "1"}
    assert [one.version for one in client.search_model_versions(f"name = '{name}'", order_by=["version_number"])] == [
        "1",
        "2",
    ]
    client.delete_registered_model_alias(name, "champion")
    client.delete_model_version(name, 1)
    with pytest.raises(AutotrackException, match="nowhere"):
        client.get_registered_model("nowhere")
    assert client.get_logged_model(info.model_id).name == "line"


def test_what_the_protocol_has_no_question_for_is_said(request):
    """Rather than answered with less."""
    with pytest.raises(AutotrackException) as caught:
        Client().get_model_history("any")
    assert caught.value.error_code == "NOT_IMPLEMENTED"


@pytest.mark.parametrize("fault", ["drop", "500"])
def test_a_question_is_asked_again(fault, faults, request):
    """While there is time; a run that was made without our hearing of it is found."""
    client = Client()
    experiment_id = client.create_experiment(request.node.name)
    faults.fault = lambda _, count: fault if count == 0 else None
    run = client.create_run(experiment_id)
    client.log_metric(run.info.run_id, "a", 1)
    (found,) = client.search_runs([experiment_id])
    assert (found.info.run_id, found.data.metrics) == (run.info.run_id, {"a": 1})


def test_a_server_that_does_not_answer_is_named(faults, monkeypatch):
    """Within the time that the program gives it."""
    monkeypatch.setenv("AUTOTRACK_QUERY_TIMEOUT", "0.2")
    faults.refuse()
    with pytest.raises(AutotrackException, match=faults.url):
        Client().search_experiments()


@pytest.mark.parametrize(
    ("told", "least", "most"),
    [
        ("7", 7, 7), ("0.5", 0.5, 0.5), (formatdate(4e9, usegmt=True), 300, 300), (formatdate(1, usegmt=True), 0, 0),
        ("nan", None, None), ("soon", None, None),
    ],
)  # fmt: skip
def test_a_server_may_say_when_to_come_again(told, least, most, faults):
    """In seconds or by a date; no longer than five minutes, and nothing else is taken for one."""
    faults.fault, faults.retry_after = lambda *_: "503", told
    with pytest.raises(Unavailable) as error:
        Connection(address(faults.url)).call("GET", "experiments/get")
    after = error.value.after
    assert after is None if least is None else least <= after <= most


def test_an_answer_that_comes_byte_by_byte_is_given_up(faults, tracking, monkeypatch):
    """When the time for the question is over, and not when the last byte has come."""
    monkeypatch.setenv("AUTOTRACK_QUERY_TIMEOUT", "1")
    faults.fault = lambda *_: "trickle"
    with pytest.raises(AutotrackException, match=f"{faults.url} does not answer in time"):
        Client(faults.url).search_experiments()
    assert not faults.released.is_set()
