"""A run as a journal of one writer: the same bytes for the same record, wherever it is from.

Facts that have no time of their own, as parameters and tags, get the run's. What a journal notes for its own reader
alone, as which process wrote, is left out.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from autotrack.entities import LoggedModel, LoggedModelStatus, Metric
from autotrack.event import (
    ArtifactStored,
    DatasetUsed,
    Ended,
    Event,
    Exact,
    LifeStage,
    ModelBegun,
    ModelChanged,
    ModelLogged,
    ModelsLinked,
    Params,
    RunCreated,
    Series,
    Tags,
    encode,
)
from autotrack.exchange.record import File, Record
from autotrack.files import relative
from autotrack.journal.format import EXACT, raw_step, record
from autotrack.journal.reader import events_name, metrics_name
from autotrack.store.fold import NAME_TAG, PARENT_TAG, USER_TAG
from autotrack.store.rows import CONTEXT_TAG
from autotrack.values import number

WRITER = "export"
_STATES = ("FINISHED", "FAILED", "KILLED", "SCHEDULED")
_SERIES_AT_ONCE = 1 << 15
"""Records that are written in one piece."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a run's journal came to."""

    points: int
    files: tuple[File, ...]


def write(directory: Path, taken: Record, *, experiment_id: str | None = None, contents: bool = True) -> Written:
    """Write a run's journal to a new directory, and its files below ``artifacts/`` there, unless ``contents`` is false.

    ``experiment_id`` is the id that its experiment has where it goes.
    """
    directory.mkdir(parents=True, mode=0o700)
    files = tuple(sorted(taken.files(), key=lambda one: one.path))
    lines = [encode(event, when) for when, event in _events(taken, files, experiment_id)]
    end = lines.pop() if taken.run.info.lifecycle_stage == "deleted" else b""
    with (directory / events_name(WRITER)).open("xb") as events:
        events.write(lines[0])
        points = _points(directory, taken, events.write)
        events.writelines([*lines[1:], end])
    if contents:
        for file in files:
            target = directory / "artifacts" / relative(file.path)
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file.bring(target)
    info = taken.run.info
    when = max(info.end_time or info.start_time, 0) * 1_000_000
    for name in (events_name(WRITER), metrics_name(WRITER)):
        if (directory / name).exists():  # a run without an end is as silent as the time of its files says
            os.utime(directory / name, ns=(when, when))
    return Written(points, files)


def _events(taken: Record, files: Sequence[File], experiment_id: str | None) -> Iterator[tuple[int, Event]]:
    """All events but those of metrics; the last one of a deleted run is its deletion."""
    run, start = taken.run, max(taken.run.info.start_time, 0)
    info, tags = run.info, dict(sorted(run.data.tags.items()))
    name = tags.get(NAME_TAG) or info.run_name or ""
    created = RunCreated(
        experiment_id or info.experiment_id, taken.experiment, name, tags.get(PARENT_TAG) or None, info.user_id
    )
    yield start, created
    if run.data.params:
        yield start, Params(dict(sorted(run.data.params.items())))
    implied = {NAME_TAG: created.name, USER_TAG: created.user}
    missing = dict.fromkeys(key for key, value in implied.items() if value and key not in tags)
    if tags or missing:
        yield start, Tags({**tags, **missing})
    for used in sorted(
        run.inputs.dataset_inputs, key=lambda one: (one.dataset.name, one.dataset.digest, sorted(map(str, one.tags)))
    ):
        own = {tag.key: tag.value for tag in used.tags}
        data, context = used.dataset, own.pop(CONTEXT_TAG, "")
        facts = (data.name, data.digest, data.source_type, data.source, data.schema or "", data.profile or "")
        yield start, DatasetUsed(*facts, context, dict(sorted(own.items())))
    steps = {one.model_id: one.step for one in run.outputs.model_outputs}
    if run.inputs.model_inputs:
        yield start, ModelsLinked("input", dict.fromkeys(sorted(one.model_id for one in run.inputs.model_inputs), 0))
    logged: set[str] = set()
    for model in sorted(taken.models, key=lambda one: one.model_id):
        for when, event in _model(model, steps.get(model.model_id, 0)):
            if isinstance(event, ModelLogged):
                logged.add(event.model_id)
            yield when, event
    if others := {key: steps[key] for key in sorted(steps) if key not in logged}:
        yield start, ModelsLinked("output", others)
    roots = tuple(f"{one.artifact_location}/" for one in taken.models if one.artifact_location)
    for file in files:
        if not file.path.startswith(roots):
            yield start, ArtifactStored(file.path, file.size)
    end = start if info.end_time is None else max(info.end_time, 0)
    if info.status in _STATES:
        yield end, Ended(info.status, info.error)
    if info.lifecycle_stage == "deleted":
        yield end, LifeStage("deleted")


def _model(model: LoggedModel, step: int) -> Iterator[tuple[int, Event]]:
    made, status = max(model.creation_timestamp, 0), LoggedModelStatus(model.status)
    params, tags = dict(sorted(model.params.items())), dict(sorted(model.tags.items()))
    if model.artifact_location or status is LoggedModelStatus.READY:
        facts = (model.flavors, model.signature, model.size, model.digest, params, tags, step, model.model_type)
        path = relative(model.artifact_location) if model.artifact_location else ""
        yield made, ModelLogged(model.model_id, model.name, path, *facts)
        before = LoggedModelStatus.READY
    else:
        yield made, ModelBegun(model.model_id, model.name, model.model_type, params, tags)
        before = LoggedModelStatus.PENDING
    changed = status.value if status is not before else None
    last = max(model.last_updated_timestamp, made)
    if changed or model.status_message or last != made:
        yield last, ModelChanged(model.model_id, changed, model.status_message)


def _points(directory: Path, taken: Record, announce: Callable[[bytes], object]) -> int:
    """Write all points, and announce each series before; gives how many."""
    ids: dict[tuple[str, str | None, str | None, str | None], int] = {}
    count = 0
    place = directory / metrics_name(WRITER)
    for curve in taken.curves():
        if not curve:
            continue
        found: list[bytes] = []
        with place.open("ab") as file:
            for one in sorted(curve, key=_order):
                key = (one.key, one.model_id, one.dataset_name, one.dataset_digest)
                if key not in ids:
                    ids[key] = len(ids) + 1
                    announce(encode(Series(ids[key], *key), one.timestamp))
                value, exact = number(one.value)
                value = value if value == value else math.nan  # of which there are many
                step, flags = raw_step(_step(one.step))
                if exact is not None:
                    flags |= EXACT
                    announce(encode(Exact(ids[key], _step(one.step), one.timestamp, exact), one.timestamp))
                found.append(record(ids[key], flags, step, one.timestamp, value))
                if len(found) == _SERIES_AT_ONCE:
                    count += len(found)
                    file.write(b"".join(found))
                    found.clear()
            count += len(found)
            file.write(b"".join(found))
    return count


def _step(step: int | float) -> int | float:
    return int(step) if isinstance(step, float) and step.is_integer() and abs(step) < 2**63 else step


def _order(one: Metric) -> tuple[object, ...]:
    value, exact = number(one.value)
    nan = value != value
    named = (one.model_id or "", one.dataset_name or "", one.dataset_digest or "")
    value = 0.0 if nan else value
    return one.timestamp, one.step, nan, value, math.copysign(1, value), exact or "", *named
