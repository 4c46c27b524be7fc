"""Promotion policies: what a version must show before it goes live, as a TOML file says it. Nothing is evaluated.

    [[policy]]
    models = ["churn", "fraud-*"]                  # which models; all where left out
    to = ["Production", "@champion"]               # which stages and aliases; all where left out
    metrics = ["accuracy >= 0.85", "loss < present"]
    tags = ["reviewed", "team = ml"]
    signature = "compatible"
    approvals = 2

``present`` stands for the value of the version that is there now, on the same data.
"""

from __future__ import annotations

import math
import operator
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from autotrack.exceptions import AutotrackException
from autotrack.store.registry.names import checked_alias, checked_stage
from autotrack.store.registry.schemas import incompatible

PRESENT = "present"
_CONDITION = re.compile(
    r"(?:`(?P<quoted>[^`]+)`|(?P<bare>[\w./@%+-]+))\s*(?P<operator>>=|<=|==|=|>|<)\s*(?P<value>[^\s<>=!]+)"
)
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq, "==": operator.eq,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Condition:
    """One line on a metric; ``value`` is ``None`` for that of the present version."""

    metric: str
    operator: str
    value: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Policy:
    """One table of the file."""

    models: tuple[str, ...] = ("*",)
    to: tuple[str, ...] = ()
    metrics: tuple[Condition, ...] = ()
    tags: tuple[tuple[str, str | None], ...] = ()
    signature: bool = False
    approvals: int = 0

    def concerns(self, name: str, to: str) -> bool:
        """Whether it has a say when a model goes to a stage or, with @ in front, gets an alias."""
        return any(fnmatchcase(name, one) for one in self.models) and (not self.to or to in self.to)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a version when it is judged. ``measured`` names the data that a metric was computed on, where
    that is known; ``datasets`` are name, digest and context of what its run read."""

    version: str
    author: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    measured: Mapping[str, str] = field(default_factory=dict)
    datasets: Sequence[Mapping[str, str]] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    signature: str = ""
    approvals: Sequence[str] = ()
    """Who has approved of it."""


@dataclass(frozen=True, slots=True)
class Check:
    """What came of one demand, in words."""

    demand: str
    passed: bool
    found: str


def parse(text: str, where: str) -> tuple[Policy, ...]:
    """The policies of a file's text. What is not understood is an error: a slip must not open the gate."""
    try:
        tables = tomllib.loads(text)
        unknown = sorted(set(tables) - {"policy"})
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not known here; a policy begins with [[policy]]")
        found = tables.get("policy", [])
        return tuple(_policy(table) for table in (found if isinstance(found, list) else [found, None]))
    except ValueError as error:
        raise AutotrackException.invalid(f"{where} cannot be understood: {error}") from None


def judge(policies: Sequence[Policy], name: str, to: str, new: Evidence, present: Evidence | None) -> list[Check]:
    """What each demand of the policies that have a say finds. A demand that cannot be decided is not met."""
    checks: list[Check] = []
    for policy in policies:
        if not policy.concerns(name, to):
            continue
        checks += [_metric(condition, new, present) for condition in policy.metrics]
        checks += [_tag(key, value, new) for key, value in policy.tags]
        if policy.signature:
            checks.append(_signature(new, present))
        if policy.approvals:
            checks.append(_approvals(policy.approvals, new))
    return list(dict.fromkeys(checks))


def _policy(table: Mapping[str, Any]) -> Policy:
    known = {"models", "to", "metrics", "tags", "signature", "approvals"}
    if not isinstance(table, dict):
        raise ValueError("a policy begins with [[policy]], in double brackets")  # noqa: TRY004 - what parse() turns
    if unknown := sorted(set(table) - known):
        raise ValueError(f"{unknown[0]!r} is no part of a policy; the parts are {', '.join(sorted(known))}")
    approvals = table.get("approvals", 0)
    if type(approvals) is not int or approvals < 0:
        raise ValueError(f"approvals is {approvals!r}; give a number of people")
    if table.get("signature", "compatible") != "compatible":
        raise ValueError(f'signature is {table["signature"]!r}; the one demand on it is "compatible"')
    return Policy(
        models=_texts(table, "models") or ("*",),
        to=tuple(target(one) for one in _texts(table, "to")),
        metrics=tuple(_condition(one) for one in _texts(table, "metrics")),
        tags=tuple(_demanded_tag(one) for one in _texts(table, "tags")),
        signature="signature" in table,
        approvals=approvals,
    )


