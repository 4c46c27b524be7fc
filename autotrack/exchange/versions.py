"""Registered models on their way: their history where it can be had, else what a server tells of their state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from heapq import merge

from autotrack.client import Client
from autotrack.entities import ModelVersion, RegisteredModel, every
from autotrack.exceptions import AutotrackException
from autotrack.store.registry import Registry, rules
from autotrack.store.registry.book import Book, name_after
from autotrack.store.registry.changes import (
    AliasMoved,
    Approved,
    Author,
    Change,
    Entry,
    ModelCreated,
    ModelRenamed,
    StageMoved,
    VersionCreated,
    VersionDeleted,
    VersionDescribed,
    VersionTags,
    body,
    parsed,
)
from autotrack.store.search.tokens import literal
from autotrack.wire.address import address
from autotrack.wire.messages import OWN

_VERSIONS = 10_000


def plain(entry: Entry) -> Entry:
    """An entry without what only its own log can vouch for: its place there, and that a server knew the author."""
    return replace(entry, number=0, hash="", author=replace(entry.author, verified=False))


def together(histories: Iterable[Sequence[Entry]]) -> Iterator[Entry]:
    """The entries of several models as one log, by time, numbered from 1."""
    named = [[(one.time, number, one) for one in history] for number, history in enumerate(histories)]
    for number, (_, _, entry) in enumerate(merge(*named, key=lambda one: one[:2]), 1):
        yield replace(plain(entry), number=number)


def portable(entry: Entry, artifacts: str) -> Entry:
    """An entry whose version lies where it will lie elsewhere: below its run's artifacts, which are at ``artifacts``
    here. The directory that a model had of its own beside them is one of them there."""
    change = entry.change
    if not isinstance(change, VersionCreated) or not change.run_id:
        return entry
    home, place = f"runs/{change.run_id}/artifacts", change.location
    if artifacts and place.startswith(f"{artifacts}/"):
        place = home + place.removeprefix(artifacts)
    for run in (artifacts.removesuffix("/artifacts"), f"runs/{change.run_id}"):
        if run and place.startswith(f"{run}/models/"):
            place = home + place.removeprefix(run)
    return replace(entry, change=replace(change, location=place))


def at_home(entry: Entry, artifacts: str) -> Entry:
    """The same the other way: an entry from elsewhere, with the place that its version has here."""
    change = entry.change
    home = f"runs/{getattr(change, 'run_id', '')}/artifacts/"
    if not isinstance(change, VersionCreated) or not artifacts or not change.location.startswith(home):
        return entry
    return replace(entry, change=replace(change, location=f"{artifacts}/{change.location.removeprefix(home)}"))


def add(registry: Registry, history: Sequence[Entry]) -> int:
    """Append to a log on this machine what it lacks of a model's history, with its own times, authors and reasons.

    Gives how many entries those were. A log that says otherwise of a model of that name is an error.
    """
    rest = missing(registry.own_history, history)
    for entry in rest:
        author = replace(entry.author, verified=False)
        registry.change(partial(_fitting, change=entry.change), author, entry.why, when=entry.time)
    return len(rest)


def missing(read: Callable[[str], Sequence[Entry]], history: Sequence[Entry]) -> Sequence[Entry]:
    """What a log lacks of a model's history; an error if it says otherwise. ``read`` gives what it says of the model
    that has a name there, and raises for one that it does not know."""
    name = name_after(history[-1].change)
    before: Sequence[Entry] = ()
    for known in sorted({entry.change.name for entry in history} | {name}):
        with suppress(AutotrackException):  # no model has that name there
            before = before or read(known)
    if len(before) > len(history) or any(plain(old) != plain(new) for old, new in zip(before, history, strict=False)):
        raise conflict(name)
    return history[len(before) :]


def conflict(name: str) -> AutotrackException:
    """The error for a registered model that is another one where it is to go."""
    return AutotrackException(
        f"there is a registered model {name!r} already, with another history; rename one of them. Nothing was imported",
        "RESOURCE_CONFLICT",
    )


def told_by(client: Client, name: str) -> list[Entry]:
    """The history of a registered model on a server. MLflow's has none: there it is one that leads to the present
    state."""
    from autotrack.wire.connection import Connection, Refused  # heavy: requests, which a server goes without

    try:
        found = Connection(address(client.tracking_uri)).call("GET", f"{OWN}/registry/log", {"name": name})
        return [parsed(str(text).encode("ascii"))[0] for text in found.get("entries", ())]
    except Refused as error:
        if error.error_code != "ENDPOINT_NOT_FOUND":
            raise
    versions = every(lambda token: client.search_model_versions(f"name = {literal(name)}", _VERSIONS, page_token=token))
    return history_of(client.get_registered_model(name), list(versions))


def tell(client: Client, history: Sequence[Entry]) -> int:
    """Have a server of autotrack's add to its log what it lacks of a model's history; gives how many entries."""
    from autotrack.wire.connection import Connection  # heavy: as above

    message = {"entries": [body(plain(entry), "").decode("ascii") for entry in history]}
    return int(Connection(address(client.tracking_uri)).call("POST", f"{OWN}/registry/log", message)["added"])


def history_of(model: RegisteredModel, versions: Sequence[ModelVersion]) -> list[Entry]:
    """The shortest history that leads to a model with these versions. A number that is missing was deleted."""
    name, last = model.name, 0
    made: list[Entry] = []

    def note(when: int | None, user: str | None, change: Change) -> None:
        nonlocal last
        last = max(when or 0, last)
        made.append(Entry(0, last, Author(user or ""), change))

    tags = dict(sorted(model.tags.items()))
    note(model.creation_timestamp, "", ModelCreated(name, model.description or None, tags))
    by_number = {int(one.version): one for one in versions}
    for number in range(1, max(by_number, default=0) + 1):
        one = by_number.get(number)
        if one is None:
            note(last, "", VersionCreated(name, number))
            note(last, "", VersionDeleted(name, number))
            continue
        place = one.location or one.source or ""
        created = VersionCreated(
            name, number, one.source or "", place, one.run_id or None, one.model_id or None, one.digest, one.signature,
            one.run_link or None, one.description or None,
            dict(sorted(one.tags.items())),
        )  # fmt: skip
        note(one.creation_timestamp, one.user_id, created)
    for number, one in sorted(by_number.items()):
        if one.current_stage not in (None, "", "None"):
            note(one.last_updated_timestamp, one.user_id, StageMoved(name, number, "None", str(one.current_stage)))
    for alias, version in sorted(model.aliases.items()):
        note(model.last_updated_timestamp, "", AliasMoved(name, alias, int(version)))
    return made


def _fitting(book: Book, change: Change) -> Change:
    """The change itself, once the rules have found that it may be made on what is there."""
    match change:
        case ModelCreated():
            rules.create_model(book, change.name, change.tags, change.description)
        case ModelRenamed():
            rules.rename_model(book, change.name, change.to)
        case VersionCreated():
            if rules.create_version(book, change).version != change.version:
                raise conflict(change.name)
        case AliasMoved():
            rules.move_alias(book, change.name, change.alias, change.version, expected=change.before)
        case StageMoved():
            rules.move_stage(book, change.name, change.version, change.stage, expected=change.before)
            for number in change.archived:
                rules.known_version(book, change.name, number)
        case VersionDescribed() | VersionDeleted() | VersionTags() | Approved():
            rules.known_version(book, change.name, change.version)
        case _:
            rules.known_model(book, change.name)
    return change
