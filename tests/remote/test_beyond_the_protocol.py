"""What MLflow's protocol has no words for: autotrack's server answers it, an MLflow server is named as lacking it."""

from pathlib import Path

import pytest
from ownserver import Own

import autotrack
from autotrack.analysis.reports import templates
from autotrack.analysis.reports.facts import Wanted, facts
from autotrack.client import Client
from autotrack.exceptions import AutotrackException


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """The server of these tests."""
    server = Own(tmp_path_factory.mktemp("own"))
    yield server
    server.close()


@pytest.fixture(params=["own", "tracking"])
def url(request, monkeypatch):
    """Either server."""
    found = request.getfixturevalue(request.param).url
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", found)
    monkeypatch.setenv("AUTOTRACK_TOLD", "1")
    return found


def model(name, accuracy):
    """A run with a model, and a version of it."""
    linear = pytest.importorskip("sklearn.linear_model")
    with autotrack.start_run() as run:
        autotrack.log_params({"depth": accuracy})
        autotrack.log_metrics({"accuracy": accuracy / 2}, step=0)
        autotrack.log_metrics({"accuracy": accuracy}, step=1)
        autotrack.log_metrics({"accuracy": accuracy / 4}, step=2)
        autotrack.sklearn.log_model(linear.LinearRegression().fit([[0.0], [1.0]], [0.0, accuracy]), name="line")
    return run.info.run_id, autotrack.register_model(f"runs:/{run.info.run_id}/line", name)


def test_versions_are_compared_and_traced_on_any_server(url, request):
    """From what the servers answer: the runs, their parameters and metrics, the packages of the model."""
    name = request.node.name.replace("[", "-").strip("]")
    autotrack.set_experiment(name)
    (first, one), (second, two) = model(name, 0.5), model(name, 0.75)
    client = Client()
    compared = client.compare_model_versions([(name, one.version), (name, two.version)])
    assert compared["params"] == {"depth": ["0.5", "0.75"]}
    assert compared["metrics"] == {"accuracy": [0.125, 0.1875]}
    assert compared["environment"]["scikit-learn"][0] == compared["environment"]["scikit-learn"][1] != "any"
    facts = client.get_model_version_lineage(name, one.version)
    there = client.get_run(first).info.run_id
    assert (facts["run"]["run_id"], facts["params"]) == (there, {"depth": "0.5"})
    assert facts["model"]["name"] == "line"
    found = client.find_model_versions(run_id=client.get_run(second).info.run_id)
    assert [version.version for version in found] == [two.version]
    assert [(one.key, one.step) for one in client.get_last_metrics(second)] == [("accuracy", 2)]
    ids = [client.get_experiment_by_name(name).experiment_id]
    columns = client.run_columns(ids, ["metrics.accuracy", "params.depth"], order_by=["metrics.accuracy ASC"])
    assert columns.values == {"metrics.accuracy": [0.125, 0.1875], "params.depth": ["0.5", "0.75"]}
    with pytest.raises(AutotrackException):
        client.run_columns(ids, ["no field"])


def test_the_log_of_a_server_is_asked_as_a_stores(own, monkeypatch, request):
    """Who did what and why, promotion by this project's policies, moves that depend on what is there, the past."""
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", own.url)
    name = request.node.name
    autotrack.set_experiment(name)
    model(name, 0.5), model(name, 0.75)
    client = Client()
    Path("autotrack-policies.toml").write_text('[[policy]]\nmetrics = ["accuracy >= 0.15"]\n')
    refused = client.promote_model_version(name, 1, "Production", reason="too early")
    assert (refused.made, refused.passed, refused.checks[0].demand) == (False, False, "accuracy >= 0.15")
    with pytest.raises(AutotrackException, match="somebody else was faster"):
        client.promote_model_version(name, 2, "@champion", expected=1)
    made = client.promote_model_version(name, 2, "@champion", reason="good", expected=None)
    assert (made.made, made.before, made.policies) == (True, None, str(Path("autotrack-policies.toml").absolute()))
    with pytest.raises(AutotrackException) as caught:
        client.set_registered_model_alias(name, "champion", 1, expected=1)
    assert caught.value.error_code == "RESOURCE_CONFLICT"
    with pytest.raises(AutotrackException) as caught:
        client.set_registered_model_alias(name, "champion", 1, expected=None)
    assert caught.value.error_code == "RESOURCE_CONFLICT"
    checks = [{"Demand": "two eyes", "passed": True}]
    client.set_registered_model_alias(name, "champion", 1, expected=2, checks=checks, reason="for now")
    moved = client.get_model_history(name)[-1]
    assert (moved.kind, moved.subject, moved.before, moved.after, moved.why) == (
        "alias",
        "champion",
        "2",
        "1",
        "for now",
    )
    assert list(moved.checks) == checks
    assert client.resolve_model_version(f"models:/{name}@champion", at=moved.time - 1).version == "2"
    assert client.rollback_model_version(name, "@champion", expected=1).version == "2"
    assert client.approve_model_version(name, 2, to="Production").kind == "approval"
    staged = client.transition_model_version_stage(name, 2, "Staging", expected="None")
    assert staged.current_stage == "Staging"
    verdict = client.verify_registry(moved.hash)
    assert (verdict.problems, verdict.entries) == ((), client.get_model_history(name)[-1].number)
    assert client.verify_registry("0" * 64).problems


