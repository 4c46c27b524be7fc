"""What a version is made of: looked up when it is made, and never changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from registries import BUCKET, refused
from sklearn.linear_model import LogisticRegression

import autotrack as at
from autotrack.client import Client


@pytest.fixture
def logged():
    """A run with a model, with all that is known of the model."""
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    with at.start_run() as run:
        at.log_metric("accuracy", 0.9)
        info = at.sklearn.log_model(model, name="model", input_example=[[0.0]])
    return run.info.run_id, at.get_logged_model(info.model_id)


@pytest.mark.parametrize("form", ["runs:/{run}/model", "models:/{model}", "{place}", "{path}"])
def test_a_version_knows_its_run_and_its_content(client: Client, logged, form):
    """Whether it is named by its run, its id or its place."""
    run_id, model = logged
    path = model.artifact_location.removeprefix("file://")
    source = form.format(run=run_id, model=model.model_id, place=model.artifact_location, path=path)
    client.create_registered_model("m")
    found = client.create_model_version("m", source, run_id, model_id=model.model_id)
    assert (found.run_id, found.model_id, found.digest) == (run_id, model.model_id, model.digest)
    assert (found.source, found.location, found.signature) == (source, model.artifact_location, model.signature)
    assert found.digest
    assert client.get_model_version_download_uri("m", "1") == model.artifact_location
    (created,) = [one for one in client.get_model_history("m") if one.kind == "version_created"]
    assert created.metrics == {"accuracy": 0.9}


def test_a_version_and_a_stage_load_by_name(client: Client, logged):
    """Also one that was made of the run's own URI."""
    run_id, _ = logged
    client.create_registered_model("m")
    client.create_model_version("m", f"runs:/{run_id}/model", run_id)
    client.transition_model_version_stage("m", "1", "Production")
    client.set_registered_model_alias("m", "live", "1")
    for uri in ("models:/m/1", "models:/m/Production", "models:/m/latest", "models:/m@live"):
        assert at.pyfunc.load_model(uri).predict([[1.0]]) == [1]


def test_what_does_not_belong_together_is_refused(client: Client, logged):
    """Each error names the thing; nothing is registered."""
    run_id, model = logged
    other = client.create_run("0").info.run_id
    client.create_registered_model("m")
    for source, run, of_model, says in (
        (f"runs:/{run_id}/model", other, None, "belongs to run"),
        (f"models:/{model.model_id}", other, None, "belongs to run"),
        (model.artifact_location, other, None, "belongs to run"),
        (f"runs:/{run_id}/model", None, "m-" + "0" * 32, "belongs to model"),
        (f"models:/{model.model_id}", None, "m-" + "0" * 32, "belongs to model"),
        (BUCKET, other, model.model_id, "belongs to run"),
        (f"runs:/{run_id}/../x", None, None, r"without '\.\.'"),
        ("..", None, None, r"without '\.\.'"),
        ("", None, None, "no source"),
        ("models:/", None, None, "names no model"),
        ("models:/m/1/2", None, None, "names no model"),
        ("runs:/only", None, None, "names no model of a run"),
    ):
        with refused(says=says):
            client.create_model_version("m", source, run, model_id=of_model)
    for source, run, says in (
        (f"runs:/{run_id}/other", None, "has no model 'other'; it has model"),
        (f"runs:/{other}/model", None, "it has logged none"),
        ("runs:/nowhere/model", None, "Run with id=nowhere not found"),
        (f"models:/m-{'0' * 32}", None, "no logged model"),
        ("models:/m/1", None, "version=1\\) not found: it has none yet"),
        ("models:/m@live", None, "live"),
        ("models:/x/1", None, "Registered Model with name=x not found"),
        ("some/where", None, "no model directory"),
        (BUCKET, "nowhere", "Run with id=nowhere not found"),
    ):
        with refused("INVALID_PARAMETER_VALUE" if "@" in source else "RESOURCE_DOES_NOT_EXIST", says):
            client.create_model_version("m", source, run)
    assert client.search_model_versions() == []


def test_a_copy_is_of_the_same_content(client: Client, logged):
    """It names the version that it is a copy of, and leads to the same run and files."""
    run_id, model = logged
    at.register_model(f"runs:/{run_id}/model", "m", tags={"k": "v"})
    client.set_registered_model_alias("m", "live", "1")
    copy = client.copy_model_version("models:/m@live", "served")
    assert (copy.source, copy.run_id, copy.model_id) == ("models:/m/1", run_id, model.model_id)
    assert (copy.digest, copy.location, copy.tags) == (model.digest, model.artifact_location, {"k": "v"})
    with refused(says="names no version"):
        client.copy_model_version(f"runs:/{run_id}/model", "served")


def test_a_version_outlives_its_run(client: Client, logged):
    """A deleted run keeps its files, so the version loads as before; if the files are removed too, everything but they
    is still there."""
    run_id, model = logged
    at.register_model(f"models:/{model.model_id}", "m")
    client.delete_run(run_id)
    assert at.pyfunc.load_model("models:/m/1").predict([[1.0]]) == [1]
    assert client.get_model_version_lineage("m", 1)["run"]["lifecycle_stage"] == "deleted"
    shutil.rmtree(client.store.directory / "runs" / run_id)
    client.store.reindex()
    found = client.get_model_version("m", "1")
    assert (found.run_id, found.digest) == (run_id, model.digest)
    lineage = client.get_model_version_lineage("m", 1)
    assert (lineage["run"], lineage["model"], lineage["metrics"]) == (None, None, {"accuracy": 0.9})
    client.transition_model_version_stage("m", "1", "Archived")
    with refused("RESOURCE_DOES_NOT_EXIST", "no model directory"):
        at.pyfunc.load_model("models:/m/1")


def test_a_store_may_be_moved(client: Client, logged, tmp_path: Path):
    """What lies in it is noted by its place there."""
    at.register_model(f"models:/{logged[1].model_id}", "m")
    client.store.close()
    moved = Client(shutil.copytree(client.store.directory, tmp_path / "elsewhere"))
    assert moved.get_model_version("m", "1").location.startswith((tmp_path / "elsewhere").as_uri())


def test_metrics_of_a_run_with_several_models_are_not_taken_for_one_models(client: Client, logged):
    """Nobody could say whose they are; those that were logged with the model's id are its own."""
    run_id, _ = logged
    with at.start_run(run_id=run_id):
        info = at.sklearn.log_model(LogisticRegression().fit([[0.0], [1.0]], [1, 0]), name="second")
        at.log_metric("own", 0.5, model_id=info.model_id)
    at.register_model(f"runs:/{run_id}/model", "m")
    at.register_model(f"runs:/{run_id}/second", "m")
    created = [one for one in client.get_model_history("m") if one.kind == "version_created"]
    assert [one.metrics for one in created] == [{}, {"own": 0.5}]
