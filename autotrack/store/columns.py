"""Any fields of many runs, side by side: what tables, plots and analyses are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from autotrack.exceptions import AutotrackException
from autotrack.store import tables
from autotrack.store.context import Context
from autotrack.store.dialect import batches
from autotrack.store.runs import Search, find_runs
from autotrack.store.search.parse import parse_field
from autotrack.store.search.sql import Target
from autotrack.store.search.tree import Field, Kind, Reading
from autotrack.store.search.vocabulary import RUNS
from autotrack.store.target import target_of

_MOST = 500
"""Columns of one question."""


@dataclass(frozen=True, slots=True)
class Columns:
    """One page of runs. ``values`` has a list for each field that was asked for, in the order of ``run_ids``: floats
    for metrics, texts for parameters and tags, lists of texts for data sets, ``None`` where a run has none."""

    run_ids: tuple[str, ...]
    values: Mapping[str, Sequence[Any]]
    token: str | None = None


def columns(connection: Connection, context: Context, search: Search, names: Sequence[str]) -> Columns:
    """Fields of the runs that a search finds, spelt as in a filter: ``metrics.loss``, ``best(loss)``, ``duration``."""
    if len(names) > _MOST:
        raise AutotrackException.invalid(f"{len(names)} columns are asked for; at most {_MOST} are read at once")
    fields = {name: parse_field(name, RUNS) for name in names}
    target = target_of(connection, context, search.experiment_ids)
    found = find_runs(connection, context, search)
    ids: dict[int, str] = {}
    for some in batches(found.keys):
        rows = connection.execute(select(tables.runs.c.id, tables.runs.c.run_id).where(tables.runs.c.id.in_(some)))
        ids |= {row.id: row.run_id for row in rows}
    keys = [key for key in found.keys if key in ids]
    values = {name: _column(connection, target, field, keys) for name, field in fields.items()}
    return Columns(tuple(ids[key] for key in keys), values, found.token)


def _column(connection: Connection, target: Target, field: Field, keys: Sequence[int]) -> list[Any]:
    known: dict[int, Any] = {}
    for some in batches(keys):
        if field.kind is Kind.ATTRIBUTE:
            query = select(target.owner, target.attributes[field.key]).select_from(tables.runs)
            known |= dict(map(tuple, connection.execute(query.where(target.owner.in_(some)))))
            continue
        table = target.entries[field.kind]
        owner = next(iter(table.c))
        if field.kind is Kind.DATASET:
            rows = connection.execute(select(owner, table.c[field.key]).where(owner.in_(some)).order_by(table.c.name))
            for key, text in rows:
                known.setdefault(key, []).append(text)
            continue
        query = select(owner, target.value(field, table)).where(owner.in_(some), table.c.key == field.key)
        nan = float("nan") if field.kind is Kind.METRIC and field.reading is not Reading.COUNT else None
        known |= {key: nan if value is None else value for key, value in connection.execute(query)}
    return [known.get(key) for key in keys]
