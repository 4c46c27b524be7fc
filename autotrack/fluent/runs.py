"""Runs: starting, ending, finding them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autotrack import current, guard, settings
from autotrack.active import ActiveRun, active
from autotrack.analysis.finding import every_run
from autotrack.analysis.frames import checked
from autotrack.exceptions import AutotrackException
from autotrack.fluent.asking import client
from autotrack.fluent.experiments import get_experiment, search_experiments
from autotrack.frame import of_runs
from autotrack.run import Run, open_runs
from autotrack.sinks.open import usable_sink

if TYPE_CHECKING:
    from autotrack.entities import Run as RunRecord


def start_run(
    run_id: str | None = None,
    experiment_id: str | None = None,
    run_name: str | None = None,
    nested: bool = False,
    parent_run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    description: str | None = None,
    log_system_metrics: bool | None = None,  # noqa: ARG001 - MLflow's name; the machine is recorded by a later part
    wait_for_server: bool | None = None,
) -> ActiveRun:
    """Open a run, or go on with one by its id, and make it the active one; use it in a ``with`` or end it.

    ``nested`` opens it below the active run. Without a name it is called after what is trained in it.
    ``wait_for_server`` waits until the server has made the run, so that its id is the server's, for programs that hand
    it to a client of MLflow's; a server that does not answer within ``AUTOTRACK_QUERY_TIMEOUT`` is an error then.
    """
    own = current.own() or current.left_by_a_task()
    if own is not None and not own.managed and not nested and parent_run_id is None:
        raise AutotrackException(
            f"run {own.run_id} is active already: end it with autotrack.end_run(), or start the new one with "
            "nested=True",
            "INVALID_STATE",
        )
    run_id = run_id or (None if nested else current.run_of_the_environment())
    if run_id in open_runs:
        run = open_runs[run_id]
        current.enter(run)
        return ActiveRun(run)
    given = dict(tags or {})
    if description is not None:
        given["mlflow.note.content"] = description
    parent = current.current() if nested else None
    experiment = None
    to = getattr(usable_sink(), "uploader", None)
    if to is not None and experiment_id == current.current_experiment()[0]:
        experiment = current.current_experiment()  # known without asking the server
    elif experiment_id is not None:
        found = get_experiment(experiment_id)
        if found.lifecycle_stage != "active":
            raise AutotrackException.invalid(
                f"experiment {found.name!r} is deleted and takes no runs; "
                f"autotrack.restore_experiment({experiment_id!r}) brings it back"
            )
        experiment = (found.experiment_id, found.name)
    elif parent is not None:
        experiment = parent.experiment
    run = current.start(
        run_name, run_id=run_id, experiment=experiment, parent=parent, parent_id=parent_run_id, tags=given
    )
    return ActiveRun(run, _server_id(run, to, wait_for_server))


def _server_id(run: Run, to: Any, wait: bool | None) -> str | None:
    """The id that the server gives to a run, where somebody waits for it."""
    chosen = settings.current()
    if to is None or not run.kept or not (chosen.wait_for_server if wait is None else wait):
        return None
    try:
        made: str = to.created(run.run_id, chosen.query_timeout)
    except AutotrackException as error:
        if wait:
            run.end("FAILED", error)
            raise
        guard.warn("waiting for the server", error.message)
        return None
    return made


def end_run(status: str = "FINISHED") -> None:
    """End the active run, if there is one."""
    run = current.own() or current.current()
    if run is not None:
        run.end(_status(status))


def active_run() -> ActiveRun | None:
    """The active run of this context, or ``None``."""
    run = current.current()
    return ActiveRun(run) if run is not None else None


def last_active_run() -> RunRecord | None:
    """The run that this process started or went on with last, as the store knows it."""
    return get_run(current.last.run_id) if current.last is not None else None


def get_run(run_id: str) -> RunRecord:
    """A run by its id; an unknown one is an error."""
    run = current.not_kept(run_id)
    found: RunRecord = ActiveRun(run).record() if run is not None else client().get_run(run_id)
    return found


def get_parent_run(run_id: str) -> RunRecord | None:
    """The run that a nested run belongs to, ``None`` for one that is not nested."""
    return client().get_parent_run(run_id)


def delete_run(run_id: str) -> None:
    """Mark a run as deleted."""
    client().delete_run(run_id)


def restore_run(run_id: str) -> None:
    """Bring a deleted run back."""
    client().restore_run(run_id)


def get_artifact_uri(artifact_path: str | None = None) -> str:
    """Where the active run's files lie, or one of them."""
    files = active().run.files
    return str(files / artifact_path if artifact_path else files)


def search_runs(
    experiment_ids: Sequence[str] | None = None,
    filter_string: str = "",
    run_view_type: int = 1,
    max_results: int = 100_000,
    order_by: Sequence[str] | None = None,
    output_format: str | None = None,
    search_all_experiments: bool = False,
    experiment_names: Sequence[str] | None = None,
) -> Any:
    """The runs that match, newest first, as a pandas data frame where pandas is installed, else as a list.

    ``filter_string`` is MLflow's grammar, such as ``metrics.accuracy > 0.9 AND params.model = 'svm'``. Without
    experiments the one that new runs belong to is searched. ``output_format`` "pandas", "polars" or "list" insists.
    """
    form = checked(output_format)
    asked = client()
    ids = list(experiment_ids or ())
    for name in experiment_names or ():
        found = asked.get_experiment_by_name(name)
        ids += [found.experiment_id] if found is not None else []
    if search_all_experiments and not ids:
        ids = [experiment.experiment_id for experiment in search_experiments(view_type=3)]
    elif not ids and experiment_names is None and experiment_ids is None:
        ids = [current.current_experiment()[0]]
    runs = list(every_run(asked, ids, filter_string, order_by, max_results, run_view_type))
    return runs if form == "list" else of_runs(runs, form)


def _status(status: Any) -> str:
    name = getattr(status, "name", status)
    if name not in ("FINISHED", "FAILED", "KILLED"):
        raise AutotrackException.invalid(f"a run ends FINISHED, FAILED or KILLED, not {name!r}")
    return str(name)
