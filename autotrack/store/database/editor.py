"""Changes of a database: the same events as in a journal, applied in the order in which they arrive."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from autotrack.entities import RunStatus
from autotrack.event import Event, Joined, LifeStage, Params, RunCreated
from autotrack.exceptions import AutotrackException
from autotrack.journal.format import LATE
from autotrack.journal.reader import Line
from autotrack.journal.writer import Point
from autotrack.store import tables
from autotrack.store.changes import Exact, Position, Stamped, param_conflict
from autotrack.store.database import curves, last
from autotrack.store.database.engine import Database
from autotrack.store.database.experiments import change_experiment
from autotrack.store.database.points import Columns, Name, by_series
from autotrack.store.database.tables import intake, positions, tail
from autotrack.store.dialect import batches, upsert
from autotrack.store.fold import Facts, Fold
from autotrack.store.write import FACTS, Rows, fold_rows

_FINAL = {status.name for status in RunStatus if RunStatus.is_terminated(status)}
_BEAT_MS = 5_000
"""A sign of life that is noted lets the next ones pass unnoted for so long."""


@dataclass(slots=True)
class _Held:
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


class DatabaseEditor:
    """Takes changes; each call is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, run_id: str, events: Sequence[Stamped]) -> None:
        """Begin a run by its first events; one that exists already stays as it is."""
        try:
            self._database.write(lambda connection: _create(connection, run_id, events))
        except IntegrityError:  # somebody else has just made it
            return

    def event(self, run_id: str, event: Event, *, after: int = 0, time_ms: int | None = None) -> None:
        """Record a change of a run. Its time is now, but later than ``after``."""
        stamped = (max(_now(), after + 1) if time_ms is None else time_ms, event)
        if isinstance(event, RunCreated):
            self.create(run_id, [stamped])
            return

        def change(connection: Connection) -> None:
            _apply(connection, _hold(connection, run_id, None), [stamped], strict=True)

        self._database.write(change)

    def points(self, run_id: str, points: Iterable[Point], exact: Iterable[Exact] = ()) -> None:
        """Add metric points to a run; ``exact`` are the integers among their values that a float64 rounds."""
        self.batch(run_id, (), list(points), list(exact))

    def batch(
        self,
        run_id: str,
        events: Sequence[Stamped] = (),
        points: Sequence[Point] = (),
        exact: Sequence[Exact] = (),
        position: Position | None = None,
    ) -> None:
        """Record many things at once: all of them or nothing, and with a ``position`` exactly once."""
        if position is not None and not 0 <= position.offset <= position.end:
            raise AutotrackException.invalid(f"{position} is no stretch of bytes: offset and end count from 0")
        series = by_series(points, exact)

        def change(connection: Connection) -> None:
            held = _hold(connection, run_id, position)
            taken = held.end or 0
            if position is not None and position.offset < position.end <= taken:
                return
            if position is not None and position.offset < min(taken, position.end):
                raise AutotrackException(
                    f"bytes {position.offset} to {position.end} of {position.writer} overlap what was taken in of it, "
                    f"{taken} bytes; send what follows those",
                    "RESOURCE_CONFLICT",
                )
            if held.deleted and (points or not all(isinstance(event, LifeStage) for _, event in events)):
                raise AutotrackException.invalid(
                    f"The run {run_id} must be in the 'active' state. Current state is deleted; "
                    f"restore_run({run_id!r}) brings it back"
                )
            if events:
                _apply(connection, held, events, strict=position is None)
            if series:
                _add(connection, held, series, late=position is None and held.facts.ended)
            if position is not None and position.end > taken:
                row = {"run": held.row, "writer": position.writer, "end": position.end}
                upsert(connection, positions, [row])
            _beat(connection, held, leased=position is not None)

        self._database.write(change)

    def experiment(self, event: Event, *, after: int = 0) -> None:
        """Record a change of an experiment; a name that is taken is an error."""
        when = max(_now(), after + 1)
        self._database.write(lambda connection: change_experiment(connection, when, event))


def _create(connection: Connection, run_id: str, events: Sequence[Stamped]) -> None:
    first = events[0][1] if events else None
    if not isinstance(first, RunCreated):
        raise AutotrackException.invalid(f"run {run_id} does not begin with its creation")
    experiment = tables.experiments.c
    stage = connection.scalar(
        select(experiment.lifecycle_stage).where(experiment.experiment_id == str(first.experiment_id))
    )
    if stage != "active":
        raise (
            AutotrackException.missing(f"there is no experiment with the id {first.experiment_id!r}")
            if (stage is None)
            else AutotrackException.invalid(f"experiment {first.experiment_id} is deleted and takes no runs")
        )
    fold = _folded(Fold(), events)
    facts = {name: getattr(fold.facts, name) for name in FACTS}
    row = connection.execute(insert(tables.runs), {"run_id": run_id, **facts}).inserted_primary_key[0]  # type: ignore[index]  # one row
    leased = first.process is not None
    connection.execute(insert(intake), {"run": row, "last_seen": _now(), "leased": leased})
    _write_rows(connection, fold, row)


