"""What both servers refuse: paths and URIs that lead elsewhere, and verbs of what is not there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from comparing import Side, compared

PATHS = ("../x", "/etc/passwd", "..%2fx", "a/../../b", "%2e%2e/x", "C:\\x", "file:///x")
SOURCES = (
    "mlflow-artifacts:/models/../../x", "mlflow-artifacts:/models/..%2f..%2fx", "mlflow-artifacts:/models/x%00",
    "mlflow-artifacts://host:9000/models", "http://host:9000/models/../../x", "https://host/models",
    "s3a://bucket/x/../../y", "ftp://host:88/x/../y", "/tmp", "file:///tmp", "mlflow-artifacts:/models?x=1",
)  # fmt: skip
VERBS = (
    ("GET", "model-versions/get"), ("PATCH", "model-versions/update"), ("DELETE", "model-versions/delete"),
    ("POST", "model-versions/set-tag"), ("DELETE", "model-versions/delete-tag"),
    ("POST", "model-versions/transition-stage"), ("POST", "registered-models/alias"),
)  # fmt: skip


@compared
def test_paths_that_lead_out(side: Side) -> Iterator[tuple[str, Any]]:
    """Wherever a file of a run or of a model version is named, whether the version is there or not."""
    run = side.run()
    invalid = r"^Invalid path$"
    for path in PATHS:
        yield f"list {path}", side.get("artifacts/list", run_id=run, path=path, says=invalid)
        asked = {"run_uuid": run, "path": path}
        yield f"get {path}", side.ask("GET", "/get-artifact", params=asked, says=invalid)
        version = {"name": side.name(), "version": 1, "path": path}
        yield f"of a version {path}", side.ask("GET", "/model-versions/get-artifact", params=version, says=invalid)
    yield "two slashes", side.ask("GET", "//get-artifact", params={"run_uuid": run, "path": "../x"}, says=invalid)


@compared
def test_sources_that_lead_out(side: Side) -> Iterator[tuple[str, Any]]:
    """No version is made of what lies neither with the server nor where every client reaches it."""
    side.client.create_registered_model(side.name())
    run = side.run()
    for source in SOURCES:
        yield source, side.post("model-versions/create", {"name": side.name(), "source": source, "run_id": run})
    own = side.client.get_run(run).info.artifact_uri
    for more in ("/.", "/model/.."):
        made = {"name": side.name(), "source": f"{own}{more}", "run_id": run}
        yield more, side.post("model-versions/create", made, says="If supplying a source as an http, https, local")
    for local in ("/tmp", "file:///tmp"):
        made = {"name": side.name(), "source": local}
        yield local + " of no run", side.post("model-versions/create", made, says="To use a local path as a model ver")
    yield "versions", len(side.client.search_model_versions(f"name = '{side.name()}'"))


@compared
def test_versions_of_unknown_models(side: Side) -> Iterator[tuple[str, Any]]:
    """Are unknown themselves, whatever is asked of them."""
    says = r"Model Version \(name=.*, version=1\) not found"
    asked = {
        "name": side.name(), "version": "1", "key": "k", "value": "v", "stage": "Staging", "alias": "a",
        "archive_existing_versions": False,
    }  # fmt: skip
    for method, verb in VERBS:
        fields = {"params": {"name": side.name(), "version": "1"}} if method == "GET" else {"json": asked}
        yield verb, side.ask(method, f"/api/2.0/mlflow/{verb}", says=says, **fields)


@compared
def test_unknown_logged_models(side: Side) -> Iterator[tuple[str, Any]]:
    """Whatever is asked of them."""
    says = "Logged model with ID 'no' not found"
    for method, path in (("GET", "no"), ("DELETE", "no"), ("DELETE", "no/tags/x")):
        yield f"{method} {path}", side.ask(method, f"/api/2.0/mlflow/logged-models/{path}", says=says, json={})


@compared
def test_places_of_experiments(side: Side) -> Iterator[tuple[str, Any]]:
    """None is asked for, one with the server, or one that every client reaches."""
    for number, place in enumerate((None, "mlflow-artifacts:/own/place", "s3://bucket/x")):
        made = {"name": side.name(str(number)), "artifact_location": place}
        answer = side.post("experiments/create", made)
        found = side.client.get_experiment(side.known(answer["body"]["experiment_id"]))
        yield str(place), found.artifact_location
    made = {"name": side.name("other"), "artifact_location": "http://host/x"}
    yield "http", side.post("experiments/create", made, says="artifact_location")
