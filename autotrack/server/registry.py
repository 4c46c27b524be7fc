"""Registered models: versions, aliases, stages, tags."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from autotrack.event import ModelChanged
from autotrack.exceptions import AutotrackException
from autotrack.server import limits, places
from autotrack.server.experiments import paged
from autotrack.server.models import change
from autotrack.server.request import Asked, Pair
from autotrack.server.route import Routes
from autotrack.server.service import Service
from autotrack.store.registry.names import parse_uri
from autotrack.wire.messages import MODEL_VERSION, REGISTERED_MODEL
from autotrack.wire.values import TEXT, several

ROUTES = Routes()
Document = dict[str, Any]
_MODELS, _VERSIONS = "mlflow/registered-models", "mlflow/model-versions"
PROMPT_TAG = "mlflow.prompt.is_prompt"
VERSIONS_TAG = "mlflow.modelVersions"
"""On a logged model: what it is registered as."""
_NO_PROMPTS = re.compile(
    r"(?:\bAND\s+)?\btags\.[`\"]?mlflow\.prompt\.is_prompt[`\"]?\s*!=\s*'true'(?=\s+AND\s|\s*$)", re.IGNORECASE
)
"""Each part of it begins where something stands, so that a long filter takes no longer than it is long."""


class Changing(Asked, kw_only=True):
    """``reason`` is what autotrack's client adds; it is kept in the registry's log."""

    reason: str = ""


class CreateModel(Changing):
    name: str
    tags: tuple[Pair, ...] = ()
    description: str | None = None


class ByName(Changing):
    name: str


class Describe(Changing):
    name: str
    description: str | None = None


class Rename(Changing):
    name: str
    new_name: str


class Search(Asked):
    filter: str = ""
    max_results: int | None = None
    order_by: tuple[str, ...] = ()
    page_token: str | None = None


class LatestVersions(Asked):
    name: str
    stages: tuple[str, ...] = ()


class SetTag(Asked):
    name: str
    key: str
    value: str = ""


class DeleteTag(Asked):
    name: str
    key: str


class ByAlias(Changing):
    name: str
    alias: str


class SetAlias(Changing):
    name: str
    alias: str
    version: str


class CreateVersion(Changing):
    name: str
    source: str
    run_id: str | None = None
    tags: tuple[Pair, ...] = ()
    run_link: str = ""
    description: str = ""
    model_id: str | None = None


class ByVersion(Changing):
    name: str
    version: str


class DescribeVersion(Changing):
    name: str
    version: str
    description: str = ""


class Transition(Changing):
    name: str
    version: str
    stage: str
    archive_existing_versions: bool = False


class SetVersionTag(Asked):
    name: str
    version: str
    key: str
    value: str = ""


class DeleteVersionTag(Asked):
    name: str
    version: str
    key: str


@ROUTES("POST", _MODELS + "/create", CreateModel, registered_model=REGISTERED_MODEL.kind)
def create_model(service: Service, asked: CreateModel) -> Document:
    """Make a name for versions to come."""
    tags = _tags(asked.tags)
    return _model(service.verbs.create_registered_model(asked.name, tags, asked.description, reason=asked.reason))


@ROUTES("GET", _MODELS + "/get", ByName, registered_model=REGISTERED_MODEL.kind)
def get_model(service: Service, asked: ByName) -> Document:
    """A registered model."""
    return _model(service.verbs.get_registered_model(asked.name))


@ROUTES("PATCH", _MODELS + "/update", Describe, registered_model=REGISTERED_MODEL.kind)
def update_model(service: Service, asked: Describe) -> Document:
    """Give a model another description."""
    return _model(service.verbs.update_registered_model(asked.name, asked.description, reason=asked.reason))


@ROUTES("POST", _MODELS + "/rename", Rename, registered_model=REGISTERED_MODEL.kind)
def rename_model(service: Service, asked: Rename) -> Document:
    """Give a model another name."""
    return _model(service.verbs.rename_registered_model(asked.name, asked.new_name, reason=asked.reason))


@ROUTES("DELETE", _MODELS + "/delete", ByName)
def delete_model(service: Service, asked: ByName) -> Document:
    """Delete a model with its versions."""
    service.verbs.delete_registered_model(asked.name, reason=asked.reason)
    return {}


@ROUTES("GET", _MODELS + "/search", Search, registered_models=several(REGISTERED_MODEL.kind), next_page_token=TEXT)
def search_models(service: Service, asked: Search) -> Document:
    """One page of the registered models that match a filter."""
    most = limits.page(asked.max_results, 100, 1000)
    found = service.verbs.search_registered_models(
        _without_prompts(asked.filter), most, asked.order_by, asked.page_token or None
    )
    return paged("registered_models", [REGISTERED_MODEL.write(one) for one in found], found.token)


def latest_versions(service: Service, asked: LatestVersions) -> Document:
    """The highest version in each stage, or in each of some stages."""
    found = service.verbs.get_latest_versions(asked.name, asked.stages)
    return paged("model_versions", [MODEL_VERSION.write(one) for one in found], None)


for _method in ("POST", "GET"):
    ROUTES(_method, _MODELS + "/get-latest-versions", LatestVersions, reads=True,
           model_versions=several(MODEL_VERSION.kind))(latest_versions)  # fmt: skip


@ROUTES("POST", _MODELS + "/set-tag", SetTag)
def set_model_tag(service: Service, asked: SetTag) -> Document:
    """Set a tag of a model."""
    service.verbs.set_registered_model_tag(asked.name, _key(asked.key), _value(asked.value))
    return {}


@ROUTES("DELETE", _MODELS + "/delete-tag", DeleteTag)
def delete_model_tag(service: Service, asked: DeleteTag) -> Document:
    """Take a tag off a model."""
    service.verbs.delete_registered_model_tag(asked.name, asked.key)
    return {}


@ROUTES("POST", _MODELS + "/alias", SetAlias)
def set_alias(service: Service, asked: SetAlias) -> Document:
    """Have an alias lead to a version."""
    service.verbs.set_registered_model_alias(asked.name, asked.alias, asked.version, reason=asked.reason)
    return {}


@ROUTES("DELETE", _MODELS + "/alias", ByAlias)
def delete_alias(service: Service, asked: ByAlias) -> Document:
    """Take an alias away."""
    service.verbs.delete_registered_model_alias(asked.name, asked.alias, reason=asked.reason)
    return {}


@ROUTES("GET", _MODELS + "/alias", ByAlias, model_version=MODEL_VERSION.kind)
def get_by_alias(service: Service, asked: ByAlias) -> Document:
    """The version that an alias leads to; "latest" leads to the highest."""
    model = service.verbs.get_registered_model(asked.name)
    if asked.alias not in model.aliases and asked.alias.lower() != "latest":
        raise AutotrackException.missing(f"Registered model alias {asked.alias[:300]} not found.")
    return _version(service.verbs.get_model_version_by_alias(asked.name, asked.alias))


@ROUTES("POST", _VERSIONS + "/create", CreateVersion, model_version=MODEL_VERSION.kind)
def create_version(service: Service, asked: CreateVersion) -> Document:
    """Make the next version of a model. It refers to the files of a run, a logged model or another version."""
    tags = _tags(asked.tags)
    source, run_id, model_id = _source(service, asked)
    made = service.verbs.create_model_version(
        asked.name, source, run_id, tags, asked.run_link, asked.description, model_id=model_id, reason=asked.reason
    )
    if made.model_id:
        _note_version(service, made.model_id, made.name, made.version)
    return _version(made)


@ROUTES("GET", _VERSIONS + "/get", ByVersion, model_version=MODEL_VERSION.kind)
def get_version(service: Service, asked: ByVersion) -> Document:
    """A version."""
    return _version(service.verbs.get_model_version(asked.name, asked.version))


@ROUTES("PATCH", _VERSIONS + "/update", DescribeVersion, model_version=MODEL_VERSION.kind)
def update_version(service: Service, asked: DescribeVersion) -> Document:
    """Give a version another description."""
    return _version(
        service.verbs.update_model_version(asked.name, asked.version, asked.description, reason=asked.reason)
    )


@ROUTES("DELETE", _VERSIONS + "/delete", ByVersion)
def delete_version(service: Service, asked: ByVersion) -> Document:
    """Delete a version and the aliases that lead to it."""
    service.verbs.delete_model_version(asked.name, asked.version, reason=asked.reason)
    return {}


@ROUTES("GET", _VERSIONS + "/search", Search, model_versions=several(MODEL_VERSION.kind), next_page_token=TEXT)
def search_versions(service: Service, asked: Search) -> Document:
    """One page of the versions that match a filter."""
    most = limits.page(asked.max_results, 10_000, 200_000)
    found = service.verbs.search_model_versions(
        _without_prompts(asked.filter), min(most, 50_000), asked.order_by, asked.page_token or None
    )
    return paged("model_versions", [MODEL_VERSION.write(one) for one in found], found.token)


@ROUTES("POST", _VERSIONS + "/transition-stage", Transition, model_version=MODEL_VERSION.kind)
def transition(service: Service, asked: Transition) -> Document:
    """Put a version into a stage."""
    moved = service.verbs.transition_model_version_stage(
        asked.name, asked.version, asked.stage, asked.archive_existing_versions, reason=asked.reason
    )
    return _version(moved)


@ROUTES("POST", _VERSIONS + "/set-tag", SetVersionTag)
def set_version_tag(service: Service, asked: SetVersionTag) -> Document:
    """Set a tag of a version."""
    service.verbs.set_model_version_tag(asked.name, asked.version, _key(asked.key), _value(asked.value))
    return {}


@ROUTES("DELETE", _VERSIONS + "/delete-tag", DeleteVersionTag)
def delete_version_tag(service: Service, asked: DeleteVersionTag) -> Document:
    """Take a tag off a version."""
    service.verbs.delete_model_version_tag(asked.name, asked.version, asked.key)
    return {}


@ROUTES("GET", _VERSIONS + "/get-download-uri", ByVersion, artifact_uri=TEXT)
def download_uri(service: Service, asked: ByVersion) -> Document:
    """Where the files of a version are: the URI of a run's model if that is what it was made of."""
    return {"artifact_uri": _origin(service, asked.name, asked.version)}