def target(text: str) -> str:
    """A stage in its canonical spelling, or an alias with @ in front."""
    return f"@{checked_alias(text[1:])}" if text.startswith("@") else checked_stage(text)


def _texts(table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
        raise ValueError(f"{key} is {value!r}; give a list of texts")
    return tuple(value)


def _condition(text: str) -> Condition:
    found = _CONDITION.fullmatch(text.strip())
    value = found["value"] if found else ""
    try:
        number = None if value.lower() == PRESENT else float(value)
    except ValueError:
        found = None
        number = None
    if found is None or (number is not None and math.isnan(number)):
        raise ValueError(
            f'{text!r} is no condition on a metric; write "accuracy >= 0.85", "loss < present" or "`my loss` < 1"'
        )
    return Condition(found["quoted"] or found["bare"], found["operator"], number, text.strip())


def _demanded_tag(text: str) -> tuple[str, str | None]:
    key, equals, value = text.partition("=")
    if not key.strip():
        raise ValueError(f'{text!r} is no demand on a tag; write "reviewed" or "team = ml"')
    return key.strip(), value.strip() if equals else None


def _metric(condition: Condition, new: Evidence, present: Evidence | None) -> Check:
    key = condition.metric
    if key not in new.metrics:
        there = ", ".join(sorted(new.metrics)[:8])
        return Check(condition.text, False, f"no metric {key!r} is known of version {new.version}"
                     + (f"; known are {there}" if there else ""))  # fmt: skip
    value = new.metrics[key]
    compare = _OPERATORS[condition.operator]
    if condition.value is not None:
        return Check(condition.text, compare(value, condition.value), f"{key} is {value:.12g}")
    if present is None:
        return Check(condition.text, True, f"{key} is {value:.12g}; no version is there yet")
    if key not in present.metrics:
        return Check(condition.text, False, f"no metric {key!r} is known of the present version {present.version}")
    if (why := _other_data(key, new, present)) is not None:
        return Check(condition.text, False, why)
    before = present.metrics[key]
    return Check(condition.text, compare(value, before), f"{value:.12g}; version {present.version} has {before:.12g}")


def _other_data(key: str, new: Evidence, present: Evidence) -> str | None:
    """Why two values of a metric cannot be compared, ``None`` if both were computed on the same data."""
    of_new, of_present = _data(key, new), _data(key, present)
    if not of_new or not of_present:
        version = present.version if of_new else new.version
        return f"it is not known on which data {key!r} of version {version} was computed"
    if of_new != of_present:
        return f"computed on other data ({_digests(of_new)}) than version {present.version}'s ({_digests(of_present)})"
    return None


def _data(key: str, evidence: Evidence) -> frozenset[str]:
    """The digests of the data that a metric was computed on, or must have been: what its run held out, else all that
    it trained on."""
    if key in evidence.measured:
        return frozenset({evidence.measured[key]})
    trained = [one["digest"] for one in evidence.datasets if one.get("context", "").startswith("train")]
    others = [one["digest"] for one in evidence.datasets if not one.get("context", "").startswith("train")]
    return frozenset(trained if key.startswith("train") or not others else others)


def _digests(digests: frozenset[str]) -> str:
    return ", ".join(sorted(digests))


def _tag(key: str, value: str | None, new: Evidence) -> Check:
    demand = f"tag {key}" if value is None else f"tag {key} = {value}"
    if key not in new.tags:
        return Check(demand, False, f"version {new.version} has no tag {key!r}")
    return Check(demand, value is None or new.tags[key] == value, f"it is {new.tags[key]!r}")


def _signature(new: Evidence, present: Evidence | None) -> Check:
    demand = "signature compatible"
    if present is None:
        return Check(demand, True, "no version is there yet")
    why = incompatible(present.signature, new.signature)
    return Check(demand, why is None, why or f"takes and gives what version {present.version} does")


def _approvals(count: int, new: Evidence) -> Check:
    others = sorted({one for one in new.approvals if one and one != new.author})
    own = " (the author's own does not count)" if new.author in new.approvals else ""
    found = f"{', '.join(others)}{own}" if others else f"nobody but the author has{own}" if own else "nobody has yet"
    demand = f"{count} approval{'s' if count > 1 else ''} by others"
    return Check(demand, len(others) >= count, found)
