"""The verbs that change a run's record."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from autotrack.client.base import Base
from autotrack.entities import DatasetInput, Metric, Param, Run, RunStatus, RunTag
from autotrack.event import DatasetUsed, Ended, Event, Joined, LifeStage, Params, Process, Renamed, RunCreated, Tags
from autotrack.exceptions import AutotrackException
from autotrack.journal.format import EXACT, new_run_id, raw_step
from autotrack.journal.writer import Key, Point
from autotrack.store.changes import param_conflict
from autotrack.store.fold import NAME_TAG, PARENT_TAG, USER_TAG
from autotrack.store.rows import CONTEXT_TAG
from autotrack.values import number, text

_RUN_ID = re.compile(r"[0-9a-f]{32}")


class Records(Base):
    """Runs: creating, logging to, ending, deleting."""

    def __init__(self, process: Process | None) -> None:
        self._seen_active = {}
        self._process = process

    def create_run(
        self,
        experiment_id: str,
        start_time: int | None = None,
        tags: Mapping[str, Any] | None = None,
        run_name: str | None = None,
        *,
        run_id: str | None = None,
    ) -> Run:
        """Make a run that this process does not activate; ``start_time`` in ms, by default now.

        ``run_id`` are 32 hexadecimal digits that nobody else uses, by default drawn here. Asking for the same run
        again answers it.
        """
        experiment = self.get_experiment(experiment_id)
        if experiment.lifecycle_stage != "active":
            raise AutotrackException.invalid(
                f"experiment {experiment.name!r} is deleted and takes no runs; "
                f"restore_experiment({experiment.experiment_id!r}) brings it back"
            )
        given = {str(key): text(value) for key, value in (tags or {}).items()}
        tagged = given.get(NAME_TAG)
        if run_name and tagged and run_name != tagged:
            raise AutotrackException.invalid(
                f"run_name {run_name!r} and the tag {NAME_TAG} {tagged!r} differ; give one of them"
            )
        if run_id is not None and not _RUN_ID.fullmatch(run_id):
            raise AutotrackException.invalid(f"{run_id!r} is no id of a run; give 32 hexadecimal digits")
        if run_id is not None and (found := self._made_before(run_id, experiment.experiment_id)) is not None:
            return found
        run_id = run_id or new_run_id()
        created = RunCreated(
            experiment.experiment_id,
            experiment.name,
            run_name or tagged or f"run {run_id[:8]}",
            given.get(PARENT_TAG),
            given.get(USER_TAG, ""),
            self._process,
        )
        when = _now() if start_time is None else int(start_time)
        self.store.editor.create(run_id, [(when, created), *([(when + 1, Tags(given))] if given else [])])
        return self.get_run(run_id)

    def log_metric(
        self,
        run_id: str,
        key: str,
        value: Any,
        timestamp: int | None = None,
        step: int | float | None = None,
        synchronous: bool | None = None,  # noqa: ARG002 - MLflow's signature; a call always returns when all is safe
        dataset_name: str | None = None,
        dataset_digest: str | None = None,
        model_id: str | None = None,
    ) -> None:
        """Add one point to a curve; ``timestamp`` in ms, by default now."""
        when = _now() if timestamp is None else timestamp
        self._points(run_id, [Metric(key, value, when, step or 0, model_id, dataset_name, dataset_digest)])

    def log_param(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> Any:  # noqa: ARG002 - MLflow's signature
        """Record a parameter; another value than the one it has is an error."""
        self._params(self._active(run_id), {str(key): text(value)})
        return value

    def set_tag(self, run_id: str, key: str, value: Any, synchronous: bool | None = None) -> None:  # noqa: ARG002 - MLflow's signature
        """Set a tag; ``mlflow.runName`` renames the run."""
        self._active(run_id)
        self._change(run_id, Tags({str(key): text(value)}))

    def delete_tag(self, run_id: str, key: str) -> None:
        """Take a tag off a run."""
        if key not in self._active(run_id).data.tags:
            raise AutotrackException.missing(f"run {run_id} has no tag {key!r}")
        self._change(run_id, Tags({key: None}))

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric] = (),
        params: Sequence[Param] = (),
        tags: Sequence[RunTag] = (),
        synchronous: bool | None = None,  # noqa: ARG002 - MLflow's signature
    ) -> None:
        """Record many things at once; nothing is recorded if any of them is wrong."""
        run = self._active(run_id)
        points = _points(metrics)
        values: dict[str, str] = {}
        for param in params:
            value = text(param.value)
            if values.setdefault(str(param.key), value) != value:
                raise AutotrackException.invalid(f"the parameter {param.key!r} comes twice, with different values")
        events = self._new_params(run, values)
        if tags:
            events.append(Tags({str(tag.key): text(tag.value) for tag in tags}))
        self._batch(run_id, events, *points)

    def log_inputs(
        self, run_id: str, datasets: Sequence[DatasetInput] | None = None, models: Sequence[Any] | None = None  # noqa: ARG002 - MLflow's signature
    ) -> None:  # fmt: skip
        """Record data sets that a run read."""
        self._active(run_id)
        for used in datasets or ():
            tags = {tag.key: tag.value for tag in used.tags}
            data = used.dataset
            event = DatasetUsed(
                data.name,
                data.digest,
                data.source_type,
                data.source,
                data.schema or "",
                data.profile or "",
                tags.pop(CONTEXT_TAG, ""),
                tags,
            )
            self._change(run_id, event)

    def set_terminated(self, run_id: str, status: str | None = None, end_time: int | None = None) -> None:
        """End a run, FINISHED unless said otherwise; ``end_time`` in ms, by default now."""
        self.get_run(run_id)
        end = Ended(_final(status or "FINISHED"))
        if end_time is None:
            self._change(run_id, end)
        else:
            self.store.editor.event(run_id, end, time_ms=int(end_time))

    def update_run(self, run_id: str, status: str | None = None, name: str | None = None) -> None:
        """Change a run's state or name; RUNNING opens an ended run again."""
        self._active(run_id)
        if status is not None:
            running = status.upper() == "RUNNING"
            self._change(run_id, Joined(self._process) if running else Ended(_final(status)))
        if name is not None:
            self._change(run_id, Renamed(str(name)))

    def delete_run(self, run_id: str) -> None:
        """Mark a run as deleted; nothing is removed."""
        self.get_run(run_id)
        self._change(run_id, LifeStage("deleted"))

    def restore_run(self, run_id: str) -> None:
        """Bring a deleted run back."""
        self.get_run(run_id)
        self._change(run_id, LifeStage("active"))

    def _made_before(self, run_id: str, experiment_id: str) -> Run | None:
        try:
            found = self.get_run(run_id)
        except AutotrackException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None
        if found.info.experiment_id != experiment_id:
            raise AutotrackException(
                f"there is a run {run_id} already, in experiment {found.info.experiment_id}; choose another id",
                "RESOURCE_ALREADY_EXISTS",
            )
        return found

    def _points(self, run_id: str, metrics: Sequence[Metric]) -> None:
        points = _points(metrics)
        self._check_active(run_id)
        self.store.editor.points(run_id, *points)

    def _params(self, run: Run, values: Mapping[str, str]) -> None:
        self._change(run.info.run_id, *self._new_params(run, values))

    def _new_params(self, run: Run, values: Mapping[str, str]) -> list[Event]:
        for key, value in values.items():
            before = run.data.params.get(key, value)
            if before != value:
                raise param_conflict(run.info.run_id, key, before, value)
        new = {key: value for key, value in values.items() if key not in run.data.params}
        return [Params(new)] if new else []