def _origin(service: Service, name: str, version: int | str) -> str:
    found = service.verbs.get_model_version(name, version)
    source = str(found.source)
    if source.startswith("models:/") and not source.startswith("models:/m-"):
        try:  # a copy: of what the first was made of
            first = service.store.registry.resolve(parse_uri(source))
        except AutotrackException:  # which was deleted since
            return found.location or source
        return _origin(service, first.name, first.version)
    return source if source.startswith("runs:/") else found.location or source


def _model(found: Any) -> Document:
    return {"registered_model": REGISTERED_MODEL.write(found)}


def _version(found: Any) -> Document:
    return {"model_version": MODEL_VERSION.write(found)}


def _tags(pairs: Sequence[Pair]) -> dict[str, str]:
    return {_key(one.key): _value(one.value) for one in pairs}


def _value(text: str) -> str:
    return limits.short(text, limits.REGISTRY_VALUE, "value")


def _key(key: str) -> str:
    if key == PROMPT_TAG:
        raise AutotrackException("autotrack keeps no prompts; register models", "NOT_IMPLEMENTED")
    return limits.key(key, "key")


def _without_prompts(text: str) -> str:
    """A filter without the clause that MLflow's client adds to each: prompts, which are none of what is kept here."""
    found = _NO_PROMPTS.sub("", text.strip()).strip()
    return re.sub(r"^AND\s+", "", found, flags=re.IGNORECASE)


