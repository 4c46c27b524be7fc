"""Changes of a database: the same events as in a journal, applied in the order in which they arrive."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from autotrack.event import Event, Joined, LifeStage, Params, RunCreated
from autotrack.exceptions import AutotrackException
from autotrack.journal.reader import Line
from autotrack.journal.writer import Point
from autotrack.store import tables
from autotrack.store.changes import Exact, Position, Stamped, param_conflict
from autotrack.store.database import curves, last
from autotrack.store.database.engine import Database
from autotrack.store.database.experiments import change_experiment
from autotrack.store.database.hold import Held, hold
from autotrack.store.database.points import by_series
from autotrack.store.database.tables import intake, positions
from autotrack.store.dialect import batches, sent_together, upsert
from autotrack.store.fold import Fold
from autotrack.store.write import FACTS, Rows, fold_rows

_BEAT_MS = 5_000
"""A sign of life that is noted lets the next ones pass unnoted for so long."""


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
            _apply(connection, hold(connection, run_id), [stamped], strict=True)

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
            held = hold(connection, run_id, position, {name[0] for name in series})
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
            late = position is None and held.facts.ended
            new = last.new_points(connection, held.row, series, held.metrics, late=late)
            changed = list(last.changed(connection, held.row, new, held.metrics))
            with sent_together(connection):
                curves.append(connection, held.row, new)
                for table, rows in changed:
                    upsert(connection, table, rows)
                if position is not None and position.end > taken:
                    row = {"run": held.row, "writer": position.writer, "end": position.end}
                    upsert(connection, positions, [row])
                _beat(connection, held, leased=position is not None)
            count = sum(map(len, new.values()))
            if new and (held.pieces + 1 >= curves.MOST_PIECES or held.points + count >= curves.MOST_POINTS):
                curves.fold(connection, held.row)

        self._database.write(change)

    def experiment(self, event: Event, *, after: int = 0, time_ms: int | None = None) -> None:
        """Record a change of an experiment; a name that is taken is an error."""
        when = max(_now(), after + 1) if time_ms is None else time_ms
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
    first_revision = int.from_bytes(os.urandom(6), "big")
    connection.execute(insert(intake), {"run": row, "last_seen": _now(), "leased": leased, "revision": first_revision})
    _write_rows(connection, fold, row)


def _apply(connection: Connection, held: Held, events: Sequence[Stamped], *, strict: bool) -> None:
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


def _check_params(connection: Connection, held: Held, events: Sequence[Stamped], fold: Fold) -> None:
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


def _beat(connection: Connection, held: Held, *, leased: bool) -> None:
    now = _now()
    if now - held.last_seen >= _BEAT_MS or (leased and not held.leased):
        values = {"last_seen": max(now, held.last_seen), "leased": leased or held.leased}
        connection.execute(update(intake).where(intake.c.run == held.row).values(values))


def _now() -> int:
    return time.time_ns() // 1_000_000
