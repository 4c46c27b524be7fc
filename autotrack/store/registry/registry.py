"""The registry of one store, wherever its log is kept: asking it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from typing import Protocol, TypeVar

from sqlalchemy import Connection, select

from autotrack.entities import ModelVersion, PagedList, RegisteredModel
from autotrack.exceptions import AutotrackException
from autotrack.store import tables
from autotrack.store.context import Context
from autotrack.store.registry import questions, rows
from autotrack.store.registry.book import Book, Past, Row, version_row
from autotrack.store.registry.chain import Verdict
from autotrack.store.registry.changes import Author, Change, Entry, VersionCreated
from autotrack.store.registry.names import Reference, checked_name, checked_stage
from autotrack.store.registry.rows import SqlBook
from autotrack.store.registry.rules import known_model, known_version

T = TypeVar("T")


class Ask(Protocol):
    """How a question about the index is asked once that is up to date."""

    def __call__(self, question: Callable[[Connection], T], /) -> T: ...


class Registry(ABC):
    """Registered models, their versions and aliases, and the log of all that was done to them."""

    def __init__(self, context: Context, ask: Ask) -> None:
        self._context = context
        self._state = ask

    @abstractmethod
    def change(
        self, decide: Callable[[Book], Change], author: Author, why: str = "", *, when: int | None = None
    ) -> Entry:
        """Decide on the present state what to do, and do it as one entry of the log, with nobody in between.

        ``when`` is the time, in ms, of what was done elsewhere before; by default now.

        Raises what ``decide`` raises, and then nothing was changed.
        """

    @abstractmethod
    def verify(self, head: str | None = None) -> Verdict:
        """Read the whole log again, whatever came of it. ``head`` is a hash that was noted elsewhere: the log must
        still hold its entry."""

    def registered_model(self, name: str) -> RegisteredModel:
        """A registered model; an unknown one is an error."""

        def ask(connection: Connection) -> RegisteredModel:
            row = known_model(SqlBook(connection), name)
            return questions.registered_models(connection, self._context, [row["id"]])[0]

        return self._ask(ask)

    def version(self, name: str, version: object) -> ModelVersion:
        """A version of a registered model; an unknown one is an error."""

        def ask(connection: Connection) -> ModelVersion:
            row = known_version(SqlBook(connection), name, version)
            return questions.versions(connection, self._context, [row["id"]])[0]

        return self._ask(ask)

    def latest_versions(self, name: str, stages: Sequence[str] | None = None) -> list[ModelVersion]:
        """The highest version of each stage, or of each of some stages."""
        wanted = [checked_stage(stage) for stage in stages or ()]

        def ask(connection: Connection) -> list[ModelVersion]:
            row = known_model(SqlBook(connection), name)
            found = questions.latest_versions(connection, self._context, row["id"])
            return [one for one in found if not wanted or one.current_stage in wanted]

        return self._ask(ask)

    def resolve(self, reference: Reference, at: int | None = None) -> ModelVersion:
        """The version that a URI leads to, by now or at a moment in the past (in ms); an error says what is missing."""

        def ask(connection: Connection) -> ModelVersion:
            if at is not None:
                return self._then(connection, reference, at)
            book = SqlBook(connection)
            row = _referred(book, reference)
            return questions.versions(connection, self._context, [row["id"]])[0]

        return self._ask(ask)

    def search_models(
        self, filter_string: str | None, order_by: Sequence[str] | None, limit: int, token: str | None
    ) -> PagedList[RegisteredModel]:
        """One page of registered models, by name unless ordered otherwise."""

        def ask(connection: Connection) -> PagedList[RegisteredModel]:
            found = questions.find_registered(connection, filter_string, order_by, limit, token)
            return PagedList(questions.registered_models(connection, self._context, found.keys), found.token)

        return self._ask(ask)

    def search_versions(
        self, filter_string: str | None, order_by: Sequence[str] | None, limit: int, token: str | None
    ) -> PagedList[ModelVersion]:
        """One page of versions, those changed last first unless ordered otherwise."""

        def ask(connection: Connection) -> PagedList[ModelVersion]:
            found = questions.find_versions(connection, filter_string, order_by, limit, token)
            return PagedList(questions.versions(connection, self._context, found.keys), found.token)

        return self._ask(ask)

    def history(self, name: str) -> list[Entry]:
        """All that was ever done to what has or had a name, also under its other names and before it was deleted."""
        checked_name(name)
        found = self._ask(lambda connection: _entries(connection, name, None))
        if not found:
            raise AutotrackException.missing(
                f"there never was a registered model {name!r}; `autotrack models list` names those that are"
            )
        return found

    def own_history(
        self, name: str, *, kinds: Collection[str] | None = None, version: str | None = None
    ) -> list[Entry]:
        """What was done to the model that has a name now, under whatever name: all of it, or only some kinds of
        changes, or those of one version."""

        def ask(connection: Connection) -> list[Entry]:
            row = known_model(SqlBook(connection), name)
            log = tables.registry_log.c
            query = select(tables.registry_log).where(log.model == row["id"]).order_by(log.number)
            if kinds is not None:
                query = query.where(log.kind.in_(kinds))
            if version is not None:
                query = query.where(log.version == int(version))
            return [rows.entry_of(one) for one in connection.execute(query)]

        return self._ask(ask)

    def created(self, name: str, version: str) -> VersionCreated:
        """What a version was when it was made."""
        (entry,) = self.own_history(name, kinds=[VersionCreated.kind], version=version)
        assert isinstance(entry.change, VersionCreated)  # by its kind
        return entry.change

    def head(self) -> str:
        """The hash of the last entry: whoever keeps it elsewhere can prove later that nothing before was changed."""
        return self._ask(lambda connection: rows.tail(connection)[1])

    def _then(self, connection: Connection, reference: Reference, at: int) -> ModelVersion:
        entries = _entries(connection, checked_name(reference.name), at)
        past = Past(entries)
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at / 1000))
        try:
            row = _referred(past, reference)
        except AutotrackException as error:
            raise AutotrackException(f"at {when}: {error.message}", error.error_code) from None
        tags = {one["key"]: one["value"] for one in past.find(tables.model_version_tags, version_id=row["id"])}
        aliases = past.find(tables.registered_model_aliases, model=row["model"], version=row["version"])
        names = sorted(one["alias"] for one in aliases)
        return questions.version(self._context, reference.name, row, tags, names)

    def _ask(self, question: Callable[[Connection], T]) -> T:
        return self._state(question)


def _referred(book: Book, reference: Reference) -> Row:
    name = reference.name
    if reference.version is not None:
        return known_version(book, name, reference.version)
    model = known_model(book, name)
    if reference.alias is not None:
        found = book.find(tables.registered_model_aliases, model=model["id"], alias=reference.alias)
        if found:
            return known_version(book, name, found[0]["version"])
        if reference.alias.lower() != "latest":
            there = sorted(one["alias"] for one in book.find(tables.registered_model_aliases, model=model["id"]))
            raise AutotrackException.invalid(
                f"the registered model {name!r} has no alias {reference.alias!r}; "
                + (f"it has {', '.join(there)}" if there else "set_registered_model_alias() sets one")
            )
    if reference.stage is not None:
        found = book.find(tables.model_versions, model=model["id"], stage=reference.stage)
        if not found:
            raise AutotrackException.missing(f"the registered model {name!r} has no version in stage {reference.stage}")
        return max(found, key=lambda row: row["version"])
    numbers = range(model["last_version"], 0, -1)
    latest = next((row for number in numbers if (row := version_row(book, model["id"], number)) is not None), None)
    if latest is None:
        raise AutotrackException.missing(f"the registered model {name!r} has no version")
    return latest


def _entries(connection: Connection, name: str, until: int | None) -> list[Entry]:
    """The entries about whatever has had a name, in order."""
    log = tables.registry_log.c
    models = select(log.model).where(log.name == name).distinct()
    query = select(tables.registry_log).where(log.model.in_(models)).order_by(log.number)
    if until is not None:
        query = query.where(log.time <= until)
    return [rows.entry_of(row) for row in connection.execute(query)]
