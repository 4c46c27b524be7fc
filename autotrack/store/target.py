"""What a search for runs is about: which runs it may find at all, and where their fields lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, Connection, Double, and_, literal, select

from autotrack.direction import BEST_TAG, better
from autotrack.entities import ViewType
from autotrack.store import tables
from autotrack.store.context import Context
from autotrack.store.search.sql import Boolean, Stored, Target
from autotrack.store.search.tree import Kind
from autotrack.store.search.vocabulary import RUNS


def shown(experiment_ids: Sequence[str] | None, view: int = ViewType.ACTIVE_ONLY) -> list[Boolean]:
    """What the runs of some experiments, or of all, that are of a view have in common."""
    run, above = tables.runs.c, tables.experiments.c
    ids = None if experiment_ids is None else [str(one) for one in experiment_ids]
    where: list[Boolean] = [] if ids is None else [run.experiment_id.in_(ids)]
    # Deleting an experiment hides its runs and restoring it shows them again, whatever their own stage is.
    hidden = select(above.experiment_id).where(above.lifecycle_stage != "active")
    if ids is not None and len(ids) == 1:  # asked once, and not taken for a condition that some of the runs meet
        open_ = ~hidden.where(above.experiment_id == ids[0]).exists()
    else:
        open_ = run.experiment_id.not_in(hidden)
    active = and_(run.lifecycle_stage == "active", open_)
    of_view = {int(ViewType.ACTIVE_ONLY): active, int(ViewType.DELETED_ONLY): ~active}.get(int(view))
    return where if of_view is None else [*where, of_view]


_targets: WeakKeyDictionary[Context, Target] = WeakKeyDictionary()
"""Made once for each store."""


def _target(context: Context) -> Target:
    found = _targets.get(context)
    if found is None:
        own = tables.runs.c
        computed: dict[str, ColumnElement[Any]] = {
            "artifact_uri": context.run_uri_column(),
            "status": context.status_column(),
            "duration": (own.end_time - own.start_time) / literal(1000.0, Double()),
        }
        entries = {
            Kind.METRIC: tables.metrics, Kind.PARAM: tables.params, Kind.TAG: tables.tags, Kind.DATASET: tables.inputs,
        }  # fmt: skip
        attributes = {name: computed[name] if name in computed else own[name] for name in RUNS.attributes}
        # A run that has ended is what its row says.
        stored = {"status": Stored(own.status, frozenset({"RUNNING", "LOST"}))}
        found = _targets[context] = Target(own.id, attributes, entries, stored=stored)
    return found


def target_of(connection: Connection, context: Context, experiment_ids: Sequence[str] | None) -> Target:
    """The fields of runs; which value of a metric is the best is as these experiments have it."""
    return replace(_target(context), better=partial(_better, connection, experiment_ids))


def _better(connection: Connection, experiment_ids: Sequence[str] | None, key: str) -> int:
    """Which values of a metric are better to these experiments, or to all of them."""
    table = tables.experiment_tags.c
    query = select(table.value).where(table.key == f"{BEST_TAG}{key}").distinct()
    if experiment_ids is not None:
        query = query.where(table.experiment_id.in_([str(one) for one in experiment_ids]))
    return better(key, connection.scalars(query))
