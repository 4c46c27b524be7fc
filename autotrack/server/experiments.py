"""Experiments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autotrack.entities import Experiment, ViewType
from autotrack.exceptions import AutotrackException
from autotrack.server import limits
from autotrack.server.places import checked_location
from autotrack.server.request import Asked, Pair
from autotrack.server.route import Routes
from autotrack.server.service import Service
from autotrack.store.search.page import LARGEST
from autotrack.wire.messages import EXPERIMENT
from autotrack.wire.values import TEXT, several

ROUTES = Routes()
Document = dict[str, Any]


class Create(Asked):
    name: str
    artifact_location: str = ""
    tags: tuple[Pair, ...] = ()


class ById(Asked):
    experiment_id: str


class ByName(Asked):
    experiment_name: str


class Search(Asked):
    max_results: int = 0
    page_token: str | None = None
    filter: str = ""
    order_by: tuple[str, ...] = ()
    view_type: str | int = "ACTIVE_ONLY"


class Update(Asked):
    experiment_id: str
    new_name: str


class SearchDatasets(Asked):
    experiment_ids: tuple[str, ...] = ()


class SetTag(Asked):
    """``expected`` is the value that the tag must have before, empty for none; whatever it has where it is absent."""

    experiment_id: str
    key: str
    value: str = ""
    expected: str | None = None


class DeleteTag(Asked):
    experiment_id: str
    key: str


@ROUTES("POST", "mlflow/experiments/create", Create, experiment_id=TEXT)
def create(service: Service, asked: Create) -> Document:
    """Make an experiment."""
    limits.short(asked.name, limits.EXPERIMENT_NAME, "name")
    location = checked_location(asked.artifact_location)
    tags = {limits.key(tag.key): limits.short(tag.value, limits.EXPERIMENT_TAG, "value") for tag in asked.tags}
    return {"experiment_id": service.verbs.create_experiment(asked.name, location or None, tags)}


@ROUTES("GET", "mlflow/experiments/get", ById, experiment=EXPERIMENT.kind)
def get(service: Service, asked: ById) -> Document:
    """An experiment by its id, deleted or not."""
    return {"experiment": _written(service.experiment(asked.experiment_id))}


@ROUTES("GET", "mlflow/experiments/get-by-name", ByName, experiment=EXPERIMENT.kind)
def get_by_name(service: Service, asked: ByName) -> Document:
    """An experiment by its name, deleted or not."""
    found = service.store.experiment_named(asked.experiment_name)
    if found is None:
        raise AutotrackException.missing(f"Could not find experiment with name '{asked.experiment_name[:500]}'")
    return {"experiment": _written(found)}


def search(service: Service, asked: Search) -> Document:
    """One page of the experiments that match a filter."""
    most = limits.page(asked.max_results, LARGEST, LARGEST)
    found = service.store.search_experiments(
        view(asked.view_type), asked.filter, asked.order_by, most, asked.page_token or None
    )
    return paged("experiments", [_written(one) for one in found], found.token)


for _method in ("POST", "GET"):
    ROUTES(_method, "mlflow/experiments/search", Search, reads=True,
           experiments=several(EXPERIMENT.kind), next_page_token=TEXT)(search)  # fmt: skip


@ROUTES("POST", "mlflow/experiments/update", Update)
def update(service: Service, asked: Update) -> Document:
    """Give an experiment another name."""
    limits.short(asked.new_name, limits.EXPERIMENT_NAME, "new_name")
    service.experiment(asked.experiment_id)
    service.verbs.rename_experiment(asked.experiment_id, asked.new_name)
    return {}


@ROUTES("POST", "mlflow/experiments/delete", ById)
def delete(service: Service, asked: ById) -> Document:
    """Mark an experiment as deleted, and its runs with it."""
    if service.experiment(asked.experiment_id).lifecycle_stage == "deleted":
        raise AutotrackException.missing(f"No active Experiment with id={asked.experiment_id} exists")
    service.verbs.delete_experiment(asked.experiment_id)
    return {}


@ROUTES("POST", "mlflow/experiments/restore", ById)
def restore(service: Service, asked: ById) -> Document:
    """Bring a deleted experiment back."""
    service.experiment(asked.experiment_id)
    service.verbs.restore_experiment(asked.experiment_id)
    return {}


@ROUTES("POST", "mlflow/experiments/set-experiment-tag", SetTag)
def set_tag(service: Service, asked: SetTag) -> Document:
    """Set a tag of an experiment."""
    value = limits.short(asked.value, limits.EXPERIMENT_TAG, "value")
    found = service.experiment(asked.experiment_id)
    if asked.expected is not None and found.tags.get(asked.key, "") != asked.expected:
        raise AutotrackException(
            f"the tag {asked.key[:300]!r} has another value by now: somebody else was faster; nothing was changed",
            "RESOURCE_CONFLICT",
        )
    service.verbs.set_experiment_tag(asked.experiment_id, limits.key(asked.key, "key"), value)
    return {}


@ROUTES("POST", "mlflow/experiments/delete-experiment-tag", DeleteTag)
def delete_tag(service: Service, asked: DeleteTag) -> Document:
    """Take a tag off an experiment."""
    service.experiment(asked.experiment_id)
    service.verbs.delete_experiment_tag(asked.experiment_id, asked.key)
    return {}


@ROUTES("POST", "mlflow/experiments/search-datasets", SearchDatasets, reads=True)
def search_datasets(service: Service, asked: SearchDatasets) -> Document:
    """The data sets that the runs of some experiments have read, each with its role."""
    if not 0 < len(asked.experiment_ids) <= limits.EXPERIMENTS:
        raise AutotrackException.invalid(
            f"SearchDatasets request must specify at least one and at most {limits.EXPERIMENTS} experiment_ids. "
            f"Received {len(asked.experiment_ids)} experiment_ids."
        )
    names = ("experiment_id", "name", "digest", "context")
    found = [
        dict(zip(names, row, strict=True)) for row in service.store.datasets(asked.experiment_ids, limits.DATASETS)
    ]
    return paged("dataset_summaries", [{name: text for name, text in one.items() if text} for one in found], None)


def _written(found: Experiment) -> Document:
    return {**EXPERIMENT.write(found), "workspace": "default"}


def view(asked: str | int) -> int:
    """A view by its name or its number; 0 and nothing are the active ones."""
    text = str(asked).upper()
    if text in ViewType.__members__:
        return int(ViewType[text])
    if text in ("", "0"):
        return int(ViewType.ACTIVE_ONLY)
    if text in ("1", "2", "3"):
        return int(text)
    raise AutotrackException.invalid(f"Invalid value {text[:40]!r} for parameter 'view_type' supplied.")


def paged(name: str, items: Sequence[Any], token: str | None) -> Document:
    """One page of an answer."""
    return ({name: items} if items else {}) | ({"next_page_token": token} if token else {})
