"""Experiments: the folders that runs belong to."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autotrack import current, guard, settings
from autotrack.entities import Experiment, every
from autotrack.event import ExperimentCreated
from autotrack.exceptions import AutotrackException
from autotrack.fluent.asking import client
from autotrack.journal.format import experiment_id as id_of
from autotrack.journal.reader import read_events
from autotrack.sinks.open import usable_sink


def create_experiment(
    name: str, artifact_location: str | None = None, tags: Mapping[str, Any] | None = None, trace_location: Any = None  # noqa: ARG001 - MLflow's name for where traces go, which are not recorded
) -> str:  # fmt: skip
    """Create an experiment and return its id; one that exists is an error."""
    if settings.disabled():
        return id_of(name)
    return client().create_experiment(name, artifact_location, tags)


def get_experiment(experiment_id: str) -> Experiment:
    """An experiment by its id; an unknown one is an error."""
    try:
        return client().get_experiment(experiment_id)
    except AutotrackException:
        chosen = _chosen(str(experiment_id))
        if chosen is None:
            raise
        return chosen


def get_experiment_by_name(name: str) -> Experiment | None:
    """An experiment by its name, or ``None``."""
    return client().get_experiment_by_name(name) or _chosen(id_of(name))


def search_experiments(
    view_type: int = 1, max_results: int | None = None, filter_string: str | None = None,
    order_by: Sequence[str] | None = None,
) -> list[Experiment]:  # fmt: skip
    """The experiments that match, the newest first unless ordered otherwise; all of them without ``max_results``."""
    asked = client()
    return list(
        every(lambda token: asked.search_experiments(view_type, 1000, filter_string, order_by, token), max_results)
    )


def delete_experiment(experiment_id: str) -> None:
    """Mark an experiment and its runs as deleted."""
    client().delete_experiment(experiment_id)


def restore_experiment(experiment_id: str) -> None:
    """Bring a deleted experiment back."""
    client().restore_experiment(experiment_id)


def set_experiment(
    experiment_name: str | None = None, experiment_id: str | None = None, trace_location: Any = None  # noqa: ARG001 - as in create_experiment
) -> Experiment:  # fmt: skip
    """Put the runs that start from now on into an experiment, by name (created if new) or by id."""
    if (experiment_name is None) == (experiment_id is None):
        raise AutotrackException.invalid("give either experiment_name or experiment_id")
    found: Experiment | None
    if experiment_id is not None:
        found = get_experiment(experiment_id)
    else:
        name = str(experiment_name)
        found = _untouched(name) or get_experiment_by_name(name) or get_experiment(create_experiment(name))
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
    with guard.guard("recording experiment tags"):
        experiment = current.current_experiment()
        if current.announce_experiment(experiment):
            for key, value in tags.items():
                client().set_experiment_tag(experiment[0], key, value)


def delete_experiment_tag(key: str) -> None:
    """Take a tag off the experiment that new runs belong to."""
    if not settings.disabled():
        client().delete_experiment_tag(current.current_experiment()[0], key)


def _chosen(experiment_id: str) -> Experiment | None:
    """The experiment that was set, for a program whose record knows none because it has no place."""
    chosen = current.chosen_experiment()
    return Experiment(*chosen, "", "active") if chosen is not None and chosen[0] == experiment_id else None


def _untouched(name: str) -> Experiment | None:
    """The experiment of a name, if nobody has ever renamed, deleted or tagged what has to do with it; made if new.

    Its id follows from its name then, so that a look at a few small files answers what would otherwise take the
    machinery of a query, at the start of nearly every program.
    """
    sink = usable_sink()
    directory: Path | None = getattr(sink, "directory", None)
    if directory is None or not name:
        return None
    chosen = id_of(name)
    created: tuple[int, ExperimentCreated] | None = None
    for file in sorted((directory / "experiments").glob("*.jsonl")):
        for line in read_events(file, 0).lines:
            event: Any = line.event
            if chosen != getattr(event, "experiment_id", None) and name != getattr(event, "name", None):
                continue
            if not isinstance(event, ExperimentCreated) or (event.experiment_id, event.name) != (chosen, name):
                return None
            created = created or (line.time, event)
    if created is None:
        created = time.time_ns() // 1_000_000, ExperimentCreated(chosen, name)
        try:
            current.announce_experiment((chosen, name))
        except OSError as error:
            guard.warn("experiment", f"experiment {name!r} cannot be written ({error})")
    when, event = created
    where = event.artifact_location or (directory / "runs").as_uri()
    return Experiment(chosen, name, where, "active", dict(event.tags), when, when)
