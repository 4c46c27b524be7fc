"""What was done to a registered model, done again on a server of MLflow's, which keeps no log: its protocol's verbs, in
the order of the history, from the state that the server is in."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from autotrack.client import Client
from autotrack.exceptions import AutotrackException
from autotrack.exchange.versions import conflict, told_by
from autotrack.store import tables
from autotrack.store.registry.book import Book, Past, model_row, name_after
from autotrack.store.registry.changes import (
    AliasMoved,
    Approved,
    Change,
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


def replay(client: Client, history: Sequence[Entry], least: int = 0) -> int:
    """Do what is not done yet; gives how many changes those were. A model there that is in none of the states of the
    history, or in one before the ``least`` that were done, is an error: somebody has changed it there. Nothing is
    changed then."""
    done = _done(client, history)
    if done is None or done < least:
        raise conflict(name_after(history[-1].change))
    for entry in history[done:]:
        _do(client, entry.change)
    return len(history) - done


def _done(client: Client, history: Sequence[Entry]) -> int | None:
    """How much of a history has been done on a server; ``None`` if what is there is no part of it."""
    numbered = _numbered(history)
    there: dict[str, Any] = {}
    for name in sorted({entry.change.name for entry in history} | {name_after(history[-1].change)}):
        with suppress(AutotrackException):  # there is none of that name
            there[name] = _state(Past(_numbered(told_by(client, name))), name)
    found = None if there else 0
    for number, entry in enumerate(numbered, 1):
        name = name_after(entry.change)
        state = _state(Past(numbered[:number]), name)
        if there == ({} if state is None else {name: state}):
            found = number
    return found


def _numbered(history: Sequence[Entry]) -> list[Entry]:
    return [replace(entry, number=number) for number, entry in enumerate(history, 1)]


def _state(book: Book, name: str) -> dict[str, Any] | None:
    """What both a history and a server's answers tell of a model."""
    model = model_row(book, name)
    if model is None:
        return None
    versions = {
        row["version"]: {
            "stage": row["stage"],
            "run_id": row["run_id"],
            "model_id": row["model_id"],
            "description": row["description"] or None,
            "tags": {one["key"]: one["value"] for one in book.find(tables.model_version_tags, version_id=row["id"])},
        }
        for row in book.find(tables.model_versions, model=model["id"])
    }
    tags = {one["key"]: one["value"] for one in book.find(tables.registered_model_tags, model=model["id"])}
    aliases = {one["alias"]: one["version"] for one in book.find(tables.registered_model_aliases, model=model["id"])}
    return {"description": model["description"] or None, "tags": tags, "versions": versions, "aliases": aliases}


def _do(client: Client, change: Change) -> None:
    name = change.name
    match change:
        case ModelCreated():
            client.create_registered_model(name, change.tags, change.description)
        case ModelRenamed():
            client.rename_registered_model(name, change.to)
        case ModelDescribed():
            client.update_registered_model(name, change.description)
        case ModelDeleted():
            client.delete_registered_model(name)
        case ModelTags():
            for key, value in change.values.items():
                if value is None:
                    client.delete_registered_model_tag(name, key)
                else:
                    client.set_registered_model_tag(name, key, value)
        case VersionCreated():
            client.create_model_version(
                name, change.source, change.run_id, change.tags, change.run_link, change.description,
                model_id=change.model_id,
            )  # fmt: skip
        case VersionDescribed():
            client.update_model_version(name, change.version, change.description)
        case VersionDeleted():
            client.delete_model_version(name, change.version)
        case VersionTags():
            for key, value in change.values.items():
                if value is None:
                    client.delete_model_version_tag(name, change.version, key)
                else:
                    client.set_model_version_tag(name, change.version, key, value)
        case AliasMoved(version=None):
            client.delete_registered_model_alias(name, change.alias)
        case AliasMoved():
            client.set_registered_model_alias(name, change.alias, change.version or 0)
        case StageMoved():
            client.transition_model_version_stage(name, change.version, change.stage, bool(change.archived))
        case Approved():
            return  # of which the protocol knows nothing
