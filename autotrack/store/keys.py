"""What there is to ask of runs: the keys of their parameters, metrics and tags, and the values that one has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Executable, FromClause, Select, Table, func, null, select

from autotrack.store import tables
from autotrack.store.context import Context
from autotrack.store.runs import Search, find_runs
from autotrack.store.search.parse import parse_field
from autotrack.store.search.sql import Boolean, first_column
from autotrack.store.search.tree import Kind
from autotrack.store.search.vocabulary import RUNS
from autotrack.store.target import shown, target_of

_TABLES = {Kind.METRIC: tables.metrics, Kind.PARAM: tables.params, Kind.TAG: tables.tags}
_VALUES_OF = 10_000
"""Of so many of the newest runs the values are looked at."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of runs. ``runs`` of those that were looked at have it, with ``values`` different values; ``None`` where
    only the keys were looked for. ``better`` is -1 for a metric of which less is better, 1 for one of which more is."""

    kind: Kind
    key: str
    runs: int | None = None
    values: int | None = None
    better: int = 0


def keys(
    connection: Connection,
    context: Context,
    experiment_ids: Sequence[str] | None,
    newest: int | None = None,
    where: str = "",
) -> list[Key]:
    """Every key of the runs of some experiments, or of all; with ``newest`` those of so many of the newest active runs
    that a filter finds, counted."""
    better = target_of(connection, context, experiment_ids).better
    found: list[Key] = []
    some = None if newest is None else find_runs(connection, context, Search(experiment_ids, where, limit=newest)).keys
    for kind, table in _TABLES.items():
        rows = connection.execute(_keys(table, experiment_ids) if some is None else _counted(table, some))
        found += [Key(kind, key, runs, values, better(key) if kind is Kind.METRIC else 0) for key, runs, values in rows]
    return found


def _keys(table: Table, experiment_ids: Sequence[str] | None) -> Executable:
    own = table.c
    if experiment_ids is not None:
        runs = select(tables.runs.c.id).where(tables.runs.c.experiment_id.in_(_texts(experiment_ids)))
        return select(own.key, null(), null()).where(own.run.in_(runs)).distinct().order_by(own.key)
    # From each key to the next greater one by the index on keys, instead of past all of the rows.
    each = select(func.min(own.key).label("key")).cte("each", recursive=True)
    following = select(func.min(own.key)).where(own.key > each.c.key).scalar_subquery()
    each = each.union_all(select(following).where(each.c.key.is_not(None)))
    return select(each.c.key, null(), null()).where(each.c.key.is_not(None))


def _counted(table: Table, runs: Sequence[int]) -> Executable:
    own = table.c
    query = select(own.key, func.count(), func.count(own.value.distinct())).where(own.run.in_(runs))
    return query.group_by(own.key).order_by(own.key)


def _newest(experiment_ids: Sequence[str] | None, count: int) -> Select[Any]:
    run = tables.runs.c
    return select(run.id).where(*shown(experiment_ids)).order_by(run.start_time.desc(), run.run_id).limit(count)


def values(
    connection: Connection, context: Context, experiment_ids: Sequence[str] | None, name: str, limit: int
) -> list[str]:
    """The texts that a field has in the newest runs of some experiments, or of all, the most frequent first; none for
    one that is a number. Raises for what is no field."""
    field = parse_field(name, RUNS)
    if field.numeric:
        return []
    target = target_of(connection, context, experiment_ids)
    newest = _newest(experiment_ids, _VALUES_OF)
    source: FromClause = tables.runs
    if field.kind is Kind.ATTRIBUTE:
        column = target.attributes[field.key]
        where: list[Boolean] = [target.owner.in_(newest)]
    else:
        source = target.entries[field.kind]
        column = target.value(field, source)
        where = [first_column(source).in_(newest)]
        if field.kind is not Kind.DATASET:
            where.append(source.c.key == field.key)
    query = select(column).select_from(source).where(*where, column.is_not(None)).group_by(column)
    return list(connection.scalars(query.order_by(func.count().desc(), column).limit(limit)))


def _texts(ids: Sequence[str]) -> list[str]:
    return [str(one) for one in ids]
