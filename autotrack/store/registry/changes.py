"""What can happen in the registry. Each change is one entry of its log, and a small frozen dataclass here."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import UnionType
from typing import Any, ClassVar, get_args, get_origin, get_type_hints


@dataclass(frozen=True, slots=True)
class ModelCreated:
    """A name for versions to come."""

    kind: ClassVar[str] = "model_created"
    name: str
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelDescribed:
    kind: ClassVar[str] = "model_described"
    name: str
    description: str | None = None


@dataclass(frozen=True, slots=True)
class ModelRenamed:
    """Versions, aliases and history go along."""

    kind: ClassVar[str] = "model_renamed"
    name: str
    to: str = ""


@dataclass(frozen=True, slots=True)
class ModelDeleted:
    """The model and its versions are gone; what happened to them stays in the log."""

    kind: ClassVar[str] = "model_deleted"
    name: str


@dataclass(frozen=True, slots=True)
class ModelTags:
    """``None`` as a value deletes the tag."""

    kind: ClassVar[str] = "model_tags"
    name: str
    values: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VersionCreated:
    """A version: what it is made of can never be changed."""

    kind: ClassVar[str] = "version_created"
    name: str
    version: int
    source: str = ""
    location: str = ""
    """Where the files are: a path below the store, or a URI; empty where that is not known."""
    run_id: str | None = None
    model_id: str | None = None
    digest: str = ""
    """The hash of the model's content when it was logged."""
    signature: str = ""
    run_link: str | None = None
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    datasets: Sequence[Mapping[str, str]] = ()
    """Name, digest and context of the data that the run read."""


@dataclass(frozen=True, slots=True)
class VersionDescribed:
    kind: ClassVar[str] = "version_described"
    name: str
    version: int
    description: str | None = None


@dataclass(frozen=True, slots=True)
class VersionDeleted:
    """The aliases that led to the version go too. Its number is never given again."""

    kind: ClassVar[str] = "version_deleted"
    name: str
    version: int
    stage: str = "None"
    aliases: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class VersionTags:
    """``None`` as a value deletes the tag."""

    kind: ClassVar[str] = "version_tags"
    name: str
    version: int
    values: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AliasMoved:
    """``version`` is ``None`` for an alias that is taken away, ``before`` for one that is new."""

    kind: ClassVar[str] = "alias"
    name: str
    alias: str
    version: int | None = None
    before: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    """The version's, at this moment."""
    checks: Sequence[Mapping[str, Any]] = ()
    """What a promotion policy found."""
    rollback: bool = False


@dataclass(frozen=True, slots=True)
class StageMoved:
    """``archived`` are the versions that had the stage before and lost it to this one."""

    kind: ClassVar[str] = "stage"
    name: str
    version: int
    before: str = "None"
    stage: str = "None"
    archived: Sequence[int] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    checks: Sequence[Mapping[str, Any]] = ()
    rollback: bool = False


@dataclass(frozen=True, slots=True)
class Approved:
    """Somebody stands for the version; with ``to`` for its promotion there, else for any."""

    kind: ClassVar[str] = "approval"
    name: str
    version: int
    to: str = ""


Change = (
    ModelCreated | ModelDescribed | ModelRenamed | ModelDeleted | ModelTags | VersionCreated | VersionDescribed
    | VersionDeleted | VersionTags | AliasMoved | StageMoved | Approved
)  # fmt: skip

_KINDS: dict[str, Any] = {cls.kind: cls for cls in Change.__args__}
_FIELDS: dict[str, tuple[str, ...]] = {kind: tuple(f.name for f in fields(cls)) for kind, cls in _KINDS.items()}


@dataclass(frozen=True, slots=True)
class Author:
    """Who made a change. ``verified``: a server has authenticated the user; else it is what the system calls him."""

    user: str
    host: str = ""
    verified: bool = False

    def __str__(self) -> str:
        return self.user if self.verified else f"{self.user or 'somebody'} (unverified)"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the registry's history; ``time`` in ms."""

    number: int
    time: int
    author: Author
    change: Change
    why: str = ""
    hash: str = ""


def body(entry: Entry, before: str) -> bytes:
    """An entry as JSON in ASCII, without its own hash; ``before`` is the hash of the entry before."""
    facts: dict[str, Any] = {
        "n": entry.number,
        "before": before,
        "t": entry.time,
        "by": {"user": entry.author.user, "host": entry.author.host, "verified": entry.author.verified},
        "why": entry.why,
        "change": {
            "kind": entry.change.kind,
            **{name: getattr(entry.change, name) for name in _FIELDS[entry.change.kind]},
        },
    }
    return _dumps(_spelt(facts)).encode("ascii")


def parsed(text: bytes) -> tuple[Entry, str]:
    """The entry of such a text, without its hash, and that of the entry before; ``ValueError`` for another text."""
    try:
        raw = json.loads(text)
        change = raw["change"]
        cls = _KINDS.get(change["kind"])
        if cls is None:
            raise ValueError(
                f"this version knows no change {change['kind']!r}; upgrade with `pip install -U autotrack-ml`"
            )
        given = {name: _read(change[name]) for name in _FIELDS[cls.kind] if name in change}
        if wrong := [name for name, value in given.items() if not _TESTS[cls.kind][name](value)]:
            raise ValueError(f"{wrong[0]} is {given[wrong[0]]!r}"[:200])
        by = raw["by"]
        author = Author(str(by["user"]), str(by["host"]), by["verified"] is True)
        return Entry(int(raw["n"]), int(raw["t"]), author, cls(**given), str(raw["why"])), str(raw["before"])
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"no entry of a registry: {text[:80]!r}") from error


def _test(hint: Any) -> Callable[[Any], bool]:
    """Tells whether a value is of a field's type: a log that somebody else wrote may hold anything."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is UnionType:
        tests = [_test(one) for one in inner]
        return lambda value: any(test(value) for test in tests)
    if origin is Mapping:
        test = _test(inner[1])
        return lambda value: isinstance(value, dict) and all(map(test, value.values()))
    if origin is Sequence:
        each = _test(inner[0])
        return lambda value: isinstance(value, tuple) and all(map(each, value))
    if hint is Any:
        return lambda _: True
    if hint is int:
        return lambda value: type(value) is int and abs(value) < 2**53
    kind = int | float if hint is float else hint
    return lambda value: isinstance(value, kind)


_TESTS = {kind: {name: _test(hint) for name, hint in get_type_hints(cls).items()} for kind, cls in _KINDS.items()}
_dumps: Callable[[Any], str] = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def _spelt(value: Any) -> Any:
    # JSON has no word for these; within {"number": …} they cannot be taken for a text.
    if isinstance(value, float) and not math.isfinite(value):
        return {"number": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}
    if isinstance(value, Mapping):
        return {str(key): _spelt(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_spelt(item) for item in value]
    return value


def _read(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_read(item) for item in value)
    if isinstance(value, dict):
        if set(value) == {"number"} and value["number"] in _NUMBERS:
            return _NUMBERS[value["number"]]
        return {key: _read(item) for key, item in value.items()}
    return value
