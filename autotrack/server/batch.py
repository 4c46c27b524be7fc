"""Points, parameters and tags that a client sends together, checked as a whole before any of them is kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from autotrack import event as events
from autotrack.event import (
    ArtifactStored,
    DatasetUsed,
    Ended,
    Event,
    Joined,
    LifeStage,
    ModelBegun,
    ModelChanged,
    ModelLogged,
    ModelsLinked,
    Params,
    Renamed,
    Tags,
)
from autotrack.exceptions import AutotrackException
from autotrack.journal.format import EXACT, raw_step
from autotrack.journal.writer import Key, Point
from autotrack.server import limits, places
from autotrack.server.request import Asked, Pair
from autotrack.store.changes import Exact, Position, Stamped

LATEST = 2**63
"""Timestamps are below it."""


class MetricPoint(msgspec.Struct, gc=False):
    """One point of a metric. ``exact`` are the digits of an integer that a double rounds, and ``exact_step`` a step
    that is no integer."""

    key: str
    value: float
    timestamp: int
    step: int = 0
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None
    run_id: str | None = None
    exact: str | None = None
    exact_step: float | None = None


class Stretch(msgspec.Struct):
    """Which bytes of which journal file a batch stands for: it is kept once, however often it is sent."""

    writer: str
    offset: int
    end: int


class LogBatch(Asked):
    """``position`` and ``events``, lines of a journal, are what autotrack's uploader adds."""

    run_id: str
    metrics: tuple[MetricPoint, ...] = ()
    params: tuple[Pair, ...] = ()
    tags: tuple[Pair, ...] = ()
    position: Stretch | None = None
    events: tuple[dict[str, Any], ...] = ()


def points(metrics: Sequence[MetricPoint], *, journal: bool = False) -> tuple[list[Point], list[Exact]]:
    """The points as a journal has them, and the integers among them that a double rounds. What comes from a ``journal``
    has names of any characters, as it has there."""
    found: list[Point] = []
    exact: list[Exact] = []
    seen: set[str] = set()
    for number, one in enumerate(metrics):
        name = one.key
        if name not in seen:
            seen.add(name if journal else limits.key(name, f"metrics[{number}].name"))
        when = one.timestamp
        if not 0 <= when < LATEST:
            raise AutotrackException.invalid(
                f"Invalid value {when} for parameter 'metrics[{number}].timestamp' supplied: metric '{name}' (value="
                f"{one.value}). Timestamp must be a nonnegative long (64-bit integer)"
            )
        key: Key = name
        if one.model_id is not None or one.dataset_name is not None or one.dataset_digest is not None:
            key = (name, one.model_id, one.dataset_name, one.dataset_digest)
            if (one.dataset_name is None) != (one.dataset_digest is None):
                raise AutotrackException.invalid(
                    f"metric '{name}': dataset_name and dataset_digest go together; give both or neither"
                )
        at: int | float = one.step if one.exact_step is None else one.exact_step
        step, flags = raw_step(at)
        if one.exact is not None:
            flags |= EXACT
            exact.append((key, at, when, _digits(one.exact)))
        found.append((key, flags, step, when, one.value))
    return found, exact


def changes(params: Sequence[Pair], tags: Sequence[Pair], when: int | None = None) -> list[Stamped]:
    """Parameters and tags as events."""
    found: list[Stamped] = []
    values: dict[str, str] = {}
    for number, param in enumerate(params):
        if not param.key:
            raise _missing(f"params[{number}].key")
        if limits.key(param.key, f"params[{number}].key") in values:
            raise AutotrackException.invalid(
                f"Duplicate parameter keys have been submitted: [{json.dumps(param.key)}]. Please ensure the request "
                "contains only one param value per param key."
            )
        values[param.key] = limits.value(param.value)
    if values:
        found.append((when, Params(values)))
    if tags:
        for number, tag in enumerate(tags):
            if not tag.key:
                raise _missing(f"tags[{number}].key")
            limits.key(tag.key, f"tags[{number}].key")
        found.append((when, Tags({tag.key: limits.value(tag.value) for tag in tags})))
    return found


_OF_RUNS = (
    ArtifactStored, DatasetUsed, Ended, Joined, LifeStage, ModelBegun, ModelChanged, ModelLogged, ModelsLinked,
    Params, Renamed, Tags,
)  # fmt: skip


def told(lines: Sequence[dict[str, Any]]) -> list[Stamped]:
    """The lines of a journal, each with its own time. Only what a run says of itself, and no path that leads out."""
    found: list[Stamped] = []
    for line in lines:
        try:
            decoded = events.decode(msgspec.json.encode(line))
        except (ValueError, TypeError, OverflowError) as error:
            raise AutotrackException.invalid(f"no event of a journal: {str(error)[:200]}") from None
        if decoded is None:
            continue  # a kind that a later version knows
        when, event = decoded
        if not isinstance(event, _OF_RUNS) or not 0 <= when < LATEST:
            raise AutotrackException.invalid(f"an event of the kind {line.get('e')!r} is not sent in a batch")
        _check(event)
        found.append((when, event))
    return found


def _check(event: Event) -> None:
    """What is used as a path or an id later on."""
    if isinstance(event, ArtifactStored | ModelLogged):
        places.key(str(event.path))
    if isinstance(event, ModelLogged | ModelBegun | ModelChanged):
        limits.identifier(str(event.model_id), "model id")


def position(asked: Stretch | None) -> Position | None:
    """The stretch of a journal that a batch stands for."""
    if asked is None:
        return None
    if not 0 <= asked.offset <= asked.end < LATEST or not 0 < len(asked.writer) <= 255:
        raise AutotrackException.invalid(f"no stretch of a journal: {asked.offset} to {asked.end}")
    return Position(asked.writer, asked.offset, asked.end)


def _digits(text: str) -> str:
    digits = text[1:] if text[:1] in "+-" else text
    whole = digits.isascii() and (digits.isdigit() or (digits[:2] == "0x" and digits[2:].isalnum()))
    if not whole or len(text) > 5000:
        raise AutotrackException.invalid(f"'exact' are the digits of an integer, not {text[:40]!r}")
    return text


def _missing(path: str) -> AutotrackException:
    return AutotrackException.invalid(
        f"Missing value for required parameter '{path}'. See the API docs for more information about request "
        "parameters."
    )
