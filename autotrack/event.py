"""The facts that travel from a training program to its record.

Each fact is a small frozen dataclass; a journal holds one JSON object a line for each. Unknown kinds and
unknown fields are skipped when read, so an older autotrack reads what a newer one wrote.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from autotrack import redact


@dataclass(frozen=True, slots=True)
class Process:
    """Enough to tell later, from the same machine, whether a writer is still alive."""

    host: str
    boot: str
    pidns: str
    pid: int
    start: int
    rank: int = 0


@dataclass(frozen=True, slots=True)
class RunCreated:
    """The first line of the writer that created the run."""

    kind: ClassVar[str] = "run"
    experiment_id: str
    experiment: str
    name: str
    parent: str | None = None
    user: str = ""
    process: Process | None = None


@dataclass(frozen=True, slots=True)
class Joined:
    """Another writer of the run: a further process, or the run resumed. The run is RUNNING again."""

    kind: ClassVar[str] = "join"
    process: Process | None = None


@dataclass(frozen=True, slots=True)
class Params:
    kind: ClassVar[str] = "params"
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Tags:
    """``None`` as a value deletes the tag."""

    kind: ClassVar[str] = "tags"
    values: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Renamed:
    kind: ClassVar[str] = "name"
    name: str


@dataclass(frozen=True, slots=True)
class Series:
    """What a metric's key id stands for, announced before its first point."""

    kind: ClassVar[str] = "key"
    id: int
    key: str
    model: str | None = None
    dataset: str | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Exact:
    """The text of an integer that a float64 cannot hold; the point itself carries the nearest float64."""

    kind: ClassVar[str] = "exact"
    id: int
    step: int | float
    time: int
    text: str


@dataclass(frozen=True, slots=True)
class DatasetUsed:
    """A data set that a run read; ``context`` is its role, "train" or "eval" by custom."""

    kind: ClassVar[str] = "dataset"
    name: str
    digest: str
    source_type: str = "local"
    source: str = ""
    schema: str = ""
    profile: str = ""
    context: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ArtifactStored:
    """A file below the run's ``artifacts/``; ``path`` uses "/" whatever the system."""

    kind: ClassVar[str] = "artifact"
    path: str
    size: int


@dataclass(frozen=True, slots=True)
class ModelLogged:
    """A model directory below the run's ``artifacts/``, complete when this is written."""

    kind: ClassVar[str] = "model"
    model_id: str
    name: str
    path: str
    flavors: tuple[str, ...] = ()
    signature: str = ""
    size: int = 0
    digest: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    step: int = 0
    model_type: str | None = None


@dataclass(frozen=True, slots=True)
class ModelBegun:
    """A model whose files are still to come, into a place of its own beside the run's ``artifacts/``."""

    kind: ClassVar[str] = "model_begun"
    model_id: str
    name: str
    model_type: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelChanged:
    """What is ``None`` stays as it is. ``status`` is one of MLflow's, ``stage`` "active" or "deleted"; a tag that is
    ``None`` is deleted."""

    kind: ClassVar[str] = "model_changed"
    model_id: str
    status: str | None = None
    message: str | None = None
    stage: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelsLinked:
    """Models that a run read or made, by id, with the step they were made at; ``role`` is "input" or "output"."""

    kind: ClassVar[str] = "models_linked"
    role: str
    models: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Ended:
    """``error`` is the tail of a traceback; ``exit`` what is known of the exit code."""

    kind: ClassVar[str] = "end"
    status: str
    error: str | None = None
    exit: str | None = None


@dataclass(frozen=True, slots=True)
class LifeStage:
    """ "active" or "deleted" (soft: nothing is removed)."""

    kind: ClassVar[str] = "life"
    stage: str


@dataclass(frozen=True, slots=True)
class ExperimentCreated:
    kind: ClassVar[str] = "experiment"
    experiment_id: str
    name: str
    artifact_location: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExperimentRenamed:
    kind: ClassVar[str] = "experiment_name"
    experiment_id: str
    name: str


@dataclass(frozen=True, slots=True)
class ExperimentTags:
    kind: ClassVar[str] = "experiment_tags"
    experiment_id: str
    values: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class ExperimentLife:
    kind: ClassVar[str] = "experiment_life"
    experiment_id: str
    stage: str


Event = (
    RunCreated | Joined | Params | Tags | Renamed | Series | Exact | DatasetUsed | ArtifactStored | ModelLogged
    | ModelBegun | ModelChanged | ModelsLinked | Ended | LifeStage
    | ExperimentCreated | ExperimentRenamed | ExperimentTags | ExperimentLife
)  # fmt: skip


_KINDS: dict[str, Any] = {cls.kind: cls for cls in Event.__args__}
_FIELDS: dict[str, tuple[str, ...]] = {kind: tuple(f.name for f in fields(cls)) for kind, cls in _KINDS.items()}


_CLEARED = {
    "params": ("values",), "tags": ("values",), "end": ("error",), "dataset": ("source", "tags"), "run": ("name",),
    "name": ("name",), "model": ("params", "tags"), "model_begun": ("params", "tags"),
    "model_changed": ("params", "tags"), "experiment_tags": ("values",),
}  # fmt: skip
"""The fields that hold what a program, or the error that ended it, has said: there may be secrets in it."""


def _as_dict(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return {f.name: getattr(value, f.name) for f in fields(value)}


_decode: Callable[[str], Any] = json.JSONDecoder().decode
# ASCII output: a lone surrogate in a name stays one JSON escape and never breaks the file's UTF-8.
_dumps: Callable[[Any], str] = json.JSONEncoder(separators=(",", ":"), default=_as_dict).encode


def encode(event: Event, time_ms: int | None = None) -> bytes:
    """One line of a journal, with its newline; ``time_ms`` defaults to now."""
    line: dict[str, Any] = {"e": event.kind, "t": time.time_ns() // 1_000_000 if time_ms is None else time_ms}
    for name in _FIELDS[event.kind]:
        line[name] = getattr(event, name)
    for name in _CLEARED.get(event.kind, ()):
        value = line[name]
        if value:
            line[name] = redact.text(value) if type(value) is str else redact.pairs(value)
    return _dumps(line).encode("ascii") + b"\n"


def decode(line: bytes) -> tuple[int, Event] | None:
    """``(time in ms, event)``; ``None`` for a kind that this version does not know.

    Raises ``ValueError`` for a line that is no event at all.
    """
    try:
        raw = _decode(line.decode("utf-8", "surrogatepass"))
        cls = _KINDS.get(raw["e"])
        if cls is None:
            return None
        given = {name: raw[name] for name in _FIELDS[cls.kind] if name in raw}
        if given.get("process"):
            given["process"] = Process(**{f.name: given["process"][f.name] for f in fields(Process)})
        if "flavors" in given:
            given["flavors"] = tuple(given["flavors"])
        return int(raw["t"]), cls(**given)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not an event: {line[:80]!r}") from error
