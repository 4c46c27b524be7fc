"""Experiments: from their events to rows, and from rows to answers."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, func, select

from autotrack.entities import Experiment, ViewType
from autotrack.event import ExperimentCreated, ExperimentLife, ExperimentRenamed, ExperimentTags
from autotrack.journal import reader
from autotrack.journal.format import MARK
from autotrack.store import tables
from autotrack.store.context import Context
from autotrack.store.dialect import batches, upsert
from autotrack.store.lists import Lists
from autotrack.store.search.page import Page, page
from autotrack.store.search.parse import parse_filter, parse_orders
from autotrack.store.search.sql import Boolean, Target, condition
from autotrack.store.search.statements import SortKey, ordered
from autotrack.store.search.tree import Kind
from autotrack.store.search.vocabulary import EXPERIMENTS

SCOPE = "experiments"
DEFAULT_ID, DEFAULT_NAME = "0", "Default"


def take_experiments(connection: Connection, files: Lists, starts: Mapping[str, int]) -> dict[str, int]:
    """Apply what was added to the experiments' files; gives the end of each file that was read.

    ``starts`` are the files to read, and from where.
    """
    last = connection.execute(select(tables.progress).where(tables.progress.c.scope == SCOPE)).one_or_none()
    lines, ends, skipped = _read(files.directory, starts)
    if lines and last is not None and lines[0].order < (last.time, last.writer, last.offset):
        # An event that belongs before those applied: everything is applied again in the right order.
        lines, ends, skipped = _read(files.directory, dict.fromkeys({*starts, *files.known(connection)}, 0))
        named = {line.event.experiment_id for line in lines if isinstance(line.event, _EVENTS)}
        connection.execute(delete(tables.experiments).where(tables.experiments.c.experiment_id.in_(named)))
    before = {row.experiment_id: dict(row._mapping) for row in connection.execute(select(tables.experiments))}
    table = {experiment_id: dict(row) for experiment_id, row in before.items()}
    tags: dict[tuple[str, str], str | None] = {}
    # A store is marked when its first event is written, which may have been made in the millisecond before.
    first = min([_made(files.directory.parent), *(line.time for line in lines)])
    table.setdefault(DEFAULT_ID, _row(DEFAULT_ID, DEFAULT_NAME, first) | {"declared": True})
    for line in lines:
        try:
            apply(table, tags, line.time, line.event)
        except (TypeError, ValueError, AttributeError) as error:
            skipped.append(reader.Skipped(line.writer, line.offset, str(error)[:200]))
    write_experiments(connection, before, table, tags)
    upsert(
        connection,
        tables.faults,
        [{"scope": SCOPE, "file": one.file, "offset": one.offset, "reason": one.reason} for one in skipped],
    )
    if lines:
        order = dict(zip(("time", "writer", "offset"), lines[-1].order, strict=True))
        upsert(connection, tables.progress, [{"scope": SCOPE, "ended": False, **order}])
    return ends


def write_experiments(
    connection: Connection,
    before: Mapping[str, Mapping[str, Any]],
    table: Mapping[str, Mapping[str, Any]],
    tags: Mapping[tuple[str, str], str | None],
) -> None:
    """Write what events made of the rows that were there before, and of the tags."""
    changed = [row for experiment_id, row in table.items() if row != before.get(experiment_id)]
    upsert(connection, tables.experiments, changed)
    gone = [key for key, value in tags.items() if value is None]
    for experiment_id, key in gone:
        owner, name = tables.experiment_tags.c.experiment_id, tables.experiment_tags.c.key
        connection.execute(delete(tables.experiment_tags).where(owner == experiment_id, name == key))
    upsert(
        connection,
        tables.experiment_tags,
        [{"experiment_id": i, "key": key, "value": value} for (i, key), value in tags.items() if value is not None],
    )


_EVENTS = (ExperimentCreated, ExperimentRenamed, ExperimentTags, ExperimentLife)


def named_by_run(experiment_id: str, name: str, when: int) -> dict[str, Any]:
    """The row of an experiment that is known so far only because a run belongs to it."""
    return _row(experiment_id, name or experiment_id, when)


def _read(directory: Path, starts: Mapping[str, int]) -> tuple[list[reader.Line], dict[str, int], list[reader.Skipped]]:
    lines: list[reader.Line] = []
    ends: dict[str, int] = {}
    skipped: list[reader.Skipped] = []
    for name, start in starts.items():
        try:
            found = reader.read_events(directory / name, start)
        except OSError as error:
            skipped.append(reader.Skipped(name, start, str(error)[:200]))
            continue
        lines += found.lines
        ends[name] = found.end
        skipped += found.skipped
    lines.sort(key=lambda line: line.order)
    return lines, ends, skipped


def apply(table: dict[str, dict[str, Any]], tags: dict[tuple[str, str], str | None], when: int, event: Any) -> None:
    """Do to the rows and tags, by their keys, what an event says."""
    if not isinstance(event, _EVENTS):
        return
    experiment_id = str(event.experiment_id)
    row = table.get(experiment_id)
    if isinstance(event, ExperimentCreated):
        if row is not None and row["declared"]:
            return
        created = when if row is None else min(when, row["creation_time"])
        row = table[experiment_id] = _row(experiment_id, str(event.name), created)
        row |= {"declared": True, "artifact_location": str(event.artifact_location), "last_update_time": when}
        tags.update({(experiment_id, str(key)): str(value) for key, value in event.tags.items()})
        return
    if row is None:
        row = table[experiment_id] = _row(experiment_id, experiment_id, when)
    if isinstance(event, ExperimentRenamed):
        row["name"] = str(event.name)
    elif isinstance(event, ExperimentLife):
        row["lifecycle_stage"] = "deleted" if event.stage == "deleted" else "active"
    else:
        tags.update({(experiment_id, str(k)): None if v is None else str(v) for k, v in event.values.items()})
    row["last_update_time"] = when


def _row(experiment_id: str, name: str, when: int) -> dict[str, Any]:
    return {
        "experiment_id": experiment_id,
        "name": name,
        "artifact_location": "",
        "lifecycle_stage": "active",
        "creation_time": when,
        "last_update_time": when,
        "declared": False,
    }


def _made(directory: Path) -> int:
    try:
        return (directory / MARK).stat().st_mtime_ns // 1_000_000
    except FileNotFoundError:  # nothing has been recorded yet
        return time.time_ns() // 1_000_000


def find_experiments(
    connection: Connection,
    view: int,
    filter_string: str | None,
    order_by: Sequence[str] | None,
    limit: int,
    token: str | None,
) -> Page:
    """The ids of the experiments that a search finds, one page of them."""
    own = tables.experiments.c
    target = Target(
        own.experiment_id, {name: own[name] for name in EXPERIMENTS.attributes}, {Kind.TAG: tables.experiment_tags}
    )
    where: list[Boolean] = []
    if int(view) != ViewType.ALL:
        where.append(own.lifecycle_stage == ("active" if int(view) == ViewType.ACTIVE_ONLY else "deleted"))
    tree = condition(parse_filter(filter_string, EXPERIMENTS), target)
    if tree is not None:
        where.append(tree)
    statements = ordered(
        key=own.experiment_id,
        source=tables.experiments,
        where=where,
        orders=parse_orders(order_by, EXPERIMENTS),
        ties=[SortKey(own.creation_time, descending=True), SortKey(own.experiment_id, descending=True)],
        target=target,
    )
    return page(connection, statements, limit=limit, token=token, asked=[filter_string, int(view), order_by])


def experiment_rows(connection: Connection, context: Context, ids: Sequence[str]) -> list[Experiment]:
    """The experiments of some ids, in their order."""
    found: dict[str, Experiment] = {}
    for some in batches(ids):
        own = tables.experiments.c.experiment_id
        for row in connection.execute(select(tables.experiments).where(own.in_(some))):
            found[row.experiment_id] = Experiment(
                experiment_id=row.experiment_id,
                name=row.name,
                artifact_location=context.experiment_uri(row.experiment_id, row.artifact_location),
                lifecycle_stage=row.lifecycle_stage,
                creation_time=row.creation_time,
                last_update_time=row.last_update_time,
            )
        tags = tables.experiment_tags
        for row in connection.execute(select(tags).where(tags.c.experiment_id.in_(some))):
            found[row.experiment_id].tags[row.key] = row.value
    return [found[one] for one in ids if one in found]


def activity(connection: Connection, experiment_ids: Sequence[str] | None) -> list[tuple[str, int, int]]:
    """Of each experiment that has runs that are not deleted on their own its id, how many, and when the last one
    began, in ms since 1970."""
    run = tables.runs.c
    query = select(run.experiment_id, func.count(), func.max(run.start_time)).where(run.lifecycle_stage == "active")
    if experiment_ids is not None:
        query = query.where(run.experiment_id.in_(list(experiment_ids)))
    return [(row[0], row[1], row[2]) for row in connection.execute(query.group_by(run.experiment_id))]


def ids_named(connection: Connection, name: str) -> list[str]:
    """The ids of the experiments of a name, active ones first."""
    own = tables.experiments.c
    query = select(own.experiment_id).where(own.name == name).order_by(own.lifecycle_stage, own.creation_time)
    return list(connection.scalars(query))
