"""Experiments: the folders that runs belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autotrack import current
from autotrack.exceptions import AutotrackException
from autotrack.fluent.asking import all_pages, client

if TYPE_CHECKING:
    from autotrack.entities import Experiment


def create_experiment(name: str, artifact_location: str | None = None, tags: Mapping[str, Any] | None = None) -> str:
    """Create an experiment and return its id; one that exists is an error."""
    return client().create_experiment(name, artifact_location, tags)


def get_experiment(experiment_id: str) -> Experiment:
    """An experiment by its id; an unknown one is an error."""
    return client().get_experiment(experiment_id)


def get_experiment_by_name(name: str) -> Experiment | None:
    """An experiment by its name, or ``None``."""
    return client().get_experiment_by_name(name)


def search_experiments(**query: Any) -> list[Experiment]:
    """The experiments that match; arguments as ``MlflowClient.search_experiments`` takes them."""
    query.setdefault("max_results", None)
    if query["max_results"] is not None:
        return list(client().search_experiments(**query))
    query["max_results"] = 1000
    return all_pages(lambda token: client().search_experiments(**query, page_token=token), None)


def delete_experiment(experiment_id: str) -> None:
    """Mark an experiment and its runs as deleted."""
    client().delete_experiment(experiment_id)


def set_experiment(experiment_name: str | None = None, experiment_id: str | None = None) -> Experiment:
    """Put the runs that start from now on into an experiment, by name (created if new) or by id."""
    if (experiment_name is None) == (experiment_id is None):
        raise AutotrackException.invalid("give either experiment_name or experiment_id")
    asked = client()
    if experiment_id is not None:
        found: Experiment | None = asked.get_experiment(experiment_id)
    else:
        name = str(experiment_name)
        found = asked.get_experiment_by_name(name) or asked.get_experiment(asked.create_experiment(name))
    assert found is not None
    if found.lifecycle_stage != "active":
        raise AutotrackException.invalid(
            f"experiment {found.name!r} is deleted; restore it with "
            f"autotrack.MlflowClient().restore_experiment({found.experiment_id!r}) or choose another name"
        )
    current.choose_experiment((found.experiment_id, found.name))
    return found


def set_experiment_tag(key: str, value: Any) -> None:
    """Tag the experiment that new runs belong to."""
    set_experiment_tags({key: value})


def set_experiment_tags(tags: Mapping[str, Any]) -> None:
    """Tag the experiment that new runs belong to."""
    experiment = current.current_experiment()
    current.announce_experiment(experiment)
    for key, value in tags.items():
        client().set_experiment_tag(experiment[0], key, value)