def _points(metrics: Sequence[Metric]) -> tuple[list[Point], list[tuple[Key, float, int, str]]]:
    points: list[Point] = []
    exact: list[tuple[Key, float, int, str]] = []
    for one in metrics:
        value, whole = number(one.value)
        at = _step(one.step)
        step, flags = raw_step(at)
        key: Key = str(one.key)
        if one.model_id is not None or one.dataset_name is not None:
            key = (str(one.key), one.model_id, one.dataset_name, one.dataset_digest)
        when = int(one.timestamp)
        if not 0 <= when < 2**63:
            raise AutotrackException.invalid(f"the timestamp of {one.key!r} is {when}; give ms since 1970")
        if whole is not None:
            exact.append((key, at, when, whole))
            flags |= EXACT
        points.append((key, flags, step, when, value))
    return points, exact


def _step(step: Any) -> int | float:
    near, exact = number(step)
    return int(exact, 0) if exact is not None else int(near) if near.is_integer() else near


def _final(status: str) -> str:
    name = str(status).upper()
    if name not in RunStatus.__members__ or not RunStatus.is_terminated(RunStatus[name]):
        raise AutotrackException.invalid(f"{status!r} is no final state; give FINISHED, FAILED or KILLED")
    return name


def _now() -> int:
    return time.time_ns() // 1_000_000
