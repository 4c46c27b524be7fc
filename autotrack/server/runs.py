"""Runs, and what is logged to them."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from autotrack.entities import RunStatus
from autotrack.event import DatasetUsed, Ended, Event, Joined, ModelsLinked, Renamed, Tags
from autotrack.exceptions import AutotrackException
from autotrack.server import batch, limits
from autotrack.server.batch import LogBatch, MetricPoint
from autotrack.server.documents import document
from autotrack.server.experiments import paged, view
from autotrack.server.names import random_name
from autotrack.server.request import Asked, Pair
from autotrack.server.route import Routes
from autotrack.server.service import Service
from autotrack.store import Search
from autotrack.store.fold import NAME_TAG, USER_TAG
from autotrack.store.rows import CONTEXT_TAG
from autotrack.store.search.page import LARGEST
from autotrack.wire.messages import RUN, RUN_INFO
from autotrack.wire.values import TEXT, several

ROUTES = Routes()
Document = dict[str, Any]
MODEL_HISTORY_TAG = "mlflow.log-model.history"


class Create(Asked):
    """``run_id`` is what autotrack's client adds: 32 hexadecimal digits of its own choice."""

    experiment_id: str
    user_id: str = ""
    run_name: str = ""
    start_time: int | None = None
    tags: tuple[Pair, ...] = ()
    run_id: str | None = None


class ById(Asked):
    run_id: str


class Update(Asked):
    run_id: str
    status: str | int | None = None
    end_time: int | None = None
    run_name: str | None = None


class LogMetric(Asked):
    key: str
    value: float
    timestamp: int
    run_id: str
    step: int = 0
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None
    exact: str | None = None
    exact_step: float | None = None


class LogParameter(Asked):
    run_id: str
    key: str
    value: str = ""


class DeleteTag(Asked):
    run_id: str
    key: str


class DatasetFacts(msgspec.Struct):
    name: str
    digest: str
    source_type: str = ""
    source: str = ""
    schema: str = ""
    profile: str = ""


class UsedDataset(msgspec.Struct):
    dataset: DatasetFacts
    tags: tuple[Pair, ...] = ()


class UsedModel(msgspec.Struct):
    model_id: str


class MadeModel(msgspec.Struct):
    model_id: str
    step: int = 0


class LogInputs(Asked):
    run_id: str
    datasets: tuple[UsedDataset, ...] = ()
    models: tuple[UsedModel, ...] = ()


class LogOutputs(Asked):
    run_id: str
    models: list[MadeModel]


class LogModel(Asked):
    run_id: str
    model_json: str


class SearchRuns(Asked):
    experiment_ids: tuple[str, ...] = ()
    filter: str = ""
    run_view_type: str | int = "ACTIVE_ONLY"
    max_results: int | None = None
    order_by: tuple[str, ...] = ()
    page_token: str | None = None


@ROUTES("POST", "mlflow/runs/create", Create, run=RUN.kind)
def create(service: Service, asked: Create) -> Document:
    """Make a run. Asking again for a run of the same id answers it."""
    tags = {limits.key(tag.key, "key"): limits.value(tag.value) for tag in asked.tags}
    if asked.user_id:
        tags.setdefault(USER_TAG, asked.user_id)
    name, tagged = asked.run_name, tags.get(NAME_TAG)
    if name and tagged and name != tagged:
        raise AutotrackException.invalid(
            f"Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name="
            f"'{name[:300]}', mlflow.runName='{tagged[:300]}')."
        )
    if asked.start_time is not None and not 0 <= asked.start_time < batch.LATEST:
        raise AutotrackException.invalid(f"Invalid value {asked.start_time} for parameter 'start_time' supplied.")
    if asked.run_id is not None:
        limits.new_run_id(asked.run_id)
    experiment = service.experiment(asked.experiment_id)
    if experiment.lifecycle_stage != "active":
        raise AutotrackException.invalid(
            f"The experiment {experiment.experiment_id} must be in the 'active' state. Current state is "
            f"{experiment.lifecycle_stage}."
        )
    made = service.verbs.create_run(
        experiment.experiment_id, asked.start_time or None, tags, name or tagged or random_name(), run_id=asked.run_id
    )
    return {"run": RUN.write(made, points=[])}


