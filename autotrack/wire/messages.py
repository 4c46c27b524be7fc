"""Entities in MLflow's JSON. Each message says once which field stands where: it is written, read and described by
that.

What MLflow's protocol has no field for travels in fields of our own, which its clients and servers skip.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from autotrack.entities import (
    Dataset,
    DatasetInput,
    Experiment,
    FileInfo,
    InputTag,
    LoggedModel,
    LoggedModelInput,
    LoggedModelOutput,
    LoggedModelStatus,
    Metric,
    ModelVersion,
    Param,
    RegisteredModel,
    RegistryChange,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunOutputs,
    RunTag,
)
from autotrack.wire.values import (
    BOOLEAN,
    DOUBLE,
    INTEGER,
    PAIRS,
    TEXT,
    Kind,
    Schema,
    mapping,
    names,
    pairs,
    several,
    spelled,
)

E = TypeVar("E")

OWN = "/api/autotrack"
"""Below which autotrack's server answers what MLflow's protocol has no question for."""
STATUS_TAG = "autotrack.status"
"""The tag of a run whose state MLflow has no word for: FAILED to its clients."""


@dataclass(frozen=True, slots=True)
class Field:
    """An attribute of an entity, what kind of value it has, and the field it travels in: ``wire``, by default of its
    own name, inside the object ``part`` if it has one."""

    name: str
    kind: Kind
    wire: str = ""
    part: str = ""


class Message(Generic[E]):
    """One entity in JSON: ``write`` makes a document of it, ``read`` makes it of a document.

    A field that is ``None`` or an empty list is left out, one that a document lacks gets the entity's default, and one
    that nobody knows is skipped. ``read`` raises ``KeyError``, ``TypeError`` or ``ValueError`` for one of another
    shape.
    """

    def __init__(self, entity: type[E], *fields: Field, **defaults: Any) -> None:
        self.entity, self.fields, self.defaults = entity, fields, defaults
        self._writes = [
            (one.name, one.wire or one.name, one.part, one.kind.write, one.kind.schema.get("type") == "array")
            for one in fields
        ]
        self._reads = [(one.name, one.wire or one.name, one.part, one.kind.read) for one in fields]
        self._parts = list(dict.fromkeys(one.part for one in fields if one.part))

    @property
    def kind(self) -> Kind:
        """This message as the kind of a field."""
        return Kind({"$ref": f"#/components/schemas/{self.entity.__name__}"}, self.write, self.read)

    @property
    def schema(self) -> Schema:
        """The JSON schema of the document."""
        parts: dict[str, Schema] = {part: {} for part in ("", *self._parts)}
        for one in self.fields:
            parts[one.part][one.wire or one.name] = one.kind.schema
        own = parts.pop("")
        return {"type": "object", "properties": own | {name: _object(part) for name, part in parts.items()}}

    def write(self, entity: E, **other: Any) -> dict[str, Any]:
        """The document of an entity; ``other`` are values that stand in the place of its own."""
        document: dict[str, Any] = {part: {} for part in self._parts}
        for name, wire, part, write, many in self._writes:
            value = other[name] if name in other else getattr(entity, name)
            if value is not None and not (many and not value):
                (document[part] if part else document)[wire] = value if write is None else write(value)
        return document

    def read(self, document: Mapping[str, Any]) -> E:
        """The entity of a document."""
        given = dict(self.defaults)
        for name, wire, part, read in self._reads:
            place = document.get(part, {}) if part else document
            value = place.get(wire)
            if value is not None:
                given[name] = value if read is None else read(value)
        return self.entity(**given)


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties}


class _Metric(Message[Metric]):
    """Points. An integer that a double rounds travels as a text besides, and so does a step that is no integer."""

    def __init__(self) -> None:
        super().__init__(
            Metric, Field("key", TEXT), Field("value", DOUBLE), Field("timestamp", INTEGER), Field("step", INTEGER),
            Field("model_id", TEXT), Field("dataset_name", TEXT), Field("dataset_digest", TEXT), Field("run_id", TEXT),
            value=float("nan"), timestamp=0,
        )  # fmt: skip
        self._rest = ("model_id", "dataset_name", "dataset_digest", "run_id")

    @property
    def schema(self) -> Schema:
        own = super().schema["properties"]
        return _object(own | {"exact": TEXT.schema, "exact_step": DOUBLE.schema})

    def write(self, entity: Metric, **other: Any) -> dict[str, Any]:
        value, step = entity.value, entity.step
        document: dict[str, Any] = {"key": entity.key, "value": spelled(value), "timestamp": entity.timestamp}
        if type(value) is int:
            document["value"] = spelled(_double(value))
            if document["value"] != value:
                document["exact"] = str(value)
        if type(step) is int:
            document["step"] = step
        else:
            document["step"] = whole = int(step) if abs(step) < 2**63 else 0
            if whole != step:
                document["exact_step"] = spelled(step)
        for name in self._rest:
            if (value := other[name] if name in other else getattr(entity, name)) is not None:
                document[name] = value
        return document

    def read(self, document: Mapping[str, Any]) -> Metric:
        get = document.get
        value = int(get("exact", "")) if "exact" in document else float(get("value", "nan"))
        step = float(document["exact_step"]) if "exact_step" in document else int(get("step", 0))
        return Metric(str(document["key"]), value, int(get("timestamp", 0)), step, *(get(name) for name in self._rest))


def _double(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


class _RunInfo(Message[RunInfo]):
    """The facts of a run; one that is LOST is FAILED to others."""

    def write(self, entity: RunInfo, **other: Any) -> dict[str, Any]:
        document = super().write(entity, **other)
        document["run_uuid"] = entity.run_id
        if entity.status == _LOST:
            document |= {"status": "FAILED", "autotrack_status": _LOST}
        return document

    def read(self, document: Mapping[str, Any]) -> RunInfo:
        known = document.get("autotrack_status") or document.get("status")
        return super().read({**document, "status": known, "run_id": document.get("run_id") or document["run_uuid"]})


_LOST = "LOST"


class _RunData(Message[RunData]):
    """Metrics, parameters and tags of a run. ``points`` are the last points of its metrics, where they are known."""

    def write(self, entity: RunData, **other: Any) -> dict[str, Any]:
        points = other.get("points")
        if points is None:
            points = [Metric(key, value, 0) for key, value in entity.metrics.items()]
        document = {
            "metrics": [METRIC.write(one) for one in points],
            "params": pairs(entity.params),
            "tags": pairs(other.get("tags", entity.tags)),
        }
        return {name: values for name, values in document.items() if values}

    def read(self, document: Mapping[str, Any]) -> RunData:
        points = [METRIC.read(one) for one in document.get("metrics", ())]
        tags = mapping(document.get("tags", ()))
        tags.pop(STATUS_TAG, None)
        return RunData({one.key: one.value for one in points}, mapping(document.get("params", ())), tags)


class _Run(Message[Run]):
    """Runs. Other values than their own may be given for ``artifact_uri``, and ``points`` as of the data."""

    def write(self, entity: Run, **other: Any) -> dict[str, Any]:
        info, tags = entity.info, entity.data.tags
        lost = {STATUS_TAG: _LOST} if info.status == _LOST else {}
        uri = other.get("artifact_uri", info.artifact_uri)
        return {
            "info": RUN_INFO.write(info, artifact_uri=uri),
            "data": RUN_DATA.write(entity.data, tags={**tags, **lost}, points=other.get("points")),
            "inputs": RUN_INPUTS.write(entity.inputs),
            "outputs": RUN_OUTPUTS.write(entity.outputs),
        }


def _aliases(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"alias": alias, "version": str(version)} for alias, version in values.items()]


def _aliased(values: list[Mapping[str, Any]]) -> dict[str, str]:
    return {str(one["alias"]): str(one["version"]) for one in values}


def _doubles(values: Mapping[str, float]) -> dict[str, float | str]:
    return {key: spelled(value) for key, value in values.items()}


def _floats(values: Mapping[str, Any]) -> dict[str, float]:
    return {key: float(value) for key, value in values.items()}


def _texts(*attributes: str, part: str = "") -> list[Field]:
    return [Field(name, TEXT, part=part) for name in attributes]


METRIC = _Metric()
PARAM = Message(Param, Field("key", TEXT), Field("value", TEXT), value="")
RUN_TAG = Message(RunTag, Field("key", TEXT), Field("value", TEXT), value="")
INPUT_TAG = Message(InputTag, Field("key", TEXT), Field("value", TEXT), value="")
DATASET = Message(Dataset, *_texts("name", "digest", "source_type", "source", "schema", "profile"))
DATASET_INPUT = Message(DatasetInput, Field("tags", several(INPUT_TAG.kind)), Field("dataset", DATASET.kind))
MODEL_INPUT = Message(LoggedModelInput, Field("model_id", TEXT))
MODEL_OUTPUT = Message(LoggedModelOutput, Field("model_id", TEXT), Field("step", INTEGER))
RUN_INPUTS = Message(
    RunInputs,
    Field("dataset_inputs", several(DATASET_INPUT.kind)),
    Field("model_inputs", several(MODEL_INPUT.kind)),
)
RUN_OUTPUTS = Message(RunOutputs, Field("model_outputs", several(MODEL_OUTPUT.kind)))
RUN_INFO = _RunInfo(
    RunInfo,
    *_texts("run_id", "experiment_id", "run_name", "user_id", "status"),
    Field("start_time", INTEGER),
    Field("end_time", INTEGER),
    *_texts("artifact_uri", "lifecycle_stage", "error"),
    user_id="", status="RUNNING", start_time=0, end_time=None, lifecycle_stage="active", experiment_id="0",
)  # fmt: skip
RUN_DATA = _RunData(
    RunData, Field("metrics", several(METRIC.kind)), Field("params", PAIRS), Field("tags", PAIRS)
)  # fmt: skip
RUN = _Run(
    Run,
    Field("info", RUN_INFO.kind),
    Field("data", RUN_DATA.kind),
    Field("inputs", RUN_INPUTS.kind),
    Field("outputs", RUN_OUTPUTS.kind),
)
EXPERIMENT = Message(
    Experiment,
    *_texts("experiment_id", "name", "artifact_location", "lifecycle_stage"),
    Field("last_update_time", INTEGER),
    Field("creation_time", INTEGER),
    Field("tags", PAIRS),
    artifact_location="", lifecycle_stage="active",
)  # fmt: skip
FILE_INFO = Message(FileInfo, Field("path", TEXT), Field("is_dir", BOOLEAN), Field("file_size", INTEGER), is_dir=False)
MODEL_STATUS = names({
    LoggedModelStatus.UNSPECIFIED: "LOGGED_MODEL_STATUS_UNSPECIFIED",
    LoggedModelStatus.PENDING: "LOGGED_MODEL_PENDING",
    LoggedModelStatus.READY: "LOGGED_MODEL_READY",
    LoggedModelStatus.FAILED: "LOGGED_MODEL_UPLOAD_FAILED",
})  # fmt: skip
LOGGED_MODEL = Message(
    LoggedModel,
    *_texts("model_id", "experiment_id", "name", part="info"),
    Field("creation_timestamp", INTEGER, "creation_timestamp_ms", "info"),
    Field("last_updated_timestamp", INTEGER, "last_updated_timestamp_ms", "info"),
    Field("artifact_location", TEXT, "artifact_uri", "info"),
    Field("status", MODEL_STATUS, part="info"),
    *_texts("model_type", "source_run_id", "status_message", part="info"),
    Field("tags", PAIRS, part="info"),
    Field("flavors", Kind({"type": "array", "items": TEXT.schema}, list, tuple), part="info"),
    *_texts("signature", "digest", part="info"),
    Field("size", INTEGER, part="info"),
    Field("params", PAIRS, part="data"),
    Field("metrics", several(METRIC.kind), part="data"),
    name="", artifact_location="", creation_timestamp=0, last_updated_timestamp=0,
)  # fmt: skip
MODEL_VERSION = Message(
    ModelVersion,
    *_texts("name", "version"),
    Field("creation_timestamp", INTEGER),
    Field("last_updated_timestamp", INTEGER),
    *_texts("user_id", "current_stage", "description", "source", "run_id", "status", "status_message"),
    Field("tags", PAIRS),
    Field("run_link", TEXT),
    Field("aliases", Kind({"type": "array", "items": TEXT.schema}, list, list)),
    *_texts("model_id", "digest", "signature"),
    creation_timestamp=0,
)
REGISTERED_MODEL = Message(
    RegisteredModel,
    Field("name", TEXT),
    Field("creation_timestamp", INTEGER),
    Field("last_updated_timestamp", INTEGER),
    Field("description", TEXT),
    Field("latest_versions", several(MODEL_VERSION.kind)),
    Field("tags", PAIRS),
    Field("aliases", Kind({"type": "array", "items": _object({"alias": TEXT.schema, "version": TEXT.schema})},
                          _aliases, _aliased)),
)  # fmt: skip
REGISTRY_CHANGE = Message(
    RegistryChange,
    Field("number", INTEGER),
    Field("time", INTEGER),
    *_texts("user", "host"),
    Field("verified", BOOLEAN),
    *_texts("kind", "name", "version", "subject", "before", "after", "why"),
    Field("metrics", Kind({"type": "object", "additionalProperties": DOUBLE.schema}, _doubles, _floats)),
    Field("checks", Kind({"type": "array", "items": {"type": "object"}}, list, tuple)),
    Field("archived", Kind({"type": "array", "items": TEXT.schema}, list, tuple)),
    Field("rollback", BOOLEAN),
    Field("hash", TEXT),
    user="", host="", verified=False,
)  # fmt: skip

MESSAGES: dict[str, Message[Any]] = {
    one.entity.__name__: one
    for one in (
        METRIC, PARAM, RUN_TAG, INPUT_TAG, DATASET, DATASET_INPUT, MODEL_INPUT, MODEL_OUTPUT, RUN_INPUTS, RUN_OUTPUTS,
        RUN_INFO, RUN_DATA, RUN, EXPERIMENT, FILE_INFO, LOGGED_MODEL, MODEL_VERSION, REGISTERED_MODEL, REGISTRY_CHANGE,
    )
}  # fmt: skip
"""Every message by the name of its entity, as schemas refer to it."""
