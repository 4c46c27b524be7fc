"""Taking a run, so that nobody else writes to it until the transaction ends."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, Connection, Select, any_, bindparam, func, select, update

from autotrack.entities import RunStatus
from autotrack.exceptions import AutotrackException
from autotrack.store import tables
from autotrack.store.changes import Position
from autotrack.store.database import last
from autotrack.store.database.tables import intake, positions, tail
from autotrack.store.fold import Facts
from autotrack.store.ready import answers
from autotrack.store.write import FACTS

_FINAL = {status.name for status in RunStatus if RunStatus.is_terminated(status)}


@dataclass(slots=True)
class Held:
    """A run that nobody else writes to until the transaction ends."""

    row: int
    run_id: str
    facts: Facts
    deleted: bool
    last_seen: int
    leased: bool
    end: int | None
    """Up to where the writer's bytes were taken in."""
    pieces: int
    points: int
    """Rows and points of the tail."""
    metrics: Mapping[str, Any]
    """The rows of the metrics that are to be written."""


def hold(connection: Connection, run_id: str, position: Position | None = None, metrics: Collection[str] = ()) -> Held:
    """Take a run to change it, with what is stored of some of its metrics; an unknown one is an error."""
    writer = "" if position is None else tables.storable(position.writer)
    values = {"run_id": tables.storable(run_id), "writer": writer, "keys": list(metrics)}
    stored: Sequence[Any] = ()
    if connection.dialect.name == "postgresql":
        # Each sees what was committed before it began, the later ones also by whoever held the run before.
        questions = (_HOLD, _HELD, _METRICS) if metrics else (_HOLD, _HELD)
        _, held, *rest = answers(connection, questions, values)
        stored = rest[0] if rest else ()
    else:
        connection.execute(_HOLD, values)
        held = list(connection.execute(_HELD, values))
    if not held:
        raise AutotrackException.missing(f"Run with id={run_id} not found")
    row = held[0]
    if metrics and connection.dialect.name != "postgresql":
        stored = last.stored(connection, row.id, metrics)
    facts = Facts(**{name: getattr(row, name) for name in FACTS}, ended=row.status in _FINAL)
    return Held(
        row.id, run_id, facts, "deleted" in (row.lifecycle_stage, row.above), row.last_seen, row.leased, row.end,
        row.pieces, row.points or 0, {one.key: one for one in stored},
    )  # fmt: skip


def _held() -> Select[Any]:
    run, above = tables.runs.c, tables.experiments.c
    own = tail.c.run == run.id
    mine = positions.c.run == run.id, positions.c.writer == bindparam("writer")
    query = select(
        tables.runs,
        above.lifecycle_stage.label("above"),
        intake.c.last_seen,
        intake.c.leased,
        select(positions.c.end).where(*mine).scalar_subquery().label("end"),
        select(func.count()).where(own).scalar_subquery().label("pieces"),
        select(func.sum(tail.c.points)).where(own).scalar_subquery().label("points"),
    )
    source = tables.runs.join(intake).outerjoin(tables.experiments, above.experiment_id == run.experiment_id)
    return query.select_from(source).where(run.run_id == bindparam("run_id"))


# Made once: to put a statement together takes longer than to carry it out.
_HELD = _held()
_HOLD = (
    update(intake)
    .where(
        intake.c.run == select(tables.runs.c.id).where(tables.runs.c.run_id == bindparam("run_id")).scalar_subquery()
    )
    .values(revision=intake.c.revision + 1)
)
_METRICS = (
    select(tables.metrics)
    .join(tables.runs)
    .where(
        tables.runs.c.run_id == bindparam("run_id"),
        tables.metrics.c.key == any_(bindparam("keys", type_=ARRAY(tables.Text()))),
    )
)
