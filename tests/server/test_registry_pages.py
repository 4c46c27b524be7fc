"""What the pages of registered models ask besides MLflow's protocol, on a directory and on a database."""

import pytest
from asking import Asker

from autotrack.server.access import Access
from autotrack.server.app import Application
from autotrack.server.start import Options, opened

OWN = "/api/autotrack/model-versions"


@pytest.fixture
def versions(api, client):
    """Two versions of "churn", from runs that differ."""
    api("POST", "registered-models/create", name="churn")
    for n, accuracy in enumerate((0.8, "NaN"), 1):
        run_id = api("POST", "runs/create", experiment_id="0", run_name=f"try {n}")["run"]["info"]["run_id"]
        info = api("POST", "logged-models", experiment_id="0", name="net", source_run_id=run_id)["model"]["info"]
        place = info["artifact_uri"].removeprefix("mlflow-artifacts:/")
        pinned = f"torch=={n}.0\npandas==2.0\n".encode()
        client.put(f"/api/2.0/mlflow-artifacts/artifacts/{place}/requirements.txt", content=pinned)
        api("PATCH", f"logged-models/{info['model_id']}", status="LOGGED_MODEL_READY")
        api("POST", "runs/outputs", run_id=run_id, models=[{"model_id": info["model_id"]}])
        params = [{"key": "lr", "value": f"0.{n}"}, {"key": "depth", "value": "3"}]
        metrics = [{"key": "accuracy", "value": accuracy, "timestamp": 1}]
        api("POST", "runs/log-batch", run_id=run_id, params=params, metrics=metrics)
        source = {"source": f"models:/{info['model_id']}", "model_id": info["model_id"]}
        api("POST", "model-versions/create", name="churn", **source)


def test_a_version_leads_to_what_made_it(versions, client, service):
    """Its run, parameters, metrics and packages, wherever its files are; no path of the server's is told."""
    answer = client.get(f"{OWN}/lineage", params={"name": "churn", "version": "2"})
    found = answer.json()
    assert (found["run"]["run_name"], found["params"]["lr"], found["metrics"]) == ("try 2", "0.2", {"accuracy": "NaN"})
    assert found["environment"] == {"torch": "2.0", "pandas": "2.0"}
    assert found["model_version"]["version"] == "2"
    assert service.store.directory is None or str(service.store.directory) not in answer.text
    assert client.get(f"{OWN}/lineage", params={"name": "churn", "version": "9"}).status_code == 404


def test_versions_are_set_side_by_side(versions, client):
    """By part, what differs first; named by URIs, so also by alias."""
    asked = {"versions": ["models:/churn/1", "models:/churn/latest"]}
    parts = {one["name"]: one["rows"] for one in client.get(f"{OWN}/compare", params=asked).json()["parts"]}
    assert parts["params"] == [
        {"key": "lr", "values": ["0.1", "0.2"], "differs": True},
        {"key": "depth", "values": ["3", "3"], "differs": False},
    ]
    assert parts["metrics"] == [{"key": "accuracy", "values": [0.8, {"double": "NaN"}], "differs": True}]
    assert parts["environment"][0]["key"] == "torch"
    refused = client.get(f"{OWN}/compare", params={"versions": ["models:/churn/1"]})
    assert (refused.status_code, "two versions" in refused.json()["message"]) == (400, True)
    assert client.get(f"{OWN}/compare", params={"versions": ["models:/churn/1"] * 21}).status_code == 400


def test_a_promotion_depends_on_what_was_seen(versions, client):
    """Another version came there meanwhile: nothing is changed, and so with what is taken back."""

    def move(verb, expect, **fields):
        answer = client.post(f"{OWN}/{verb}", json={"name": "churn", "to": "Production", **fields})
        assert answer.status_code == expect, answer.text
        return answer.json()

    move("promote", 200, version="1", expected="")
    lost = move("promote", 409, version="2", expected="")
    assert (lost["error_code"], "somebody else was faster" in lost["message"]) == ("RESOURCE_CONFLICT", True)
    assert move("promote", 200, version="2", expected="1")["promotion"]["made"]
    move("rollback", 409, expected="1")
    assert move("rollback", 200, expected="2")["promotion"]["version"] == "1"


def test_who_asks_may_say_his_name(versions, service):
    """A header names him where no password does, and the log has it; the password's name goes before."""
    application = Application(service, Access(None, ()))
    headers = {"X-Autotrack-User": "Ada%20L%C3%B6w"}
    asker = Asker(application, **headers)
    assert asker.get("/api/autotrack/access").json() == {"read_only": False, "user": "Ada Löw"}
    asker.post(f"{OWN}/approve", json={"name": "churn", "version": "1", "reason": "tried"})
    change = asker.get("/api/autotrack/registry/history", params={"name": "churn"}).json()["changes"][-1]
    assert (change["user"], change["why"], change["verified"]) == ("Ada Löw", "tried", False)
    named = Asker(application, **headers, Authorization="Basic Ym9iOg==")
    assert named.get("/api/autotrack/access").json()["user"] == "bob"
    assert Asker(application, **{"X-Autotrack-User": "a%0Ab"}).get("/api/autotrack/access").json()["user"] == ""


def test_a_store_of_others_is_shown_as_such(tmp_path, monkeypatch):
    """So that a page offers nothing that would be refused."""
    monkeypatch.setattr("os.access", lambda *_: False)
    service = opened(Options(directory=str(tmp_path / "store")))
    assert Asker(Application(service, Access(None, ()))).get("/api/autotrack/access").json()["read_only"]
    service.store.close()


def test_a_tag_of_an_experiment_is_not_overwritten_unseen(api):
    """With the value that it is expected to have; whoever was slower is told."""
    one = {"experiment_id": "0", "key": "mlflow.note.content"}
    api("POST", "experiments/set-experiment-tag", **one, value="first", expected="")
    lost = api("POST", "experiments/set-experiment-tag", 409, **one, value="mine", expected="")
    assert lost["error_code"] == "RESOURCE_CONFLICT"
    api("POST", "experiments/set-experiment-tag", **one, value="second", expected="first")
    tags = api("GET", "experiments/get", experiment_id="0")["experiment"]["tags"]
    assert tags == [{"key": "mlflow.note.content", "value": "second"}]
