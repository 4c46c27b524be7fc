"""What many runs say together, over the server's own routes, on a directory and on a database."""

import json

import pytest

from autotrack.server import findings


@pytest.fixture
def own(client):
    """``own("trials", run_id=…)`` gives the document of one of autotrack's own questions."""

    def ask(path, expect=200, /, **fields):
        answer = client.get(f"/api/autotrack/{path}", params=fields)
        assert answer.status_code == expect, answer.text
        return answer.json()

    return ask


@pytest.fixture
def runs(api):
    """Makes runs with parameters and metrics; gives their ids."""

    def make(experiment_id, *settings):
        ids = []
        for n, (params, metrics) in enumerate(settings):
            made = api("POST", "runs/create", experiment_id=experiment_id, start_time=1000 + n)["run"]["info"]["run_id"]
            points = [{"key": key, "value": value, "timestamp": 1} for key, value in metrics.items()]
            texts = [{"key": key, "value": str(value)} for key, value in params.items()]
            api("POST", "runs/log-batch", run_id=made, params=texts, metrics=points)
            api("POST", "runs/update", run_id=made, status="FINISHED", end_time=2000 + n)
            ids.append(made)
        return ids

    return make


def test_experiments_tell_how_much_there_is_of_them(own, api, runs):
    """Deleted runs do not count, and an experiment without any is left out."""
    some, _ = (api("POST", "experiments/create", name=name)["experiment_id"] for name in ("some", "none"))
    ids = runs(some, *[({}, {})] * 3)
    api("POST", "runs/delete", run_id=ids[2])
    assert own("activity") == {"activity": [{"experiment_id": some, "runs": 2, "last_start": 1001}]}
    assert own("activity", experiment_ids=["0"]) == {}


def test_the_metric_that_counts_is_said_or_found(own, api, runs):
    """What is of held-out data comes before what is of the training data; what the experiment says comes before all."""
    assert own("objective", experiment_id="0") == {}
    runs(
        "0",
        ({}, {"training_accuracy": 1, "loss_time": 3}),
        ({}, {"training_accuracy": 1, "test_auc": 0.5}),
        ({}, {"training_accuracy": 1}),
    )
    assert own("objective", experiment_id="0") == {"metric": "test_auc", "better": 1, "said": False}
    for key, value in {"autotrack.objective": "cost", "autotrack.best.cost": "min"}.items():
        api("POST", "experiments/set-experiment-tag", experiment_id="0", key=key, value=value)
    assert own("objective", experiment_id="0") == {"metric": "cost", "better": -1, "said": True}


def test_trials_of_a_search_are_columns(own, api, client, runs):
    """The runs below it, or the table that it kept, NaN and all; what is no search says so."""
    parent, *_ = runs("0", ({}, {}))
    own("trials", 404, run_id=parent)
    for made, lr in zip(runs("0", ({"lr": 1}, {"loss": 0.5}), ({"lr": 2}, {"loss": "NaN"})), "ab", strict=True):
        api("POST", "runs/set-tag", run_id=made, key="mlflow.parentRunId", value=parent)
        api("POST", "runs/set-tag", run_id=made, key="mlflow.runName", value=lr)
    columns = {one["name"]: one["values"] for one in own("trials", run_id=parent)["columns"]}
    assert columns["name"] == ["a", "b"]
    assert columns["params.lr"] == ["1", "2"]
    assert columns["metrics.loss"] == [0.5, {"double": "NaN"}]
    place = api("GET", "runs/get", run_id=parent)["run"]["info"]["artifact_uri"].removeprefix("mlflow-artifacts:/")
    kept = json.dumps({"columns": ["params_C", "value"], "data": [[1, 0.9], [2, "NaN"]]})
    client.put(f"/api/2.0/mlflow-artifacts/artifacts/{place}/trials.json", content=kept.encode())
    found = own("trials", run_id=parent)
    assert {one["name"]: one["values"] for one in found["columns"]} == {"params_C": [1, 2], "value": [0.9, "NaN"]}
    assert found["ranking"] == [{"name": "value", "better": 0}]
    api("POST", "runs/log-parameter", run_id=parent, key="direction", value="minimize")
    assert own("trials", run_id=parent)["ranking"] == [{"name": "value", "better": -1}]


@pytest.mark.parametrize("service", ["directory"], indirect=True)  # each forest takes its time
def test_what_mattered_is_said_of_the_newest_runs(own, runs, monkeypatch):
    """With how many runs were looked at; too few are an error that says so, and nothing is computed twice."""
    runs("0", *[({"lr": n / 10, "noise": n * 7 % 5}, {"loss": n / 10}) for n in range(12)])
    assert "at least 8" in own("importance", 400, experiment_ids=["0"], metric="absent")["message"]
    found = own("importance", experiment_ids=["0"], metric="loss")
    assert found["weights"][0]["parameter"] == "lr"
    assert (found["runs"], found["more"]) == (12, False)
    monkeypatch.setattr(findings, "weighed", None)
    assert own("importance", experiment_ids=["0"], metric="loss") == found
    monkeypatch.undo()
    monkeypatch.setattr(findings, "MOST_RUNS", 10)
    found = own("importance", experiment_ids=["0"], metric="loss")
    assert (found["runs"], found["more"]) == (10, True)


def test_a_report_is_a_page_in_which_nothing_runs(own, api, client, runs, service):
    """With a policy that forbids all but its own style; as Markdown and as a file too, and without a path of the
    server's."""
    name = "<script>alert(1)</script>/é"
    experiment_id = api("POST", "experiments/create", name=name)["experiment_id"]
    runs(experiment_id, ({"lr": 1}, {"loss": 0.5}), ({"lr": 2}, {"loss": 0.25}))
    ask = {"experiment_id": experiment_id}
    page = client.get("/api/autotrack/report", params=ask)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert page.headers["content-security-policy"].endswith("sandbox")
    assert "content-disposition" not in page.headers
    assert "<script" not in page.text
    assert "0.25" in page.text
    assert service.store.directory is None or str(service.store.directory) not in page.text
    file = client.get("/api/autotrack/report", params={**ask, "format": "md", "download": "true"})
    assert file.headers["content-type"].startswith("text/markdown")
    assert file.headers["content-disposition"] == (
        "attachment; filename*=UTF-8''script-alert-1-script-%C3%A9-report.md"
    )
    assert "html or md" in own("report", 400, **ask, format="pdf")["message"]
    assert "metric" in own("report", 404, **ask, metric="absent")["message"]
    own("report", 404, experiment_id="none")
