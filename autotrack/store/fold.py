"""What a run's events, applied in their order, say about it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from autotrack.event import (
    DatasetUsed,
    Ended,
    Event,
    Joined,
    LifeStage,
    ModelBegun,
    ModelChanged,
    ModelLogged,
    ModelsLinked,
    Params,
    Process,
    Renamed,
    RunCreated,
    Series,
    Tags,
)
from autotrack.journal.reader import Line

NAME_TAG, USER_TAG, PARENT_TAG = "mlflow.runName", "mlflow.user", "mlflow.parentRunId"
EXIT_TAG = "autotrack.exit_code"

Key = tuple[str, str | None, str | None, str | None]
"""What a key id stands for: metric, model id, data set name and digest."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of which a run has one each."""

    experiment_id: str = "0"
    run_name: str = ""
    user_id: str = ""
    status: str = "RUNNING"
    start_time: int = 0
    end_time: int | None = None
    lifecycle_stage: str = "active"
    error: str | None = None
    ended: bool = False
    """Whether an end was written, as against computed from what is left of the process."""


@dataclass(slots=True)
class Fold:
    """The facts of a run, and the rows that the events applied so far add to those known before.

    Parameters keep their first value; of everything else the last one counts.
    """

    facts: Facts = field(default_factory=Facts)
    begun: bool = False
    """Whether the facts hold at least one event."""
    experiment: str = ""
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str | None] = field(default_factory=dict)
    inputs: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    changed_models: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of models that were known before: what is different."""
    links: dict[tuple[str, str], int] = field(default_factory=dict)
    """The step of each model by its role, "input" or "output", and its id."""
    series: dict[tuple[str, int], Key] = field(default_factory=dict)
    processes: dict[str, Process | None] = field(default_factory=dict)

    def apply(self, line: Line) -> None:
        """Take the next event; raises ``TypeError`` or ``ValueError`` for one whose fields make no sense."""
        take = _TAKE.get(type(line.event))
        if not self.begun:
            self.facts, self.begun = replace(self.facts, start_time=line.time), True
        if take is not None:
            take(self, line, line.event)

    def settle(self, **facts: Any) -> None:
        """Replace single facts."""
        self.facts = replace(self.facts, **facts)

    def _created(self, line: Line, event: RunCreated) -> None:
        self.experiment = str(event.experiment)
        self.settle(
            experiment_id=str(event.experiment_id),
            run_name=self.facts.run_name or str(event.name),
            user_id=str(event.user),
            start_time=line.time,
        )
        given = {NAME_TAG: self.facts.run_name, USER_TAG: event.user, PARENT_TAG: event.parent}
        self.tags |= {key: str(value) for key, value in given.items() if value}
        self.processes[line.writer] = event.process

    def _joined(self, line: Line, event: Joined) -> None:
        self.settle(status="RUNNING", end_time=None, error=None, ended=False)
        self.processes[line.writer] = event.process

    def _params(self, line: Line, event: Params) -> None:  # noqa: ARG002 - one signature for all
        for key, value in _texts(event.values).items():
            if value is not None:
                self.params.setdefault(key, value)

    def _tags(self, line: Line, event: Tags) -> None:  # noqa: ARG002 - one signature for all
        self.tags |= _texts(event.values)
        if name := self.tags.get(NAME_TAG):
            self.settle(run_name=name)

    def _renamed(self, line: Line, event: Renamed) -> None:  # noqa: ARG002 - one signature for all
        self.settle(run_name=str(event.name))
        self.tags[NAME_TAG] = str(event.name)

    def _series(self, line: Line, event: Series) -> None:
        optional = (None if part is None else str(part) for part in (event.model, event.dataset, event.digest))
        self.series[line.writer, int(event.id)] = (str(event.key), *optional)  # type: ignore[assignment]  # three follow

    def _dataset(self, line: Line, event: DatasetUsed) -> None:  # noqa: ARG002 - one signature for all
        key = (str(event.name), str(event.digest), str(event.context))
        rest = (str(part) for part in (event.source_type, event.source, event.schema, event.profile))
        row = dict(zip(("source_type", "source", "schema", "profile"), rest, strict=True))
        self.inputs[key] = row | {"tags": json.dumps(_texts(event.tags))}

    def _model(self, line: Line, event: ModelLogged) -> None:
        self.models[str(event.model_id)] = {
            "name": str(event.name),
            "path": str(event.path),
            "status": "READY",
            "status_message": None,
            "lifecycle_stage": "active",
            "model_type": None if event.model_type is None else str(event.model_type),
            "creation_timestamp": line.time,
            "last_updated_timestamp": line.time,
            "step": int(event.step),
            "flavors": json.dumps([str(flavor) for flavor in event.flavors]),
            "signature": str(event.signature),
            "size": int(event.size),
            "digest": str(event.digest),
            "params": _texts(event.params),
            "tags": _texts(event.tags),
        }
        self.links["output", str(event.model_id)] = int(event.step)

    def _model_begun(self, line: Line, event: ModelBegun) -> None:
        self.models[str(event.model_id)] = {
            "name": str(event.name),
            "path": "",
            "status": "PENDING",
            "status_message": None,
            "lifecycle_stage": "active",
            "model_type": None if event.model_type is None else str(event.model_type),
            "creation_timestamp": line.time,
            "last_updated_timestamp": line.time,
            "step": 0,
            "flavors": "[]",
            "signature": "",
            "size": 0,
            "digest": "",
            "params": _texts(event.params),
            "tags": _texts(event.tags),
        }

    def _model_changed(self, line: Line, event: ModelChanged) -> None:
        model_id = str(event.model_id)
        model = self.models.get(model_id)
        if model is None:
            model = self.changed_models.setdefault(model_id, {"params": {}, "tags": {}})
        given = {"status": event.status, "status_message": event.message, "lifecycle_stage": event.stage}
        model |= {name: str(value) for name, value in given.items() if value is not None}
        model["last_updated_timestamp"] = line.time
        model["params"] |= _texts(event.params)
        model["tags"] |= _texts(event.tags)

    def _linked(self, line: Line, event: ModelsLinked) -> None:  # noqa: ARG002 - one signature for all
        self.links |= {(str(event.role), str(model_id)): int(step) for model_id, step in event.models.items()}

    def _ended(self, line: Line, event: Ended) -> None:
        error = None if event.error is None else str(event.error)
        if event.status == "SCHEDULED":  # it has not begun, as those who plan runs say of them
            self.settle(status="SCHEDULED", end_time=None, error=None, ended=False)
            return
        self.settle(status=str(event.status), end_time=line.time, error=error, ended=True)
        if event.exit is not None:
            self.tags[EXIT_TAG] = str(event.exit)

    def _life(self, line: Line, event: LifeStage) -> None:  # noqa: ARG002 - one signature for all
        self.settle(lifecycle_stage="deleted" if event.stage == "deleted" else "active")


_TAKE: dict[type[Event], Callable[[Fold, Line, Any], None]] = {
    RunCreated: Fold._created,
    Joined: Fold._joined,
    Params: Fold._params,
    Tags: Fold._tags,
    Renamed: Fold._renamed,
    Series: Fold._series,
    DatasetUsed: Fold._dataset,
    ModelLogged: Fold._model,
    ModelBegun: Fold._model_begun,
    ModelChanged: Fold._model_changed,
    ModelsLinked: Fold._linked,
    Ended: Fold._ended,
    LifeStage: Fold._life,
}


def process_text(process: Process | None) -> str:
    """A process as a text for the index; empty for an unknown one."""
    return json.dumps(asdict(process)) if process is not None else ""


def process_from(text: str) -> Process | None:
    """The process of :func:`process_text`."""
    return Process(**json.loads(text)) if text else None


def _texts(values: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(values, Mapping):
        raise TypeError(f"not a mapping: {values!r}"[:100])
    return {str(key): value if value is None else str(value) for key, value in values.items()}
