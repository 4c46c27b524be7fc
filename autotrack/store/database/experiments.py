"""Changes of experiments in a database, where a name is claimed in a table that holds it once."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from autotrack.event import Event, ExperimentCreated, ExperimentRenamed
from autotrack.exceptions import AutotrackException
from autotrack.store import tables
from autotrack.store.database.tables import experiment_names
from autotrack.store.experiments import apply, write_experiments


def change_experiment(connection: Connection, when: int, event: Event) -> None:
    """Apply an event of an experiment."""
    experiment_id = str(getattr(event, "experiment_id", ""))
    own = tables.experiments.c
    query = select(tables.experiments).where(own.experiment_id == experiment_id).with_for_update()
    before = {row.experiment_id: dict(row._mapping) for row in connection.execute(query)}
    if not before and not isinstance(event, ExperimentCreated):
        raise AutotrackException.missing(f"there is no experiment with the id {experiment_id!r}")
    if before and isinstance(event, ExperimentCreated):
        raise taken(event.name)
    if isinstance(event, ExperimentCreated | ExperimentRenamed):
        _claim(connection, experiment_id, str(event.name), new=isinstance(event, ExperimentCreated))
    table = {key: dict(row) for key, row in before.items()}
    tags: dict[tuple[str, str], str | None] = {}
    apply(table, tags, when, event)
    write_experiments(connection, before, table, tags)


def taken(name: str) -> AutotrackException:
    """The error for a name that an experiment has."""
    return AutotrackException(f"Experiment {name!r} already exists; choose another name", "RESOURCE_ALREADY_EXISTS")


def _claim(connection: Connection, experiment_id: str, name: str, *, new: bool) -> None:
    try:
        with connection.begin_nested():
            if new:
                connection.execute(insert(experiment_names), {"name": name, "experiment_id": experiment_id})
            else:
                mine = experiment_names.c.experiment_id == experiment_id
                connection.execute(update(experiment_names).where(mine).values(name=name))
    except IntegrityError:
        raise taken(name) from None
