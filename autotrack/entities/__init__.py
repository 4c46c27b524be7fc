"""What a query answers with: MLflow's data model, under MLflow's names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from autotrack.entities.base import Entity, PagedList, every
from autotrack.entities.model_registry import (
    ModelVersion,
    ModelVersionTag,
    RegisteredModel,
    RegisteredModelAlias,
    RegisteredModelTag,
    RegistryChange,
)

__all__ = [
    "Dataset",
    "DatasetInput",
    "Entity",
    "Experiment",
    "ExperimentTag",
    "FileInfo",
    "InputTag",
    "LifecycleStage",
    "LoggedModel",
    "LoggedModelInput",
    "LoggedModelOutput",
    "LoggedModelParameter",
    "LoggedModelStatus",
    "LoggedModelTag",
    "Metric",
    "ModelVersion",
    "ModelVersionTag",
    "PagedList",
    "Param",
    "RegisteredModel",
    "RegisteredModelAlias",
    "RegisteredModelTag",
    "RegistryChange",
    "Run",
    "RunData",
    "RunInfo",
    "RunInputs",
    "RunOutputs",
    "RunStatus",
    "RunTag",
    "ViewType",
    "every",
]


class ViewType(IntEnum):
    """Which life stages a search covers."""

    ACTIVE_ONLY = 1
    DELETED_ONLY = 2
    ALL = 3

    @staticmethod
    def to_string(view_type: int) -> str:
        """The name of a view, in lower case."""
        return ViewType(view_type).name.lower()

    @staticmethod
    def from_string(view_type: str) -> ViewType:
        """The view of a name; ``KeyError`` for another text."""
        return ViewType[view_type.upper()]


class LifecycleStage:
    """Deleting is soft: a deleted thing stays readable and can be restored."""

    ACTIVE = "active"
    DELETED = "deleted"


class RunStatus(IntEnum):
    """The states of a run. Entities carry the name as a string."""

    RUNNING = 1
    SCHEDULED = 2
    FINISHED = 3
    FAILED = 4
    KILLED = 5
    LOST = 6
    """No sign of life and no proof of death; RUNNING again as soon as there is one. Not in MLflow's protocol."""

    @staticmethod
    def to_string(status: int) -> str:
        """The name of a state."""
        return RunStatus(status).name

    @staticmethod
    def from_string(status: str) -> RunStatus:
        """The state of a name; ``KeyError`` for another text."""
        return RunStatus[status]

    @staticmethod
    def all_status() -> list[RunStatus]:
        """Every state."""
        return list(RunStatus)

    @staticmethod
    def is_terminated(status: int) -> bool:
        """Whether the state is final."""
        return RunStatus(status) in (RunStatus.FINISHED, RunStatus.FAILED, RunStatus.KILLED)


class LoggedModelStatus(StrEnum):
    """Whether a model's files are complete."""

    UNSPECIFIED = "UNSPECIFIED"
    PENDING = "PENDING"
    READY = "READY"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Metric(Entity):
    """One point of a metric; ``timestamp`` in ms. An integer that a float64 would round is kept as ``int``."""

    key: str
    value: float
    timestamp: int
    step: int | float = 0
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Param(Entity):
    """A parameter; the first value that a run logs for a key stays."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class RunTag(Entity):
    """A tag of a run."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class ExperimentTag(Entity):
    """A tag of an experiment."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class InputTag(Entity):
    """A tag of the use of a data set; ``mlflow.data.context`` names its role."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Dataset(Entity):
    """A data set's fingerprint and where it came from."""

    name: str
    digest: str
    source_type: str = "local"
    source: str = ""
    schema: str | None = None
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class DatasetInput(Entity):
    """A data set that a run read."""

    dataset: Dataset
    tags: list[InputTag] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LoggedModelInput(Entity):
    """A model that a run read."""

    model_id: str


@dataclass(frozen=True, slots=True)
class LoggedModelOutput(Entity):
    """A model that a run made."""

    model_id: str
    step: int = 0


@dataclass(frozen=True, slots=True)
class LoggedModelParameter(Entity):
    """A parameter of a model."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class LoggedModelTag(Entity):
    """A tag of a model."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class RunInputs(Entity):
    """What a run read."""

    dataset_inputs: list[DatasetInput] = field(default_factory=list)
    model_inputs: list[LoggedModelInput] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RunOutputs(Entity):
    """What a run made."""

    model_outputs: list[LoggedModelOutput] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RunInfo(Entity):
    """The facts every run has; times in ms. ``error`` is the tail of the traceback of a failed run."""

    run_id: str
    experiment_id: str
    user_id: str
    status: str
    start_time: int
    end_time: int | None
    lifecycle_stage: str
    artifact_uri: str | None = None
    run_name: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class RunData(Entity):
    """The last value of each metric, and the parameters and tags."""

    metrics: dict[str, float] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run(Entity):
    """A run as it was when it was asked for."""

    info: RunInfo
    data: RunData = field(default_factory=RunData)
    inputs: RunInputs = field(default_factory=RunInputs)
    outputs: RunOutputs = field(default_factory=RunOutputs)


@dataclass(frozen=True, slots=True)
class Experiment(Entity):
    """A named collection of runs; times in ms."""

    experiment_id: str
    name: str
    artifact_location: str
    lifecycle_stage: str
    tags: dict[str, str] = field(default_factory=dict)
    creation_time: int | None = None
    last_update_time: int | None = None


@dataclass(frozen=True, slots=True)
class FileInfo(Entity):
    """An artifact; ``path`` is relative to the run's artifacts and uses "/"."""

    path: str
    is_dir: bool
    file_size: int | None = None


@dataclass(frozen=True, slots=True)
class LoggedModel(Entity):
    """A model that a run logged; times in ms. The fields after ``metrics`` are not MLflow's."""

    experiment_id: str
    model_id: str
    name: str
    artifact_location: str
    creation_timestamp: int
    last_updated_timestamp: int
    model_type: str | None = None
    source_run_id: str | None = None
    status: LoggedModelStatus = LoggedModelStatus.READY
    status_message: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: list[Metric] = field(default_factory=list)
    flavors: tuple[str, ...] = ()
    signature: str = ""
    size: int = 0
    digest: str = ""
    lifecycle_stage: str = LifecycleStage.ACTIVE

    @property
    def model_uri(self) -> str:
        """What a loader is given."""
        return f"models:/{self.model_id}"