@ROUTES("GET", "mlflow/runs/get", ById, run=RUN.kind)
def get(service: Service, asked: ById) -> Document:
    """A run, deleted or not, with the last point of each of its metrics."""
    return {"run": document(service.listed_run(asked.run_id))}


@ROUTES("POST", "mlflow/runs/update", Update, run_info=RUN_INFO.kind)
def update(service: Service, asked: Update) -> Document:
    """Change a run's state, end time or name."""
    run = service.active_run(asked.run_id)
    state = _state(asked.status)
    if state in (*_FINAL, "SCHEDULED") or (state is None and asked.end_time and run.info.status in _FINAL):
        service.record(asked.run_id, Ended(state or run.info.status), time_ms=asked.end_time or run.info.end_time)
    elif state == "RUNNING" and run.info.status != "RUNNING":
        service.record(asked.run_id, Joined())
    if asked.run_name:
        service.record(asked.run_id, Renamed(asked.run_name))
    return {"run_info": RUN_INFO.write(service.run(asked.run_id).info)}


@ROUTES("POST", "mlflow/runs/delete", ById)
def delete(service: Service, asked: ById) -> Document:
    """Mark a run as deleted."""
    service.run(asked.run_id)
    service.verbs.delete_run(asked.run_id)
    return {}


@ROUTES("POST", "mlflow/runs/restore", ById)
def restore(service: Service, asked: ById) -> Document:
    """Bring a deleted run back."""
    service.run(asked.run_id)
    service.verbs.restore_run(asked.run_id)
    return {}


@ROUTES("POST", "mlflow/runs/log-metric", LogMetric, quick=True)
def log_metric(service: Service, asked: LogMetric) -> Document:
    """Add one point to a metric."""
    point = MetricPoint(
        asked.key, asked.value, asked.timestamp, asked.step, asked.model_id, asked.dataset_name, asked.dataset_digest,
        None, asked.exact, asked.exact_step,
    )  # fmt: skip
    points, exact = batch.points([point])
    service.verbs.ready(asked.run_id, {})
    service.store.editor.batch(asked.run_id, (), points, exact)
    return {}


@ROUTES("POST", "mlflow/runs/log-batch", LogBatch, quick=True)
def log_batch(service: Service, asked: LogBatch) -> Document:
    """Add points, parameters and tags, all or none of them."""
    if asked.position is None:
        limits.batch(asked.metrics, asked.params, asked.tags)
    points, exact = batch.points(asked.metrics, journal=asked.position is not None)
    changes = batch.told(asked.events) + batch.changes(asked.params, asked.tags)
    service.verbs.ready(asked.run_id, {one.key: limits.value(one.value) for one in asked.params})
    service.store.editor.batch(asked.run_id, changes, points, exact, batch.position(asked.position))
    return {}


@ROUTES("POST", "mlflow/runs/log-parameter", LogParameter)
def log_parameter(service: Service, asked: LogParameter) -> Document:
    """Record a parameter; the value that it has already is no error, another one is."""
    return log_batch(service, LogBatch(run_id=asked.run_id, params=(Pair(asked.key, asked.value),)))


@ROUTES("POST", "mlflow/runs/set-tag", LogParameter)
def set_tag(service: Service, asked: LogParameter) -> Document:
    """Set a tag; mlflow.runName renames the run."""
    return log_batch(service, LogBatch(run_id=asked.run_id, tags=(Pair(asked.key, asked.value),)))


