"""Logged models."""

from __future__ import annotations

import os
from typing import Any

import msgspec

from autotrack.entities import LoggedModelStatus
from autotrack.event import Ended, LifeStage, ModelBegun, ModelChanged, RunCreated
from autotrack.exceptions import AutotrackException
from autotrack.server import limits
from autotrack.server.experiments import paged
from autotrack.server.request import Asked, Pair
from autotrack.server.route import Routes
from autotrack.server.service import Service
from autotrack.wire.messages import LOGGED_MODEL, MODEL_STATUS
from autotrack.wire.values import TEXT, several

ROUTES = Routes()
Document = dict[str, Any]
_PATH = "mlflow/logged-models"
_STATES: list[LoggedModelStatus] = [*LoggedModelStatus]


class Create(Asked):
    experiment_id: str
    name: str = ""
    model_type: str = ""
    source_run_id: str = ""
    params: tuple[Pair, ...] = ()
    tags: tuple[Pair, ...] = ()


class ById(Asked):
    model_id: str
    allow_deleted: bool = False


class Finish(Asked):
    model_id: str
    status: str | int


class SetTags(Asked):
    model_id: str
    tags: tuple[Pair, ...] = ()


class DeleteTag(Asked):
    model_id: str
    tag_key: str


class LogParams(Asked):
    model_id: str
    params: tuple[Pair, ...] = ()


class OfDataset(msgspec.Struct):
    dataset_name: str
    dataset_digest: str = ""


class By(msgspec.Struct):
    field_name: str
    ascending: bool = True
    dataset_name: str = ""
    dataset_digest: str = ""


class Search(Asked):
    experiment_ids: list[str]
    filter: str = ""
    datasets: tuple[OfDataset, ...] = ()
    max_results: int | None = None
    order_by: tuple[By, ...] = ()
    page_token: str | None = None


@ROUTES("POST", _PATH, Create, model=LOGGED_MODEL.kind)
def create(service: Service, asked: Create) -> Document:
    """Announce a model whose files are to follow."""
    experiment = service.experiment(asked.experiment_id)
    if experiment.lifecycle_stage != "active":
        raise AutotrackException.invalid(f"The experiment {asked.experiment_id} must be in the 'active' state.")
    model_id = f"m-{os.urandom(16).hex()}"
    name = _name(asked.name) if asked.name else f"model-{model_id[2:8]}"
    params = {limits.key(one.key, "key"): limits.value(one.value) for one in asked.params}
    tags = {limits.key(one.key, "key"): limits.value(one.value) for one in asked.tags}
    run_id = asked.source_run_id
    if run_id and service.active_run(run_id).info.experiment_id != asked.experiment_id:
        run_id = ""
    if not run_id:
        run_id = _holder(service, model_id, asked.experiment_id, experiment.name, name)
    service.record(run_id, ModelBegun(model_id, name, asked.model_type or None, params, tags))
    if run_id == model_id[2:]:
        service.record(run_id, LifeStage("deleted"))
    return _model(service, model_id)


@ROUTES("GET", _PATH + "/{model_id}", ById, model=LOGGED_MODEL.kind)
def get(service: Service, asked: ById) -> Document:
    """A logged model."""
    return _model(service, asked.model_id, deleted=asked.allow_deleted)


@ROUTES("PATCH", _PATH + "/{model_id}", Finish, model=LOGGED_MODEL.kind)
def finish(service: Service, asked: Finish) -> Document:
    """Say whether the files of a model are complete."""
    status = _status(asked.status)
    change(service, asked.model_id, ModelChanged(asked.model_id, status.value))
    return _model(service, asked.model_id)


@ROUTES("DELETE", _PATH + "/{model_id}", ById)
def delete(service: Service, asked: ById) -> Document:
    """Mark a model as deleted."""
    if service.store.model(asked.model_id).lifecycle_stage == "deleted":
        return {}
    change(service, asked.model_id, ModelChanged(asked.model_id, stage="deleted"))
    return {}


