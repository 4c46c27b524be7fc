"""The registry's present state as rows, and what each change does to it.

The same few rules fill the index of a local store, the database of a server, and the plain dictionaries in which a
past state is rebuilt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from sqlalchemy import Table

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
from autotrack.store.tables import (
    model_version_tags,
    model_versions,
    registered_model_aliases,
    registered_model_tags,
    registered_models,
)

Row = dict[str, Any]


class Book(Protocol):
    """Rows that can be looked up and changed; ``where`` are columns and their values."""

    def find(self, table: Table, **where: Any) -> list[Row]:
        """The rows of a table that have these values."""
        ...

    def put(self, table: Table, row: Row) -> None:
        """Insert a row, or replace the one that has its key."""
        ...

    def change(self, table: Table, values: Mapping[str, Any], **where: Any) -> None:
        """Give some columns of the rows that have these values other ones."""
        ...

    def drop(self, table: Table, **where: Any) -> None:
        """Delete the rows that have these values, and what refers to them."""
        ...


class Unfit(Exception):
    """A change does not fit the state that it is applied to: the rules would never have made it."""


def model_row(book: Book, name: str) -> Row | None:
    """The registered model of a name."""
    return next(iter(book.find(registered_models, name=name)), None)


def version_row(book: Book, model: int, version: int) -> Row | None:
    """A version by its registered model's id and its number."""
    return next(iter(book.find(model_versions, model=model, version=version)), None)


def apply(book: Book, entry: Entry) -> int:
    """Carry a change out; gives the id of the registered model that it is about."""
    if isinstance(entry.change, ModelCreated):
        _model_created(book, entry, entry.change)
        return entry.number
    row = model_row(book, entry.change.name)
    if row is None:
        raise Unfit(f"there is no registered model {entry.change.name!r} at that point")
    model: int = row["id"]
    if isinstance(entry.change, VersionCreated):
        if entry.change.version != row["last_version"] + 1:
            raise Unfit(f"version {entry.change.version} does not follow version {row['last_version']}")
    elif (number := getattr(entry.change, "version", None)) is not None and version_row(book, model, number) is None:
        raise Unfit(f"there is no version {number} of {entry.change.name!r} at that point")
    _APPLY[type(entry.change)](book, entry, entry.change, model)
    return model


def _model_created(book: Book, entry: Entry, change: ModelCreated) -> None:
    if model_row(book, change.name) is not None:
        raise Unfit(f"there is a registered model {change.name!r} already at that point")
    made = {"creation_timestamp": entry.time, "last_updated_timestamp": entry.time, "last_version": 0}
    book.put(registered_models, {"id": entry.number, "name": change.name, "description": change.description, **made})
    _tags(book, registered_model_tags, "model", entry.number, change.tags)


def _model_described(book: Book, entry: Entry, change: ModelDescribed, model: int) -> None:
    _touch(book, entry, model, description=change.description)


def _model_renamed(book: Book, entry: Entry, change: ModelRenamed, model: int) -> None:
    if change.to != change.name and model_row(book, change.to) is not None:
        raise Unfit(f"there is a registered model {change.to!r} already at that point")
    _touch(book, entry, model, name=change.to)


def _model_deleted(book: Book, _: Entry, __: ModelDeleted, model: int) -> None:
    book.drop(registered_models, id=model)


def _model_tags(book: Book, _: Entry, change: ModelTags, model: int) -> None:
    _tags(book, registered_model_tags, "model", model, change.values)


def _version_created(book: Book, entry: Entry, change: VersionCreated, model: int) -> None:
    row = {
        "model": model,
        "version": change.version,
        "id": entry.number,
        "creation_timestamp": entry.time,
        "last_updated_timestamp": entry.time,
        "user_id": entry.author.user,
        "stage": "None",
    }
    names = ("description", "source", "location", "run_id", "model_id", "digest", "signature", "run_link")
    book.put(model_versions, row | {name: getattr(change, name) for name in names})
    _tags(book, model_version_tags, "version_id", entry.number, change.tags)
    _touch(book, entry, model, last_version=change.version)


def _version_described(book: Book, entry: Entry, change: VersionDescribed, model: int) -> None:
    _touch_version(book, entry, model, change.version, description=change.description)