@ROUTES("POST", "mlflow/runs/delete-tag", DeleteTag)
def delete_tag(service: Service, asked: DeleteTag) -> Document:
    """Take a tag off a run."""
    if asked.key not in service.active_run(asked.run_id).data.tags:
        raise AutotrackException.missing(f"No tag with name: {asked.key[:300]} in run with id {asked.run_id}")
    service.record(asked.run_id, Tags({asked.key: None}))
    return {}


@ROUTES("POST", "mlflow/runs/log-inputs", LogInputs)
def log_inputs(service: Service, asked: LogInputs) -> Document:
    """Record the data sets and models that a run read."""
    if len(asked.datasets) > limits.DATASETS:
        raise AutotrackException.invalid(f"a request can name at most {limits.DATASETS} data sets")
    changes: list[Event] = []
    for used in asked.datasets:
        data = used.dataset
        for name, most in limits.DATASET.items():
            limits.short(getattr(data, name), most, name)
        if not data.name or not data.digest:
            raise AutotrackException.invalid("Dataset name and digest cannot be empty")
        tags = {tag.key: tag.value for tag in used.tags}
        context = tags.pop(CONTEXT_TAG, "")
        facts = (data.name, data.digest, data.source_type, data.source, data.schema, data.profile)
        changes.append(DatasetUsed(*facts, context, tags))
    if asked.models:
        ids = {limits.identifier(one.model_id, "model id"): 0 for one in asked.models}
        changes.append(ModelsLinked("input", ids))
    service.active_run(asked.run_id)
    service.record(asked.run_id, *changes)
    return {}


@ROUTES("POST", "mlflow/runs/outputs", LogOutputs)
def log_outputs(service: Service, asked: LogOutputs) -> Document:
    """Record the models that a run made."""
    service.active_run(asked.run_id)
    made = {limits.identifier(one.model_id, "model id"): one.step for one in asked.models}
    service.record(asked.run_id, ModelsLinked("output", made))
    return {}


@ROUTES("POST", "mlflow/runs/log-model", LogModel)
def log_model(service: Service, asked: LogModel) -> Document:
    """Note a model that a client of MLflow 2 has logged among the run's artifacts."""
    try:
        facts = json.loads(asked.model_json)
    except ValueError:
        raise AutotrackException.invalid(
            f"Malformed model info. \n {asked.model_json[:300]} \n is not valid JSON."
        ) from None
    wanted = {"artifact_path", "flavors", "utc_time_created", "run_id"}
    if not isinstance(facts, dict) or not wanted <= facts.keys():
        raise AutotrackException.invalid(f"Model json is missing mandatory fields: {sorted(wanted)}")
    run = service.active_run(asked.run_id)
    history = json.loads(run.data.tags.get(MODEL_HISTORY_TAG, "[]"))
    kept = json.dumps([*history, facts])
    service.record(asked.run_id, Tags({MODEL_HISTORY_TAG: limits.short(kept, 1_000_000, "model_json")}))
    return {}


@ROUTES("POST", "mlflow/runs/search", SearchRuns, reads=True, quick=True, runs=several(RUN.kind), next_page_token=TEXT)
def search(service: Service, asked: SearchRuns) -> Document:
    """One page of the runs that match a filter."""
    most = limits.page(asked.max_results, 1000, LARGEST)
    search = Search(
        asked.experiment_ids, asked.filter, view(asked.run_view_type), asked.order_by, most, asked.page_token or None
    )
    found = service.store.made_of_runs(search, service.documents)
    return paged("runs", found, found.token)


_FINAL = ("FINISHED", "FAILED", "KILLED")


def _state(asked: str | int | None) -> str | None:
    """A state by its name or number; nothing for what is none, which MLflow's server passes over too."""
    if isinstance(asked, int) or (isinstance(asked, str) and asked.isdigit()):
        return RunStatus(int(asked)).name if 1 <= int(asked) <= len(_FINAL) + 2 else None
    return asked if asked in RunStatus.__members__ else None
