"""Logged models and the registry over MLflow's REST protocol, on a directory and on a database."""

import pytest


@pytest.fixture
def model_id(api, run_id):
    """A model of a run."""
    made = api("POST", "logged-models", experiment_id="0", name="net", source_run_id=run_id)
    return made["model"]["info"]["model_id"]


def test_a_model_is_announced_filled_and_finished(api, client, run_id, model_id):
    """Its files go to a place of its own, and its run names it once it says so."""
    info = api("GET", f"logged-models/{model_id}")["model"]["info"]
    assert (info["status"], info["source_run_id"]) == ("LOGGED_MODEL_PENDING", run_id)
    place = info["artifact_uri"].removeprefix("mlflow-artifacts:/")
    assert client.put(f"/api/2.0/mlflow-artifacts/artifacts/{place}/MLmodel", content=b"flavors: {}").status_code == 200
    api("PATCH", f"logged-models/{model_id}", model_id=model_id, status="LOGGED_MODEL_READY")
    api("POST", f"logged-models/{model_id}/params", params=[{"key": "depth", "value": "3"}])
    api("PATCH", f"logged-models/{model_id}/tags", tags=[{"key": "a", "value": "1"}])
    api("POST", "runs/outputs", run_id=run_id, models=[{"model_id": model_id, "step": 2}])
    model = api("GET", f"logged-models/{model_id}")["model"]
    assert model["info"]["status"] == "LOGGED_MODEL_READY"
    assert model["data"]["params"] == [{"key": "depth", "value": "3"}]
    assert model["info"]["tags"] == [{"key": "a", "value": "1"}]
    files = api("GET", f"logged-models/{model_id}/artifacts/directories")["files"]
    assert [one["path"] for one in files] == ["MLmodel"]
    api("DELETE", f"logged-models/{model_id}/tags/a")
    found = api("POST", "logged-models/search", experiment_ids=["0"], filter="name = 'net'")["models"]
    assert [one["info"]["model_id"] for one in found] == [model_id]
    assert "tags" not in found[0]["info"]
    api("DELETE", f"logged-models/{model_id}")
    assert api("GET", f"logged-models/{model_id}", 404)["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    assert api("GET", f"logged-models/{model_id}", allow_deleted="true")["model"]["info"]["model_id"] == model_id
    assert api("POST", "logged-models/search", experiment_ids=["0"]) == {}


def test_metrics_of_a_model_are_found_with_it(api, run_id, model_id):
    """With the data set that they were computed on."""
    point = {"key": "acc", "value": 0.9, "timestamp": 1, "model_id": model_id}
    api("POST", "runs/log-batch", run_id=run_id, metrics=[point | {"dataset_name": "d", "dataset_digest": "e"}])
    api("POST", "runs/log-batch", run_id=run_id, metrics=[point | {"value": 0.5, "step": 1}])
    metrics = api("GET", f"logged-models/{model_id}")["model"]["data"]["metrics"]
    assert sorted((one["value"], one.get("dataset_name")) for one in metrics) == [(0.5, None), (0.9, "d")]
    by = [{"field_name": "metrics.acc", "ascending": False}]
    search = {"experiment_ids": ["0"], "order_by": by}
    assert api("POST", "logged-models/search", **search, filter="metrics.acc > 0.8")["models"]


def test_a_model_may_have_no_run(api):
    """It is kept all the same, and no list of runs shows anything new."""
    made = api("POST", "logged-models", experiment_id="0", name="alone")["model"]["info"]
    assert "source_run_id" not in made
    api("PATCH", f"logged-models/{made['model_id']}", status=2)
    assert api("GET", f"logged-models/{made['model_id']}")["model"]["info"]["status"] == "LOGGED_MODEL_READY"
    assert api("POST", "runs/search", experiment_ids=["0"]) == {}


def test_versions_aliases_stages_and_tags(api, run_id, model_id):
    """From a name to its end."""
    api("POST", "registered-models/create", name="fraud", description="of cards", tags=[{"key": "a", "value": "1"}])
    assert api("POST", "registered-models/create", 400, name="fraud")["error_code"] == "RESOURCE_ALREADY_EXISTS"
    made = api("POST", "model-versions/create", name="fraud", source=f"models:/{model_id}", model_id=model_id)
    version = made["model_version"]
    assert (version["version"], version["run_id"], version["status"]) == ("1", run_id, "READY")
    api("POST", "registered-models/alias", name="fraud", alias="best", version="1")
    assert api("GET", "registered-models/alias", name="fraud", alias="best")["model_version"]["version"] == "1"
    assert api("GET", "registered-models/alias", name="fraud", alias="latest")["model_version"]["version"] == "1"
    missing = api("GET", "registered-models/alias", 404, name="fraud", alias="worst")
    assert missing["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    moved = api("POST", "model-versions/transition-stage", name="fraud", version="1", stage="staging")
    assert moved["model_version"]["current_stage"] == "Staging"
    latest = api("POST", "registered-models/get-latest-versions", name="fraud", stages=["Staging"])
    assert [one["version"] for one in latest["model_versions"]] == ["1"]
    api("POST", "model-versions/set-tag", name="fraud", version="1", key="k", value="v")
    api("PATCH", "model-versions/update", name="fraud", version="1", description="first")
    found = api("GET", "model-versions/get", name="fraud", version="1")["model_version"]
    assert (found["tags"], found["description"], found["aliases"]) == ([{"key": "k", "value": "v"}], "first", ["best"])
    hidden = "name = 'fraud' AND tags.`mlflow.prompt.is_prompt` != 'true'"
    assert len(api("GET", "registered-models/search", filter=hidden)["registered_models"]) == 1
    assert len(api("GET", "model-versions/search", filter="name = 'fraud'")["model_versions"]) == 1
    assert api("GET", "model-versions/get-download-uri", name="fraud", version="1")["artifact_uri"].startswith(
        "mlflow-artifacts:/"
    )
    api("POST", "registered-models/rename", name="fraud", new_name="cards")
    api("DELETE", "registered-models/alias", name="cards", alias="best")
    api("DELETE", "model-versions/delete", name="cards", version="1")
    api("DELETE", "registered-models/delete", name="cards")
    assert api("GET", "registered-models/get", 404, name="cards")["error_code"] == "RESOURCE_DOES_NOT_EXIST"


def test_a_version_belongs_to_the_run_or_model_that_is_named(api, run_id, model_id):
    """Nothing of this machine, nothing of another run, and no way round that."""
    api("POST", "registered-models/create", name="fraud")
    other = api("POST", "runs/create", experiment_id="0")["run"]["info"]["run_id"]
    root = f"mlflow-artifacts:/0/{run_id}/artifacts"
    for source, named in (
        ("/etc/passwd", {"run_id": run_id}),
        ("file:///etc", {"run_id": run_id}),
        ("etc/passwd", {}),
        ("http://169.254.169.254/latest", {}),
        (f"{root}/model", {"run_id": other}),
        (f"{root}/model", {}),
        (f"{root}/../../{other}/artifacts/model", {"run_id": run_id}),
        (f"{root}/%2e%2e/%2e%2e/{other}/artifacts/model", {"run_id": run_id}),
        (f"{root}/%252e%252e/x", {"run_id": run_id}),
        (f"{root}/model#/../../..", {"run_id": run_id}),
        (f"{root}/model?x=/../../..", {"run_id": run_id}),
        (f"{root}/model;/../../..", {"run_id": run_id}),
        (f"runs:/{run_id}/model", {"run_id": other}),
        (f"runs:/{run_id}/model", {}),
        (f"runs://host/{run_id}/model", {"run_id": run_id}),
        (f"models:/{model_id}", {}),
        (f"models:/{model_id}", {"model_id": "m-other"}),
        ("s3:/bucket", {}),
        ("dbfs:/x", {}),
        ("\x00", {}),
    ):
        refused = api("POST", "model-versions/create", None, name="fraud", source=source, **named)
        assert refused["error_code"] in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"), source
    assert api("GET", "model-versions/search") == {}
    api("POST", "model-versions/create", name="fraud", source=f"{root}/model", run_id=run_id)
    api("POST", "model-versions/create", name="fraud", source="s3://bucket/model")


def test_prompts_are_refused(api):
    """As a registered model with MLflow's mark, however it is put there."""
    mark = {"key": "mlflow.prompt.is_prompt", "value": "true"}
    assert api("POST", "registered-models/create", 501, name="p", tags=[mark])["error_code"] == "NOT_IMPLEMENTED"
    api("POST", "registered-models/create", name="p")
    api("POST", "registered-models/set-tag", 501, name="p", **mark)
