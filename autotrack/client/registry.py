"""The verbs of the model registry."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from autotrack import program
from autotrack.client.base import Base
from autotrack.client.judging import binding, demanded
from autotrack.client.moment import milliseconds
from autotrack.client.sources import metrics_of, version_from
from autotrack.entities import ModelVersion, PagedList, RegisteredModel
from autotrack.exceptions import AutotrackException
from autotrack.journal.process import this_process
from autotrack.store.registry import rules
from autotrack.store.registry.book import Book
from autotrack.store.registry.changes import Author, Change, Entry
from autotrack.store.registry.names import STAGES, checked_name, parse_uri
from autotrack.store.registry.policy import target
from autotrack.store.registry.rules import ANY, Expected
from autotrack.store.search.tokens import literal
from autotrack.values import text


class Registering(Base):
    """Registered models, their versions, stages and aliases.

    Every verb that changes something appends one entry to the registry's log. ``reason`` is kept there, beside who
    called it and when. ``expected`` makes a compare-and-set of it: where something else is there, nothing is changed
    and the error's code is ``RESOURCE_CONFLICT``.
    """

    def create_registered_model(
        self, name: str, tags: Mapping[str, Any] | None = None, description: str | None = None,
        deployment_job_id: str | None = None, *, reason: str = "",  # noqa: ARG002 - MLflow's signature
    ) -> RegisteredModel:  # fmt: skip
        """Make a name for versions to come; one that is taken is an error."""
        given = {key: text(value) for key, value in (tags or {}).items()}
        self._registered(lambda book: rules.create_model(book, name, given, description), reason)
        return self.get_registered_model(name)

    def rename_registered_model(self, name: str, new_name: str, *, reason: str = "") -> RegisteredModel:
        """Give a model another name; versions, aliases and history go along."""
        self._registered(lambda book: rules.rename_model(book, name, new_name), reason)
        return self.get_registered_model(new_name)

    def update_registered_model(
        self, name: str, description: str | None = None,
        deployment_job_id: str | None = None, *, reason: str = "",  # noqa: ARG002 - MLflow's signature
    ) -> RegisteredModel:  # fmt: skip
        """Give a model another description."""
        self._registered(lambda book: rules.describe_model(book, name, description), reason)
        return self.get_registered_model(name)

    def delete_registered_model(self, name: str, *, reason: str = "") -> None:
        """Delete a model with its versions. Their files and their history stay."""
        self._registered(lambda book: rules.delete_model(book, name), reason)

    def get_registered_model(self, name: str) -> RegisteredModel:
        """A registered model; an unknown one is an error."""
        return self.store.registry.registered_model(name)

    def search_registered_models(
        self, filter_string: str | None = None, max_results: int = 100, order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[RegisteredModel]:  # fmt: skip
        """One page of the models that match, by name unless ordered otherwise; the filter knows ``name``, the
        timestamps and ``tags.key``."""
        return self.store.registry.search_models(filter_string, order_by, max_results, page_token)

    def get_latest_versions(self, name: str, stages: Sequence[str] | None = None) -> list[ModelVersion]:
        """The highest version in each stage, or in each of some stages."""
        return self.store.registry.latest_versions(name, stages)

    def set_registered_model_tag(self, name: str, key: str, value: Any) -> None:
        """Set a tag of a model."""
        self._registered(lambda book: rules.tag_model(book, name, key, text(value)))

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        """Take a tag off a model, if it has it."""
        if key in self.get_registered_model(name).tags:
            self._registered(lambda book: rules.tag_model(book, name, key, None))

    def create_model_version(
        self, name: str, source: str, run_id: str | None = None, tags: Mapping[str, Any] | None = None,
        run_link: str | None = None, description: str | None = None,
        await_creation_for: int = 300,  # noqa: ARG002 - MLflow's signature; a version is ready when it exists
        model_id: str | None = None, *, reason: str = "",
    ) -> ModelVersion:  # fmt: skip
        """Make the next version of a model from ``runs:/<run_id>/<name>``, ``models:/<model_id>``, another version, or
        a model directory. It refers to the files, and copies none."""
        given = {
            "tags": {key: text(value) for key, value in (tags or {}).items()},
            "run_link": run_link,
            "description": description,
        }
        made = version_from(self.store, name, source, run_id, model_id, given)
        entry = self._registered(lambda book: rules.create_version(book, made), reason)
        return self.get_model_version(name, getattr(entry.change, "version", 0))

    def register(
        self, model_uri: str, name: str, tags: Mapping[str, Any] | None = None, *, reason: str = ""
    ) -> ModelVersion:
        """Make a model the next version of a registered model, which is created if it does not exist."""
        given = {"tags": {key: text(value) for key, value in (tags or {}).items()}}
        made = version_from(self.store, checked_name(name), model_uri, None, None, given)
        if made.model_id is not None:  # not by its place in a run, where another may be logged under the same name
            made = replace(made, source=f"models:/{made.model_id}")
        self._ensure_registered(name)
        entry = self._registered(lambda book: rules.create_version(book, made), reason)
        return self.get_model_version(name, getattr(entry.change, "version", 0))

    def copy_model_version(self, src_model_uri: str, dst_name: str, *, reason: str = "") -> ModelVersion:
        """Make a version of one model a version of another one, which is made if it does not exist."""
        if not str(src_model_uri).startswith("models:/") or parse_uri(src_model_uri).model_id is not None:
            raise AutotrackException.invalid(
                f"{src_model_uri!r} names no version; write models:/<name>/<version> or models:/<name>@<alias>"
            )
        original = self.resolve_model_version(src_model_uri)
        self._ensure_registered(dst_name)
        return self.create_model_version(
            dst_name, original.model_uri, original.run_id, original.tags, original.run_link, original.description,
            model_id=original.model_id, reason=reason,
        )  # fmt: skip

    def update_model_version(
        self, name: str, version: int | str, description: str | None = None, *, reason: str = ""
    ) -> ModelVersion:
        """Give a version another description; nothing else of it can be changed."""
        self._registered(lambda book: rules.describe_version(book, name, version, description), reason)
        return self.get_model_version(name, version)

    def transition_model_version_stage(
        self, name: str, version: int | str, stage: str, archive_existing_versions: bool = False, *,
        reason: str = "", expected: Expected = ANY, checks: Sequence[Mapping[str, Any]] = (),
    ) -> ModelVersion:  # fmt: skip
        """Put a version into a stage: None, Staging, Production or Archived. With ``archive_existing_versions`` those
        that are there are archived. ``expected`` is the stage that it must be in; ``checks`` are kept in the log. The
        project's policies for that stage bind here as they do in a promotion."""
        bound = self._bound(name, version, stage, checks)
        evidence = self._evidence(name, version, bound.checks)

        def decide(book: Book) -> Change:
            if bound.judged:
                rules.expect_present(book, name, bound.to, bound.before, candidate=bound.version)
            return rules.move_stage(
                book, name, version, stage, archive=archive_existing_versions, expected=expected, evidence=evidence
            )

        self._registered(decide, reason)
        return self.get_model_version(name, version)

    def delete_model_version(self, name: str, version: int | str, *, reason: str = "") -> None:
        """Delete a version and the aliases that lead to it. Its files and its history stay."""
        self._registered(lambda book: rules.delete_version(book, name, version), reason)

    def get_model_version(self, name: str, version: int | str) -> ModelVersion:
        """A version; an unknown one is an error."""
        return self.store.registry.version(name, version)

    def get_model_version_download_uri(self, name: str, version: int | str) -> str:
        """Where the version's files are."""
        found = self.get_model_version(name, version)
        return found.location or str(found.source)

    def search_model_versions(
        self, filter_string: str | None = None, max_results: int = 10000, order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[ModelVersion]:  # fmt: skip
        """One page of the versions that match, those changed last first unless ordered otherwise; the filter knows
        ``name``, ``version_number``, ``run_id``, ``model_id``, ``source_path``, ``current_stage``, ``user_id``,
        ``digest``, the timestamps and ``tags.key``."""
        return self.store.registry.search_versions(filter_string, order_by, max_results, page_token)

    def get_model_version_stages(self, name: str, version: int | str) -> list[str]:  # noqa: ARG002 - MLflow's signature
        """The stages that there are."""
        return list(STAGES)

    def set_model_version_tag(
        self, name: str, version: int | str | None = None, key: str | None = None, value: Any = None,
        stage: str | None = None,
    ) -> None:  # fmt: skip
        """Set a tag of a version, or of the latest one in a stage."""
        number = self._one_of(name, version, stage)
        self._registered(lambda book: rules.tag_version(book, name, number, str(key or ""), text(value)))

    def delete_model_version_tag(
        self, name: str, version: int | str | None = None, key: str | None = None, stage: str | None = None
    ) -> None:
        """Take a tag off a version, or off the latest one in a stage, if it has it."""
        number = self._one_of(name, version, stage)
        if key in self.get_model_version(name, number).tags:
            self._registered(lambda book: rules.tag_version(book, name, number, str(key), None))

    def set_registered_model_alias(
        self, name: str, alias: str, version: int | str, *, reason: str = "", expected: Expected = ANY,
        checks: Sequence[Mapping[str, Any]] = (),
    ) -> None:  # fmt: skip
        """Have an alias lead to a version. ``expected`` is the version that it must lead to before, ``None`` for none;
        ``checks`` are kept in the log. The project's policies for that alias bind here as they do in a promotion."""
        bound = self._bound(name, version, f"@{alias}", checks)
        evidence = self._evidence(name, version, bound.checks)
        if bound.judged and expected is ANY:
            expected = bound.before
        self._registered(
            lambda book: rules.move_alias(book, name, alias, version, expected=expected, evidence=evidence), reason
        )

    def delete_registered_model_alias(self, name: str, alias: str, *, reason: str = "") -> None:
        """Take an alias away, if the model has it."""
        if alias in self.get_registered_model(name).aliases:
            self._registered(lambda book: rules.move_alias(book, name, alias, None), reason)

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        """The version that an alias leads to."""
        return self.resolve_model_version(f"models:/{name}@{alias}")

    def resolve_model_version(self, uri: str, at: Any = None) -> ModelVersion:
        """The version that ``models:/<name>/<version>``, ``/<stage>``, ``/latest`` or ``@<alias>`` leads to, or led to
        ``at`` a moment in the past: ms since 1970, a ``datetime`` or a text such as ``2026-03-01 12:00``."""
        reference = parse_uri(uri)
        if reference.model_id is not None:
            raise AutotrackException.invalid(
                f"{uri!r} names a logged model and no version of a registered one; get_logged_model() has it"
            )
        return self.store.registry.resolve(reference, None if at is None else milliseconds(at))

    def _author(self) -> Author:
        """Who the log names as the one who makes a change."""
        return author()

    def _registered(self, decide: Callable[[Book], Change], reason: str = "") -> Entry:
        return self.store.registry.change(decide, self._author(), str(reason))

    def _ensure_registered(self, name: str) -> RegisteredModel:
        try:
            return self.create_registered_model(name)
        except AutotrackException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        return self.get_registered_model(name)

    def _bound(self, name: str, version: int | str, to: str, checks: Sequence[Mapping[str, Any]]) -> _Bound:
        """Raise if a policy of the project forbids the move; what it was judged by otherwise."""
        goal = target(to)
        found = binding(name, goal)
        if not found:
            return _Bound(goal, str(version), None, checks, judged=False)
        candidate = self.get_model_version(name, version)
        present = self._present(name, goal, candidate.version)
        made = [asdict(check) for check in demanded(self.store, found, candidate, goal, present)]
        before = None if present is None else present.version
        return _Bound(goal, candidate.version, before, [*checks, *made], judged=True)

    def _present(self, name: str, goal: str, candidate: str | None) -> ModelVersion | None:
        """The version that is at a goal, apart from the one that is to go there."""
        if goal.startswith("@"):
            number = self.get_registered_model(name).aliases.get(goal[1:])
            return None if number is None else self.get_model_version(name, number)
        there = self.search_model_versions(f"name = {literal(name)} AND current_stage = '{goal}'", 10_000)
        others = [one for one in there if one.version != candidate]
        return max(others, key=lambda one: int(one.version), default=None)

    def _evidence(self, name: str, version: int | str, checks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The metrics of a version as they are at this moment."""
        found = self.get_model_version(name, version)
        try:
            run = self.store.run(found.run_id) if found.run_id else None
        except AutotrackException:  # its files are gone; the log still has the metrics that it was registered with
            run = None
        return {"metrics": metrics_of(self.store.model, run, found.model_id), "checks": [dict(one) for one in checks]}

    def _one_of(self, name: str, version: int | str | None, stage: str | None) -> int | str:
        if (version is None) == (stage is None):
            raise AutotrackException.invalid("give either the version or the stage whose latest version is meant")
        if version is not None:
            return version
        return self.resolve_model_version(f"models:/{name}/{stage}").version


@dataclass(frozen=True, slots=True)
class _Bound:
    """A move that policies have a say in: where to, what is there before it, and the checks that were made."""

    to: str
    version: str
    before: str | None
    checks: Sequence[Mapping[str, Any]]
    judged: bool


def author() -> Author:
    """Who this process works for, by the number that the operating system has for him: unlike a variable of the
    environment, nobody chooses that himself."""
    return Author(_account() or program.user(), this_process().host)


def _account() -> str:
    try:
        import pwd  # not on every system

        return pwd.getpwuid(os.getuid()).pw_name
    except ImportError:
        return ""
    except KeyError:  # a number without a name, as containers have them
        return f"uid {os.getuid()}"
