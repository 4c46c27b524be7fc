"""What may happen next in the registry: from a wish and the present state to a change, or to the reason why not.

Nothing here reads a file or a clock. A local store and a server decide by these same functions; whoever made the
decision appends the change, and decides anew if another change came first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from typing import Any, Final

from autotrack.exceptions import AutotrackException
from autotrack.store import tables
from autotrack.store.registry.book import Book, Row, model_row, version_row
from autotrack.store.registry.changes import (
    AliasMoved,
    Approved,
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
from autotrack.store.registry.names import (
    ACTIVE_STAGES,
    checked_alias,
    checked_name,
    checked_stage,
    checked_tag,
    checked_version,
)


class Whatever(Enum):
    """The one value that expects nothing."""

    ANY = "whatever is there"


ANY: Final = Whatever.ANY
"""For a compare-and-set: whatever was there before."""

Expected = int | str | None | Whatever
Evidence = Mapping[str, Any]
"""What a promotion is recorded with: ``metrics`` and ``checks``."""


def known_model(book: Book, name: str) -> Row:
    """The registered model of a name; an unknown one is an error."""
    row = model_row(book, checked_name(name))
    if row is None:
        raise AutotrackException.missing(
            f"Registered Model with name={name} not found; `autotrack models list` names those that are, "
            "create_registered_model() makes one"
        )
    return row


def known_version(book: Book, name: str, version: object) -> Row:
    """A version of a registered model; an unknown one is an error."""
    number = checked_version(version)
    try:
        model = known_model(book, name)
    except AutotrackException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise AutotrackException.missing(f"Model Version (name={name}, version={number}) not found: {error}") from None
    row = version_row(book, model["id"], number)
    if row is None:
        given = number <= model["last_version"]
        last = f"its versions end with {model['last_version']}" if model["last_version"] else "it has none yet"
        raise AutotrackException.missing(
            f"Model Version (name={name}, version={number}) not found: " + ("it was deleted" if given else last)
        )
    return row


def create_model(book: Book, name: str, tags: Mapping[str, Any] | None, description: str | None) -> ModelCreated:
    """Claim a name."""
    _free(book, checked_name(name))
    return ModelCreated(name, description, dict(checked_tag(*pair) for pair in (tags or {}).items()))


def describe_model(book: Book, name: str, description: str | None) -> ModelDescribed:
    """Give a model another description."""
    known_model(book, name)
    return ModelDescribed(name, description)


def rename_model(book: Book, name: str, to: str) -> ModelRenamed:
    """Give a model another name."""
    known_model(book, name)
    if to != name:
        _free(book, checked_name(to))
    return ModelRenamed(name, to)


def delete_model(book: Book, name: str) -> ModelDeleted:
    """Delete a model with all of its versions."""
    known_model(book, name)
    return ModelDeleted(name)


def tag_model(book: Book, name: str, key: str, value: Any) -> ModelTags:
    """Set a tag of a model, or with ``None`` take it away."""
    known_model(book, name)
    key, text = checked_tag(key, value)
    return ModelTags(name, {key: None if value is None else text})


def create_version(book: Book, made: VersionCreated) -> VersionCreated:
    """The next version of a model; ``made`` says what it is, its number is given here."""
    model = known_model(book, made.name)
    tags = dict(checked_tag(*pair) for pair in made.tags.items())
    return replace(made, version=model["last_version"] + 1, tags=tags)


def describe_version(book: Book, name: str, version: object, description: str | None) -> VersionDescribed:
    """Give a version another description."""
    row = known_version(book, name, version)
    return VersionDescribed(name, row["version"], description)


def delete_version(book: Book, name: str, version: object) -> VersionDeleted:
    """Delete a version, and the aliases that lead to it."""
    row = known_version(book, name, version)
    aliases = book.find(tables.registered_model_aliases, model=row["model"], version=row["version"])
    return VersionDeleted(name, row["version"], row["stage"], sorted(one["alias"] for one in aliases))


def tag_version(book: Book, name: str, version: object, key: str, value: Any) -> VersionTags:
    """Set a tag of a version, or with ``None`` take it away."""
    row = known_version(book, name, version)
    key, text = checked_tag(key, value)
    return VersionTags(name, row["version"], {key: None if value is None else text})


def move_alias(
    book: Book, name: str, alias: str, version: object, *, expected: Expected = ANY, evidence: Evidence | None = None
) -> AliasMoved:
    """Have an alias lead to a version, or with ``None`` to nothing, if it leads to the ``expected`` one."""
    checked_alias(alias)
    model = known_model(book, name)
    number = None if version is None else known_version(book, name, version)["version"]
    before = next(iter(book.find(tables.registered_model_aliases, model=model["id"], alias=alias)), None)
    now = None if before is None else before["version"]
    if expected is not ANY and now != (None if expected is None else checked_version(expected)):
        raise conflict(f"alias {alias!r} of {name!r}", now, expected)
    return AliasMoved(name, alias, number, now, **(evidence or {}))


def move_stage(
    book: Book,
    name: str,
    version: object,
    stage: str,
    *,
    archive: bool = False,
    expected: Expected = ANY,
    evidence: Evidence | None = None,
) -> StageMoved:
    """Put a version into a stage, if it is in the ``expected`` one; with ``archive`` the others there are archived."""
    stage = checked_stage(stage)
    row = known_version(book, name, version)
    if archive and stage not in ACTIVE_STAGES:
        raise AutotrackException.invalid(
            f"a version that goes to {stage} takes no other's place; archive_existing_versions is for "
            f"{' and '.join(ACTIVE_STAGES)}"
        )
    if expected is not ANY and row["stage"] != checked_stage(expected):
        raise conflict(f"stage of {name!r} version {row['version']}", row["stage"], expected)
    others = book.find(tables.model_versions, model=row["model"], stage=stage) if archive else []
    archived = sorted(one["version"] for one in others if one["version"] != row["version"])
    return StageMoved(name, row["version"], row["stage"], stage, archived, **(evidence or {}))


def expect_present(book: Book, name: str, stage: str, expected: str | None, *, candidate: str) -> None:
    """Raise unless the latest version in a stage, apart from the candidate, is still the expected one."""
    there = book.find(tables.model_versions, model=known_model(book, name)["id"], stage=stage)
    others = [row["version"] for row in there if str(row["version"]) != candidate]
    now = str(max(others)) if others else None
    if now != expected:
        raise conflict(f"version of {name!r} in {stage}", now, expected)


def approve(book: Book, name: str, version: object, to: str = "") -> Approved:
    """Stand for a version, for its promotion to ``to`` or to anywhere."""
    row = known_version(book, name, version)
    return Approved(name, row["version"], to)


def _free(book: Book, name: str) -> None:
    if model_row(book, name) is not None:
        raise AutotrackException(
            f"Registered Model (name={name}) already exists; create_model_version() adds a version to it",
            "RESOURCE_ALREADY_EXISTS",
        )


def conflict(what: str, now: object, expected: object) -> AutotrackException:
    """The error of a change that depends on what is not there any more."""
    return AutotrackException(
        f"the {what} is {'not set' if now is None else now}, and not {'unset' if expected is None else expected}: "
        "somebody else was faster. Look again and decide anew; nothing was changed",
        "RESOURCE_CONFLICT",
    )