def _hold(connection: Connection, run_id: str, position: Position | None) -> _Held:
    """Take a run, so that nobody else writes to it until the transaction ends."""
    if connection.dialect.name == "postgresql":
        # Alone: what one statement reads beside the row that it waited for may be older than that row.
        connection.execute(_HOLD, {"run_id": run_id})
    values = {"run_id": run_id, "writer": "" if position is None else position.writer}
    row = connection.execute(_HELD, values).one_or_none()
    if row is None:
        raise AutotrackException.missing(f"Run with id={run_id} not found")
    facts = Facts(**{name: getattr(row, name) for name in FACTS}, ended=row.status in _FINAL)
    return _Held(
        row.id, run_id, facts, "deleted" in (row.lifecycle_stage, row.above), row.last_seen, row.leased, row.end,
        row.pieces, row.points or 0,
    )  # fmt: skip


def _held_query() -> Select[Any]:
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
_HELD = _held_query()
_HOLD = (
    select(intake.c.run).join(tables.runs).where(tables.runs.c.run_id == bindparam("run_id")).with_for_update(of=intake)
)


def _apply(connection: Connection, held: _Held, events: Sequence[Stamped], *, strict: bool) -> None:
    """Take events in. A parameter that has another value already is an error if ``strict``, else it stays."""
    fold = _folded(Fold(facts=held.facts, begun=True), events)
    if strict and fold.params:
        _check_params(connection, held, events, fold)
    if fold.facts != held.facts:
        values = {name: getattr(fold.facts, name) for name in FACTS}
        connection.execute(update(tables.runs).where(tables.runs.c.id == held.row).values(values))
        held.facts = fold.facts
    _write_rows(connection, fold, held.row)
    if any(isinstance(event, Joined) and event.process is not None for _, event in events):
        _beat(connection, held, leased=True)


def _folded(fold: Fold, events: Sequence[Stamped]) -> Fold:
    for time_ms, event in events:
        when = _now() if time_ms is None else time_ms
        ended = fold.facts.end_time if fold.facts.ended else None
        if isinstance(event, Joined) and ended is not None and when < ended:
            continue  # what another writer did before the end arrives after it
        try:
            fold.apply(Line(when, "", 0, event))
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise AutotrackException.invalid(f"a {event.kind!r} event makes no sense: {error}") from None
    return fold


def _check_params(connection: Connection, held: _Held, events: Sequence[Stamped], fold: Fold) -> None:
    before: dict[str, str] = {}
    own = tables.params.c
    for some in batches(sorted(map(tables.storable, fold.params))):
        rows = connection.execute(select(own.key, own.value).where(own.run == held.row, own.key.in_(some)))
        before.update((row.key, row.value) for row in rows)
    for _, event in events:
        for key, value in event.values.items() if isinstance(event, Params) else ():
            now = before.setdefault(tables.storable(str(key)), tables.storable(str(value)))
            if now != tables.storable(str(value)):
                raise param_conflict(held.run_id, str(key), now, str(value))


def _write_rows(connection: Connection, fold: Fold, row: int) -> None:
    rows: Rows = defaultdict(list)
    kept: Rows = defaultdict(list)
    fold_rows(connection, fold, row, rows, kept)
    for table, several in rows.items():
        upsert(connection, table, several)
    for table, several in kept.items():
        upsert(connection, table, several, keep=True)


def _add(connection: Connection, held: _Held, series: dict[Name, Columns], *, late: bool) -> None:
    if late:
        for columns in series.values():
            columns.flags = [flags | LATE for flags in columns.flags]
    new, stored = last.new_points(connection, held.row, series)
    if not new:
        return
    curves.append(connection, held.row, new)
    last.update(connection, held.row, new, stored)
    count = sum(map(len, new.values()))
    if held.pieces + 1 >= curves.MOST_PIECES or held.points + count >= curves.MOST_POINTS:
        curves.fold(connection, held.row)


def _beat(connection: Connection, held: _Held, *, leased: bool) -> None:
    now = _now()
    if now - held.last_seen >= _BEAT_MS or (leased and not held.leased):
        values = {"last_seen": max(now, held.last_seen), "leased": leased or held.leased}
        connection.execute(update(intake).where(intake.c.run == held.row).values(values))


def _now() -> int:
    return time.time_ns() // 1_000_000
