"""The registry's answers, under MLflow's names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autotrack.entities.base import Entity


@dataclass(frozen=True, slots=True)
class RegisteredModelTag(Entity):
    """A tag of a registered model."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class RegisteredModelAlias(Entity):
    """A name that leads to one version of a registered model, and may be moved to another."""

    alias: str
    version: str


@dataclass(frozen=True, slots=True)
class ModelVersionTag(Entity):
    """A tag of a version."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class ModelVersion(Entity):
    """A version of a registered model; times in ms. What it is made of never changes; description, stage, tags and
    aliases may. The fields after ``metrics`` are not MLflow's."""

    name: str
    version: str
    creation_timestamp: int
    last_updated_timestamp: int | None = None
    description: str | None = None
    user_id: str | None = None
    current_stage: str | None = None
    source: str | None = None
    run_id: str | None = None
    status: str = "READY"
    status_message: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    run_link: str | None = None
    aliases: Sequence[str] = ()
    model_id: str | None = None
    params: Any = None
    metrics: Any = None
    location: str = ""
    """The URI of the model directory; empty for a source that cannot be looked at from here."""
    digest: str = ""
    """The hash of the directory's content when the model was logged; empty where nobody recorded it."""
    signature: str = ""

    @property
    def model_uri(self) -> str:
        """What a loader is given."""
        return f"models:/{self.name}/{self.version}"


@dataclass(frozen=True, slots=True)
class RegisteredModel(Entity):
    """A name with versions; times in ms. ``latest_versions`` has the highest version of each stage, ``aliases`` the
    version that each leads to."""

    name: str
    creation_timestamp: int | None = None
    last_updated_timestamp: int | None = None
    description: str | None = None
    latest_versions: Sequence[ModelVersion] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RegistryChange(Entity):
    """One entry of the registry's log; ``time`` in ms.

    ``kind`` says what was done, such as "stage" or "alias"; ``subject`` is the alias or tag that it was done to, if
    any; ``before`` and ``after`` are texts, ``None`` for nothing. ``user`` is what the operating system called whoever
    did it unless ``verified`` says that a server has authenticated him.
    """

    number: int
    time: int
    user: str
    host: str
    verified: bool
    kind: str
    name: str
    version: str | None = None
    subject: str | None = None
    before: str | None = None
    after: str | None = None
    why: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    checks: Sequence[Mapping[str, Any]] = ()
    archived: Sequence[str] = ()
    """The versions that lost the stage to this one."""
    rollback: bool = False
    hash: str = ""