def _source(service: Service, asked: CreateVersion) -> tuple[str, str | None, str | None]:
    """Where a version comes from. What lies with this server has to belong to the run or model that is named; what
    lies elsewhere is kept as a word, for those who can reach it."""
    source = places.checked_source(asked.source)
    run_id, model_id = asked.run_id or None, asked.model_id or None
    scheme = urlsplit(source).scheme
    if scheme == "models":
        reference = parse_uri(source)
        if reference.model_id is None:
            original = service.store.registry.resolve(reference)
            return original.model_uri, run_id or original.run_id, model_id or original.model_id
        if reference.model_id != model_id:
            raise _foreign(source, "model_id")
        return source, _run_of(service, reference.model_id, run_id), model_id
    if scheme == "runs":
        own = re.fullmatch(r"runs:/([^/]+)/.+", source)
        if own is None or own[1] != run_id or model_id is not None:
            raise _foreign(source, "run_id")
        return source, run_id, model_id
    if scheme == "mlflow-artifacts":
        if model_id is not None:
            if not places.within(source, service.model(model_id).artifact_location):
                raise _foreign(source, "model_id")
            return source, _run_of(service, model_id, run_id), model_id
        if run_id is None or not places.within(source, str(service.run(run_id).info.artifact_uri)):
            raise _foreign(source, "run_id")
    return source, run_id, model_id


def _run_of(service: Service, model_id: str, run_id: str | None) -> str | None:
    """The run that made a model, unless the model has none."""
    own = service.model(model_id).source_run_id
    return run_id if own == model_id[2:] else own


def _foreign(source: str, name: str) -> AutotrackException:
    return AutotrackException.invalid(
        f"Invalid model version source: '{source[:300]}'. The {name} request parameter must identify the resource "
        "that contains the source."
    )


def _note_version(service: Service, model_id: str, name: str, version: str) -> None:
    """Tell the logged model what it is registered as."""
    model = service.model(model_id)
    try:
        before = json.loads(model.tags.get(VERSIONS_TAG, "[]"))
    except ValueError:
        before = []
    tags = {VERSIONS_TAG: json.dumps([*before, {"name": name, "version": int(version)}])}
    change(service, model_id, ModelChanged(model_id, tags=tags))
