"""Registered models and their versions, as MLflow's client sees them of both servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from comparing import Side, compared

MISSING_MODEL = r"Registered Model with name=.* not found"
MISSING_VERSION = r"Model Version .+ not found"


def registered(side: Side, text: str = "", **more: Any) -> str:
    """The name of a new registered model."""
    return str(side.client.create_registered_model(side.name(text), **more).name)


def version(side: Side, name: str, run: str | None = None, path: str = "model", **more: Any) -> Any:
    """A new version of a registered model."""
    run = run or side.run()
    return side.client.create_model_version(name, f"runs:/{run}/{path}", run, **more)


@compared
def test_registered_models(side: Side) -> Iterator[tuple[str, Any]]:
    """Are created once, described, renamed and deleted."""
    client = side.client
    name = registered(side, "1", tags={"key": "value", "another key": "other", "n": 12345}, description="first")
    yield "created", client.get_registered_model(name)
    yield "plain", client.get_registered_model(registered(side, "plain"))
    yield "twice", side.attempt(client.create_registered_model, name, says=r"Registered Model .+ already exists")
    client.update_registered_model(name, "This is a test")
    yield "described", client.get_registered_model(name).description
    client.rename_registered_model(name, side.name("2"))
    yield "old name", side.attempt(client.get_registered_model, name, says=MISSING_MODEL)
    yield "renamed", client.get_registered_model(side.name("2"))
    yield "name taken", side.attempt(client.rename_registered_model, side.name("2"), side.name("plain"))
    yield "rename missing", side.attempt(client.rename_registered_model, name, "x", says=MISSING_MODEL)
    yield "describe missing", side.attempt(client.update_registered_model, name, "x", says=MISSING_MODEL)
    client.delete_registered_model(side.name("2"))
    yield "deleted", side.attempt(client.get_registered_model, side.name("2"), says=MISSING_MODEL)
    yield "delete missing", side.attempt(client.delete_registered_model, side.name("2"), says=MISSING_MODEL)
    yield "again", registered(side, "2")
    yield "fresh", client.get_registered_model(side.name("2"))
    for wrong in ("", "a/b", "a:b", " ", "..", ".", "x" * 257):
        yield f"name {wrong[:5]!r}", side.post("registered-models/create", {"name": wrong})
    yield "no name", side.post("registered-models/create", {}, says="Missing value for required parameter 'name'")
    yield "a number", side.post("registered-models/create", {"name": 5})
    yield "rename wrongly", side.attempt(client.rename_registered_model, side.name("2"), "a/b")
    yield "rename to nothing", side.post("registered-models/rename", {"name": side.name("2")})
    yield "raw", side.get("registered-models/get", name=side.name("2"))
    yield "long tag", side.attempt(client.create_registered_model, side.name("3"), {"k" * 251: "v"})


@compared
def test_tags_of_registered_models(side: Side) -> Iterator[tuple[str, Any]]:
    """And of their versions are set, replaced and deleted."""
    client, name = side.client, registered(side)
    version(side, name)
    for key, value in {"key": "value", "numeric value": 12345, "empty": ""}.items():
        client.set_registered_model_tag(name, key, value)
        client.set_model_version_tag(name, "1", key, value)
    client.set_registered_model_tag(name, "key", "new")
    yield "set", [client.get_registered_model(name).tags, client.get_model_version(name, "1").tags]
    client.delete_registered_model_tag(name, "key")
    client.delete_model_version_tag(name, "1", "key")
    yield "deleted", [client.get_registered_model(name).tags, client.get_model_version(name, "1").tags]
    yield "again", side.attempt(client.delete_registered_model_tag, name, "key")
    yield "version again", side.attempt(client.delete_model_version_tag, name, "1", "key")
    yield "no model", side.attempt(client.set_registered_model_tag, side.name("no"), "a", "b", says=MISSING_MODEL)
    yield "no version", side.attempt(client.set_model_version_tag, name, "9", "a", "b", says=MISSING_VERSION)
    yield "bad version", side.attempt(client.set_model_version_tag, name, "x", "a", "b")
    yield "long key", side.attempt(client.set_registered_model_tag, name, "k" * 251, "b")
    yield "bad key", side.attempt(client.set_registered_model_tag, name, "../x", "b")
    yield "long value", side.attempt(client.set_registered_model_tag, name, "k", "v" * 100_001)
    yield "no key", side.post("registered-models/set-tag", {"name": name, "value": "x"})


@compared
def test_versions(side: Side) -> Iterator[tuple[str, Any]]:
    """Are numbered from 1, keep their number, and know where they come from."""
    client, name, run = side.client, registered(side), side.run()
    first = version(side, name, run, tags={"key": "value", "n": 5}, description="one")
    yield "first", first
    yield "got", client.get_model_version(name, "1")
    yield "number", client.get_model_version(name, 1).version
    second = version(side, name, run, "another_model", await_creation_for=0)
    yield "second", second
    yield "model", client.get_registered_model(name)
    client.update_model_version(name, "1", "This is a test model")
    yield "described", client.get_model_version(name, "1").description
    yield "uri", client.get_model_version_download_uri(name, "1")
    says = "Parameter 'version' must be an integer, got 'something not correct'."
    yield "bad number", side.attempt(client.get_model_version, name, "something not correct", says=says)
    client.delete_model_version(name, "2")
    yield "deleted", side.attempt(client.get_model_version, name, "2", says=MISSING_VERSION)
    yield "delete again", side.attempt(client.delete_model_version, name, "2", says=MISSING_VERSION)
    yield "describe deleted", side.attempt(client.update_model_version, name, "2", "x", says=MISSING_VERSION)
    yield (
        "stage deleted",
        side.attempt(client.transition_model_version_stage, name, "2", "Staging", says=MISSING_VERSION),
    )
    yield "uri deleted", side.attempt(client.get_model_version_download_uri, name, "2", says=MISSING_VERSION)
    yield "third", version(side, name, run).version
    yield (
        "no model",
        side.attempt(client.create_model_version, side.name("no"), f"runs:/{run}/m", run, says=MISSING_MODEL),
    )
    yield "no name", side.post("model-versions/create", {"source": "s3://b/x"})
    yield "no source", side.post("model-versions/create", {"name": name})
    yield "raw", side.get("model-versions/get", name=name, version="1")
    yield "raw created", side.post("model-versions/create", {"name": name, "source": f"runs:/{run}/m", "run_id": run})
    client.delete_registered_model(name)
    yield "gone", side.attempt(client.get_model_version, name, "1", says="not found")
    yield "linked", client.get_model_version_stages("any", "1")


@compared
def test_sources_of_versions(side: Side) -> Iterator[tuple[str, Any]]:
    """Lead to files of the run or model that is named, or to a store outside, never elsewhere on the server."""
    client, name = side.client, registered(side)
    experiment = side.experiment()
    found = client.get_run(side.run(experiment)).info
    other = client.get_run(side.run(experiment)).info
    model = client.create_logged_model(experiment, name="m")
    run = {"run_id": found.run_id}
    own = {"model_id": model.model_id}
    for label, source, more in (
        ("run's root", found.artifact_uri, run),
        ("run's model", f"{found.artifact_uri}/model", run),
        ("run's uri", f"runs:/{found.run_id}/model", run),
        ("run's uri without run", f"runs:/{found.run_id}/model", {}),
        ("other run's uri", f"runs:/{other.run_id}/model", run),
        ("other run's root", other.artifact_uri, run),
        ("root without run", found.artifact_uri, {}),
        ("another place", "mlflow-artifacts:/models", run),
        ("another host", "mlflow-artifacts://host:9000/models", run),
        ("dots", f"{found.artifact_uri}/model/..", run),
        ("many dots", f"{found.artifact_uri}/model/....", run),
        ("out", f"{found.artifact_uri}/../../x", run),
        ("coded dots", f"{found.artifact_uri}/..%2f..%2fx", run),
        ("coded nul", f"{found.artifact_uri}/x%00", run),
        ("twice coded dots", f"{found.artifact_uri}/%252e%252e/x", run),
        ("http dots", "http://host:9000/models/../../../", run),
        ("https dots", "https://host/api/2.0/mlflow-artifacts/artifacts/../../../", run),
        ("s3 dots", "s3a://my_bucket/artifacts/../../../", run),
        ("ftp dots", "ftp://host:8888/artifacts/../../../", run),
        ("dbfs dots", f"dbfs:/{found.run_id}/artifacts/a%3f/../../../../", run),
        ("s3", "s3://my_bucket/models/x", run),
        ("s3 without run", "s3://my_bucket/models/x", {}),
        ("gs", "gs://my_bucket/models/x", {}),
        ("http", "http://host/models/x", {}),
        ("local", "/tmp", run),
        ("local file", "file:///tmp", {}),
        ("local path", "models/x", run),
        ("passwd", "file:///etc/passwd", run),
        ("model's root", model.artifact_location, own),
        ("model's uri", f"models:/{model.model_id}", own),
        ("model's uri without model", f"models:/{model.model_id}", {}),
        ("model's file", "file:///path/to/model", own),
        ("registered", f"models:/{name}/1", {}),
        ("registered missing", f"models:/{name}/999", {}),
        ("unknown run", "runs:/" + "f" * 32 + "/model", {"run_id": "f" * 32}),
        ("odd run", "runs:/run_id/model", {"run_id": "run_id"}),
        ("odd runs", "runs:/run_id/model", {"run_id": "run_id_1"}),
        ("empty", "", {}),
    ):
        answer = side.post("model-versions/create", {"name": name, "source": source, **more})
        yield label, [answer["status"], answer.get("refused")]


@compared
def test_versions_of_logged_models(side: Side) -> Iterator[tuple[str, Any]]:
    """A logged model knows of which registered models it is a version."""
    client, experiment, name = side.client, side.experiment(), registered(side)
    model = client.create_logged_model(experiment, name="m")
    client.create_model_version(name, model.artifact_location, model_id=model.model_id)
    yield "once", client.get_logged_model(model.model_id).tags.get("mlflow.modelVersions")
    made = client.create_model_version(name, model.artifact_location, model_id=model.model_id)
    yield "twice", client.get_logged_model(model.model_id).tags.get("mlflow.modelVersions")
    yield "version", [made.model_id == model.model_id, made.run_id]
    yield "found", [one.version for one in client.search_model_versions(f"name = '{name}'")]


@compared
def test_stages(side: Side) -> Iterator[tuple[str, Any]]:
    """One of four; the latest version of each is asked for, and others may be archived on the way."""
    client, name, run = side.client, registered(side), side.run()
    for number, stage in enumerate(
        ("Archived", "Production", "Archived", "Production", "Staging", "Staging", "None"), 1
    ):
        version(side, name, run)
        if stage != "None":
            client.transition_model_version_stage(name, number, stage)

    def latest(stages: Any = None) -> Any:
        return sorted((one.current_stage, one.version) for one in client.get_latest_versions(name, stages))

    for stages in (["None"], ["Staging"], ["None", "Staging"], None, [], ["production"]):
        yield f"latest {stages}", latest(stages)
    yield "bad stage", side.attempt(latest, ["Nonsense"])
    yield "no model", side.attempt(client.get_latest_versions, side.name("no"), says=MISSING_MODEL)
    yield "in the model", sorted(one.version for one in client.get_registered_model(name).latest_versions)
    moved = client.transition_model_version_stage(name, "7", "production", archive_existing_versions=True)
    yield "moved", [moved.version, moved.current_stage]
    yield "archived", [client.get_model_version(name, str(number)).current_stage for number in range(1, 8)]
    yield "to nothing", side.attempt(client.transition_model_version_stage, name, "7", "Nonsense")
    yield "same", client.transition_model_version_stage(name, "7", "Production").current_stage
    yield "back", client.transition_model_version_stage(name, "7", "none").current_stage
    yield (
        "archive into none",
        side.attempt(client.transition_model_version_stage, name, "7", "None", archive_existing_versions=True),
    )
    yield "no stage", side.post("model-versions/transition-stage", {"name": name, "version": "7"})
    yield (
        "bad version",
        side.attempt(client.transition_model_version_stage, name, "99", "Staging", says=MISSING_VERSION),
    )


@compared
def test_aliases(side: Side) -> Iterator[tuple[str, Any]]:
    """Lead to one version, move, and go with it."""
    client, name, run = side.client, registered(side), side.run()
    for _ in range(2):
        version(side, name, run)
    client.set_registered_model_alias(name, "champion", "1")
    client.set_registered_model_alias(name, "Other-alias_1", "1")
    yield "set", [client.get_registered_model(name).aliases, sorted(client.get_model_version(name, "1").aliases)]
    yield "by alias", client.get_model_version_by_alias(name, "champion").version
    client.set_registered_model_alias(name, "champion", "2")
    yield "moved", [client.get_registered_model(name).aliases, client.get_model_version(name, "1").aliases]
    yield "latest", client.get_model_version_by_alias(name, "latest").version
    client.delete_registered_model_alias(name, "champion")
    yield "deleted", client.get_registered_model(name).aliases
    yield "deleted again", side.attempt(client.delete_registered_model_alias, name, "champion")
    yield "missing", side.attempt(client.get_model_version_by_alias, name, "champion", says="alias champion not found")
    yield "no model", side.attempt(client.set_registered_model_alias, side.name("no"), "a", "1", says=MISSING_MODEL)
    yield "no version", side.attempt(client.set_registered_model_alias, name, "a", "9", says=MISSING_VERSION)
    for wrong in ("", "latest", "v1", "V12", "a b", "a/b", "x" * 256, "ü"):
        yield (
            f"alias {wrong[:5]!r}",
            side.post("registered-models/alias", {"name": name, "alias": wrong, "version": "1"}),
        )
    client.set_registered_model_alias(name, "gone", "2")
    client.delete_model_version(name, "2")
    yield "version deleted", client.get_registered_model(name).aliases
    yield "raw", side.get("registered-models/alias", name=name, alias="Other-alias_1")
    client.rename_registered_model(name, side.name("new"))
    yield "renamed", client.get_model_version_by_alias(side.name("new"), "Other-alias_1").version


@compared
def test_copied_versions(side: Side) -> Iterator[tuple[str, Any]]:
    """Have the description, tags, run and files of the first."""
    client, name = side.client, registered(side)
    run = side.run()
    version(side, name, run, description="dummy", tags={"hello": "world"})
    client.set_registered_model_alias(name, "test_alias", "1")
    copied = client.copy_model_version(f"models:/{name}@test_alias", name)
    yield "copied", copied
    yield "got", client.get_model_version(name, "2")
    yield "uri", client.get_model_version_download_uri(name, "2")
    yield "elsewhere", client.copy_model_version(f"models:/{name}/1", side.name("other")).name
    yield (
        "of a copy",
        client.get_model_version_download_uri(name, client.copy_model_version(f"models:/{name}/2", name).version),
    )
    yield "of nothing", side.attempt(client.copy_model_version, f"models:/{name}/99", name)


@compared
def test_searched_models(side: Side) -> Iterator[tuple[str, Any]]:
    """By name and tags, ordered, page by page."""
    client = side.client
    names = [registered(side, f"rm{number:02}", tags={"even": str(number % 2 == 0)}) for number in range(12)]
    mine = f"name LIKE '{side.name()}-%'"

    def found(condition: str | None = mine, **more: Any) -> Any:
        return side.attempt(
            lambda: [
                names.index(one.name) for one in client.search_registered_models(condition, **more) if one.name in names
            ]
        )

    yield "all", found()
    yield "unfiltered", found(None)
    yield "empty", found("")
    for condition in (
        f"name = '{names[3]}'", f"name LIKE '%{side.name()}%7'", f"name ILIKE '{side.name('RM')}%'",
        f"name LIKE '{side.name('RM')}%'", f"{mine} AND tags.even = 'True'", f"{mine} AND tag.even != 'True'",
        f"{mine} AND tags.even LIKE 'T%'", f"{mine} AND tags.never = '1'", f"name != '{names[0]}' AND {mine}",
        f"name IN ('{names[1]}', '{names[2]}')",
    ):  # fmt: skip
        yield condition, found(condition)
    for wrong in ("nme = 'x'", "name = x", "name > 'x'", "name ==", "tags.x > 'y'", "version_number = 1"):
        yield wrong, found(wrong)
    for order in (["name DESC"], ["name ASC"], ["timestamp ASC"], ["last_updated_timestamp DESC", "name"]):
        yield f"by {order}", found(order_by=order)
    for order in (["nonsense"], ["creation_timestamp ASC"], ["name sideways"]):
        yield f"by {order}", found(order_by=order)
    token, pages = None, []
    while token is not None or not pages:
        page = client.search_registered_models(mine, max_results=5, page_token=token)
        token = page.token or None
        pages.append([names.index(one.name) for one in page])
    yield "pages", pages
    yield "too many", found(max_results=100_000)
    yield "none", found(max_results=0)
    yield "bad token", found(page_token="nonsense")


@compared
def test_searched_versions(side: Side) -> Iterator[tuple[str, Any]]:
    """By name, run, source, number and tags, ordered, page by page."""
    client, run, other = side.client, side.run(), side.run()
    names = [registered(side, f"mv{number}") for number in range(3)]
    for number, name in enumerate((*names, *names[:2])):
        version(side, name, run if number < 3 else other, f"m{number}", tags={"t": str(number)})
    mine = f"name LIKE '{side.name()}-%'"

    def found(condition: str | None = mine, **more: Any) -> Any:
        return side.attempt(
            lambda: [
                (names.index(one.name), one.version)
                for one in client.search_model_versions(condition, **more)
                if one.name in names
            ]
        )

    for label, condition in (
        ("all", mine), ("name", f"name = '{names[0]}'"), ("run", f"run_id = '{run}'"),
        ("runs", f"run_id IN ('{run}', '{other}')"), ("source", f"source_path = 'runs:/{run}/m1'"),
        ("number", f"version_number = 2 AND {mine}"), ("numbers", f"version_number >= 1 AND {mine}"),
        ("tag", f"tags.t = '3' AND {mine}"), ("tag like", f"tags.t LIKE '%' AND {mine}"),
        ("ilike", f"name ILIKE '{side.name('MV')}%'"), ("not", f"run_id != '{run}' AND {mine}"),
        ("source like", f"source_path LIKE '%/m4' AND {mine}"),
    ):  # fmt: skip
        yield label, found(condition)
    for wrong in ("nme = 'x'", "name = x", "version_number = 'x'", "version = 1", "run_id > 'x'", "tags.t > '1'"):
        yield wrong, found(wrong)
    for order in (
        ["name DESC"],
        ["version_number DESC", "name"],
        ["creation_timestamp ASC"],
        ["last_updated_timestamp ASC"],
    ):
        yield f"by {order}", found(order_by=order)
    for order in (["run_id"], ["nonsense"]):
        yield f"by {order}", found(order_by=order)
    token, pages = None, []
    while token is not None or not pages:
        page = client.search_model_versions(mine, max_results=2, page_token=token)
        token = page.token or None
        pages.append([(names.index(one.name), one.version) for one in page])
    yield "pages", pages
    yield "too many", found(max_results=1_000_000)
    yield "none", found(max_results=0)
