"""An entry of the registry's log as an answer: what was done to what, from where to where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from autotrack.entities import RegistryChange
from autotrack.store.registry.changes import (
    AliasMoved,
    Approved,
    Entry,
    ModelCreated,
    ModelDeleted,
    ModelDescribed,
    ModelRenamed,
    ModelTags,
    StageMoved,
    VersionCreated,
    VersionDeleted,
    VersionDescribed,
    VersionTags,
)


def change_of(entry: Entry) -> RegistryChange:
    """The answer for an entry."""
    change = entry.change
    version = getattr(change, "version", None)
    return RegistryChange(
        number=entry.number,
        time=entry.time,
        user=entry.author.user,
        host=entry.author.host,
        verified=entry.author.verified,
        kind=change.kind,
        name=change.name,
        version=None if version is None else str(version),
        why=entry.why,
        metrics=getattr(change, "metrics", {}),
        checks=getattr(change, "checks", ()),
        rollback=getattr(change, "rollback", False),
        hash=entry.hash,
        **_TOLD[type(change)](change),
    )


def _tagged(change: ModelTags | VersionTags) -> dict[str, Any]:
    keys = ", ".join(change.values)
    texts = [value for value in change.values.values() if value is not None]
    return {"subject": keys, "after": ", ".join(texts) if texts else None}


def _number(version: int | None) -> str | None:
    return None if version is None else str(version)


_TOLD: Mapping[type, Callable[[Any], dict[str, Any]]] = {
    ModelCreated: lambda change: {"after": change.name},
    ModelDescribed: lambda change: {"after": change.description},
    ModelRenamed: lambda change: {"before": change.name, "after": change.to},
    ModelDeleted: lambda change: {"before": change.name},
    ModelTags: _tagged,
    VersionCreated: lambda change: {"after": change.source},
    VersionDescribed: lambda change: {"after": change.description},
    VersionDeleted: lambda change: {"before": change.stage, "subject": ", ".join(change.aliases) or None},
    VersionTags: _tagged,
    AliasMoved: lambda change: {
        "subject": change.alias,
        "before": _number(change.before),
        "after": _number(change.version),
    },
    StageMoved: lambda change: {
        "before": change.before,
        "after": change.stage,
        "archived": tuple(str(one) for one in change.archived),
    },
    Approved: lambda change: {"after": change.to or None},
}
