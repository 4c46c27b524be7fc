"""Promoting versions by the rules of a project, and taking a promotion back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autotrack.client.judging import evidence_of, policies_of
from autotrack.client.registry import Registering
from autotrack.entities import RegistryChange
from autotrack.exceptions import AutotrackException
from autotrack.store.registry import rules
from autotrack.store.registry.book import Book
from autotrack.store.registry.chain import Verdict
from autotrack.store.registry.changes import AliasMoved, Change, Entry, StageMoved, VersionDeleted
from autotrack.store.registry.names import ACTIVE_STAGES
from autotrack.store.registry.policy import Check, Policy, judge, target
from autotrack.store.registry.rules import ANY, Expected
from autotrack.store.registry.told import change_of


@dataclass(frozen=True, slots=True)
class Promotion:
    """What came of the wish to promote a version. ``head`` is the hash of the registry's log after it: whoever keeps
    it elsewhere can prove later that nothing before was changed."""

    name: str
    version: str
    to: str
    before: str | None
    """The version that was there."""
    checks: Sequence[Check]
    policies: str | None
    """The file that the checks are from."""
    made: bool
    head: str = ""

    @property
    def passed(self) -> bool:
        """Whether every check is met."""
        return all(check.passed for check in self.checks)


class Promoting(Registering):
    """Promotions, approvals and history."""

    def promote_model_version(
        self, name: str, version: int | str, to: str, *, reason: str = "", policies: str | Path | None = None,
        keep_others: bool = False, only_check: bool = False, expected: Expected = ANY,
    ) -> Promotion:  # fmt: skip
        """Put a version into a stage, or with ``@`` in front have an alias lead to it, if it meets the policies.

        The policies are those of the file ``policies``, by default of ``autotrack-policies.toml`` in the project. One
        check that is not met, and nothing is changed. The versions that are in the stage are archived unless
        ``keep_others``. If another version gets there while the checks are made, that is an error and nothing is
        changed. ``only_check`` changes nothing either way. ``expected`` is the version that has to be there
        before, ``None`` for none: if another one is, that is an error too.
        """
        found, file = policies_of(policies)
        origin = None if file is None else str(file)
        return self.promote_by(
            found, origin, name, version, to, reason=reason, keep_others=keep_others, only_check=only_check,
            expected=expected,
        )  # fmt: skip

    def promote_by(
        self, policies: Sequence[Policy], origin: str | None, name: str, version: int | str, to: str, *,
        reason: str = "", keep_others: bool = False, only_check: bool = False, expected: Expected = ANY,
    ) -> Promotion:  # fmt: skip
        """The same by policies that were read already; ``origin`` is what they were read from."""
        goal = target(to)
        candidate = self.get_model_version(name, version)
        present = self._present(name, goal, candidate.version)
        new = evidence_of(self.store, candidate, goal)
        old = None if present is None else evidence_of(self.store, present, goal)
        checks = judge(policies, name, goal, new, old)
        before = None if present is None else present.version
        _as_expected(name, goal, before, expected)
        if only_check or not all(check.passed for check in checks):
            return Promotion(name, candidate.version, goal, before, checks, origin, made=False)
        evidence = {"metrics": new.metrics, "checks": [asdict(check) for check in checks]}
        entry = self._move(name, candidate.version, goal, before, evidence, reason, archive=not keep_others)
        return Promotion(name, candidate.version, goal, before, checks, origin, made=True, head=entry.hash)

    def rollback_model_version(self, name: str, to: str, *, reason: str = "", expected: Expected = ANY) -> Promotion:
        """Put the version back that was in a stage, or that an alias led to, before the present one. No policy is
        asked: the version was good enough once. The present one is archived, or stays where it is for an alias. With
        ``expected`` only if that one is there."""
        goal = target(to)
        present = self._present(name, goal, None)
        _as_expected(name, goal, None if present is None else present.version, expected)
        if present is None:
            raise AutotrackException.invalid(f"no version of {name!r} is at {goal}; there is nothing to take back")
        kinds = (AliasMoved.kind, StageMoved.kind, VersionDeleted.kind)
        earlier = _earlier(self.store.registry.own_history(name, kinds=kinds), goal, int(present.version))
        if earlier is None:
            raise AutotrackException.invalid(f"no version of {name!r} was at {goal} before version {present.version}")
        evidence = {**self._evidence(name, earlier, ()), "rollback": True}
        entry = self._move(name, str(earlier), goal, present.version, evidence, reason, archive=True)
        return Promotion(name, str(earlier), goal, present.version, (), None, made=True, head=entry.hash)

    def approve_model_version(self, name: str, version: int | str, *, to: str = "", reason: str = "") -> RegistryChange:
        """Say in one's own name that a version may go to a stage or alias, or anywhere. Policies count the people."""
        goal = target(to) if to else ""
        return change_of(self._registered(lambda book: rules.approve(book, name, version, goal), reason))

    def get_model_history(self, name: str) -> list[RegistryChange]:
        """All that was ever done to what has or had a name, in order."""
        return [change_of(entry) for entry in self.store.registry.history(name)]

    def verify_registry(self, head: str | None = None) -> Verdict:
        """Read the registry's whole log again: whether each entry is what was written and follows the one before, and
        whether the log still holds the entry with the hash ``head``, noted elsewhere at an earlier time."""
        return self.store.registry.verify(head)

    def _move(
        self, name: str, version: str, goal: str, before: str | None, evidence: dict[str, Any], reason: str, *,
        archive: bool,
    ) -> Entry:  # fmt: skip
        def decide(book: Book) -> Change:
            if goal.startswith("@"):
                return rules.move_alias(book, name, goal[1:], version, expected=before, evidence=evidence)
            rules.expect_present(book, name, goal, before, candidate=version)
            only = archive and goal in ACTIVE_STAGES
            return rules.move_stage(book, name, version, goal, archive=only, evidence=evidence)

        return self._registered(decide, reason)


def _as_expected(name: str, goal: str, now: str | None, expected: Expected) -> None:
    if expected is not ANY and now != (None if expected is None else str(expected)):
        raise rules.conflict(f"version of {name!r} at {goal}", now, expected)


def _earlier(history: Sequence[Entry], goal: str, present: int) -> int | None:
    """The version that was at a goal before the present one; what was taken back, or deleted since, does not count."""
    held: list[int] = []
    for entry in history:
        change = entry.change
        if isinstance(change, VersionDeleted):
            held = [one for one in held if one != change.version]
        elif isinstance(change, AliasMoved | StageMoved) and change.version is not None and _goal(change) == goal:
            held = _after(held, change.version, rollback=change.rollback)
    held = held[: len(held) - held[::-1].index(present)] if present in held else [*held, present]
    return next((one for one in reversed(held) if one != present), None)


def _goal(change: AliasMoved | StageMoved) -> str:
    return f"@{change.alias}" if isinstance(change, AliasMoved) else change.stage


def _after(held: Sequence[int], version: int, *, rollback: bool) -> list[int]:
    if rollback and version in held:
        return list(held[: len(held) - held[::-1].index(version)])
    return [*held, version]