def test_readings_of_metrics_are_the_servers(own, monkeypatch, request):
    """The best value of a curve, and values that JSON has no numbers for."""
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", own.url)
    autotrack.set_experiment(request.node.name)
    with autotrack.start_run(run_name="NaN"):
        for step, value in enumerate((1.0, 0.25, 0.5)):
            autotrack.log_metric("loss", value, step=step)
        autotrack.log_metrics({"up": float("inf")})
    client = Client()
    ids = [client.get_experiment_by_name(request.node.name).experiment_id]
    found = client.run_columns(ids, ["min(loss)", "metrics.up", "run_name", "metrics.none"])
    assert found.values == {
        "min(loss)": [0.25], "metrics.up": [float("inf")], "run_name": ["NaN"], "metrics.none": [None],
    }  # fmt: skip
    assert autotrack.best_run("loss").data.metrics["loss"] == 0.5


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.get_model_history("x"),
        lambda client: client.verify_registry(),
        lambda client: client.promote_model_version("x", 1, "Production"),
        lambda client: client.rollback_model_version("x", "Production"),
        lambda client: client.approve_model_version("x", 1),
        lambda client: client.set_registered_model_alias("x", "a", 1, expected=None),
        lambda client: client.resolve_model_version("models:/x/1", at=0),
        lambda client: client.run_columns(["0"], ["best(loss)"]),
    ],
)
def test_an_mlflow_server_is_named_as_not_having_it(ask, tracking):
    """By a code of its own, so that programs can tell."""
    with pytest.raises(AutotrackException, match=tracking.url) as caught:
        ask(Client(tracking.url))
    assert caught.value.error_code == "NOT_IMPLEMENTED"


def test_what_many_runs_say_is_asked_of_any_server(url, request):
    """The best run, by what it reached or by its end, what mattered, groups over seeds, and a report of it all."""
    name = request.node.name
    autotrack.set_experiment(name)
    autotrack.set_experiment_tag("autotrack.question", "Which <depth>?")
    for n in range(9):
        with autotrack.start_run(run_name=f"trial {n}"):
            autotrack.log_params({"depth": n, "seed": n % 2})
            for step, loss in enumerate([9.0, n / 10, 2.0 - n / 10]):
                autotrack.log_metric("val/loss", loss, step)
    assert autotrack.best_run("val/loss").info.run_name == "trial 0"
    assert autotrack.best_run("val/loss", last=True).info.run_name == "trial 8"
    assert autotrack.best_run("val/loss", mode="max", where="params.depth != '3'").data.params["depth"] != "3"
    assert autotrack.aggregate("val/loss", "seed").sort_values("seed")["runs"].tolist() == [5, 4]
    found = facts(Client(), Wanted(name))
    assert [line.name for line in found.lines[:2]] == ["trial 0", "trial 1"]
    assert found.panels[0].curves[0].points == [(0.0, 9.0), (1.0, 0.0), (2.0, 2.0)]
    assert found.importance.weights[0].parameter == "depth"
    assert (found.question, found.metric, found.store) == ("Which <depth>?", "val/loss", url)
    assert "Which &lt;depth&gt;?" in templates.rendered(templates.OWN / templates.HTML, found, {"version": "1"})