@ROUTES("PATCH", _PATH + "/{model_id}/tags", SetTags, model=LOGGED_MODEL.kind)
def set_tags(service: Service, asked: SetTags) -> Document:
    """Set tags of a model."""
    tags = {limits.key(one.key, "key"): limits.value(one.value) for one in asked.tags}
    change(service, asked.model_id, ModelChanged(asked.model_id, tags=tags))
    return _model(service, asked.model_id)


@ROUTES("DELETE", _PATH + "/{model_id}/tags/{tag_key}", DeleteTag)
def delete_tag(service: Service, asked: DeleteTag) -> Document:
    """Take a tag off a model."""
    if asked.tag_key not in service.model(asked.model_id).tags:
        raise AutotrackException.missing(f"No tag with key {asked.tag_key[:300]!r} found for model {asked.model_id!r}.")
    change(service, asked.model_id, ModelChanged(asked.model_id, tags={asked.tag_key: None}))
    return {}


@ROUTES("POST", _PATH + "/{model_id}/params", LogParams)
def log_params(service: Service, asked: LogParams) -> Document:
    """Add parameters to a model."""
    params = {limits.key(one.key, "key"): limits.value(one.value) for one in asked.params}
    before = service.model(asked.model_id).params
    for key, value in params.items():
        if before.get(key, value) != value:
            raise AutotrackException.invalid(
                f"Changing param values is not allowed. Param with key={key[:300]!r} was already logged for model "
                f"{asked.model_id}"
            )
    change(service, asked.model_id, ModelChanged(asked.model_id, params=params))
    return {}


@ROUTES("POST", _PATH + "/search", Search, reads=True, models=several(LOGGED_MODEL.kind), next_page_token=TEXT)
def search(service: Service, asked: Search) -> Document:
    """One page of the logged models that match a filter."""
    most = limits.page(asked.max_results, 100, 50_000)
    found = service.store.search_models(
        asked.experiment_ids,
        asked.filter or None,
        [msgspec.structs.asdict(one) for one in asked.datasets] or None,
        [msgspec.structs.asdict(one) for one in asked.order_by] or None,
        most,
        asked.page_token or None,
    )
    return paged("models", [_written(one) for one in found], found.token)


def _model(service: Service, model_id: str, *, deleted: bool = False) -> Document:
    found = service.store.model(model_id) if deleted else service.model(model_id)
    return {"model": _written(found)}


def _written(model: Any) -> Document:
    run_id = model.source_run_id
    return LOGGED_MODEL.write(
        model, source_run_id=None if run_id == model.model_id[2:] else run_id, size=model.size or None
    )


def change(service: Service, model_id: str, changed: ModelChanged) -> None:
    """Record what becomes of a model."""
    model = service.model(model_id)
    run_id = str(model.source_run_id)
    if run_id == model_id[2:]:
        for event in (LifeStage("active"), changed, LifeStage("deleted")):  # a deleted run takes no other change
            service.record(run_id, event)
    else:
        service.record(run_id, changed)


def _holder(service: Service, model_id: str, experiment_id: str, experiment: str, name: str) -> str:
    """A run for a model that no run made: every model has one. It has ended, and is deleted, so no list shows it."""
    run_id = model_id[2:]
    created = RunCreated(experiment_id, experiment, name)
    service.store.editor.create(run_id, [(None, created), (None, Ended("FINISHED"))])
    return run_id


def _name(name: str) -> str:
    if not name.strip() or len(name) > 500 or any(mark in name for mark in "/:.%\"'"):
        raise AutotrackException.invalid(
            f"Invalid model name ({name[:300]!r}) provided. Model name must be a non-empty string and cannot contain "
            "the following characters: ('/', ':', '.', '%', '\"', \"'\")"
        )
    return name


def _status(asked: str | int) -> LoggedModelStatus:
    text = str(asked)
    names: list[str] = MODEL_STATUS.schema["enum"]
    if text in names:
        return _STATES[names.index(text)]
    if text.isdigit() and int(text) < len(_STATES):
        return _STATES[int(text)]
    raise AutotrackException.invalid(f"Invalid value {text[:60]!r} for parameter 'status' supplied.")