def _version_deleted(book: Book, entry: Entry, change: VersionDeleted, model: int) -> None:
    book.drop(registered_model_aliases, model=model, version=change.version)
    book.drop(model_versions, model=model, version=change.version)
    _touch(book, entry, model)


def _version_tags(book: Book, _: Entry, change: VersionTags, model: int) -> None:
    row = version_row(book, model, change.version)
    assert row is not None  # looked up before
    _tags(book, model_version_tags, "version_id", row["id"], change.values)


def _alias_moved(book: Book, _: Entry, change: AliasMoved, model: int) -> None:
    if change.version is None:
        book.drop(registered_model_aliases, model=model, alias=change.alias)
    else:
        book.put(registered_model_aliases, {"model": model, "alias": change.alias, "version": change.version})


def _stage_moved(book: Book, entry: Entry, change: StageMoved, model: int) -> None:
    for number in change.archived:
        _touch_version(book, entry, model, number, stage="Archived")
    _touch_version(book, entry, model, change.version, stage=change.stage)
    _touch(book, entry, model)


def _approved(book: Book, entry: Entry, change: Approved, model: int) -> None:
    """Nothing but the log tells of it."""


_APPLY: dict[type, Callable[[Book, Entry, Any, int], None]] = {
    ModelDescribed: _model_described,
    ModelRenamed: _model_renamed,
    ModelDeleted: _model_deleted,
    ModelTags: _model_tags,
    VersionCreated: _version_created,
    VersionDescribed: _version_described,
    VersionDeleted: _version_deleted,
    VersionTags: _version_tags,
    AliasMoved: _alias_moved,
    StageMoved: _stage_moved,
    Approved: _approved,
}


def _touch(book: Book, entry: Entry, model: int, **values: Any) -> None:
    book.change(registered_models, {"last_updated_timestamp": entry.time, **values}, id=model)


def _touch_version(book: Book, entry: Entry, model: int, number: int, **values: Any) -> None:
    book.change(model_versions, {"last_updated_timestamp": entry.time, **values}, model=model, version=number)


def _tags(book: Book, table: Table, owner: str, number: int, values: Mapping[str, str | None]) -> None:
    for key, value in values.items():
        if value is None:
            book.drop(table, **{owner: number}, key=key)
        else:
            book.put(table, {owner: number, "key": key, "value": value})


def name_after(change: Change) -> str:
    """What the model is called once the change is made."""
    return change.to if isinstance(change, ModelRenamed) else change.name


class Past:
    """A state in plain dictionaries, rebuilt from entries of the log."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._rows: dict[str, dict[tuple[Any, ...], Row]] = {}
        for entry in entries:
            apply(self, entry)

    def find(self, table: Table, **where: Any) -> list[Row]:
        """See :class:`Book`."""
        rows = self._rows.get(table.name, {})
        names = _key(table)
        if set(names) == set(where):
            found = rows.get(tuple(where[name] for name in names))
            return [found] if found is not None else []
        return [row for row in rows.values() if all(row[name] == value for name, value in where.items())]

    def put(self, table: Table, row: Row) -> None:
        """See :class:`Book`."""
        self._rows.setdefault(table.name, {})[tuple(row[name] for name in _key(table))] = dict(row)

    def change(self, table: Table, values: Mapping[str, Any], **where: Any) -> None:
        """See :class:`Book`."""
        for row in self.find(table, **where):
            row.update(values)

    def drop(self, table: Table, **where: Any) -> None:
        """See :class:`Book`."""
        for row in self.find(table, **where):
            del self._rows[table.name][tuple(row[name] for name in _key(table))]
            for child, column, parent in _CHILDREN.get(table.name, ()):
                self.drop(child, **{column: row[parent]})


def _key(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.primary_key)


_CHILDREN: dict[str, list[tuple[Table, str, str]]] = {}
for _table in (registered_model_tags, registered_model_aliases, model_versions, model_version_tags):
    for _reference in _table.foreign_keys:
        _CHILDREN.setdefault(_reference.column.table.name, []).append(
            (_table, _reference.parent.name, _reference.column.name)
        )
