"""Which runs a policy takes away, and which of those have to stay.

A run stays while it is running, while a registered model has a version of it, while it holds a model that belongs to no
other run, and while a run that stays needs it: as what it is nested in, as where its context lies, as the maker of a
model that it reads, or by any tag that names it. A run stays beside the run that it is nested in, unless it was
deleted itself.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from autotrack.entities import ViewType
from autotrack.store import tables
from autotrack.store.context import Context
from autotrack.store.dialect import batches
from autotrack.store.fold import PARENT_TAG
from autotrack.store.garbage.policy import FAILED, Policy
from autotrack.store.runs import Search, find_runs
from autotrack.store.search.page import LARGEST
from autotrack.store.target import target_of


@dataclass(frozen=True, slots=True)
class Candidate:
    """A run that a policy names."""

    run_id: str
    number: int
    """Its row's."""
    name: str
    experiment_id: str
    status: str
    deleted: bool
    """Whether the run itself was marked as deleted, not its experiment alone."""
    start_time: int
    end_time: int | None
    uri: str
    """Where its files lie."""
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """The runs to be removed, and those that stay although the policy names them, each with the reason."""

    removed: tuple[Candidate, ...]
    kept: Mapping[Candidate, str]


def choose(connection: Connection, context: Context, policy: Policy) -> Choice:
    """What a policy means at this moment."""
    named = _named(connection, context, policy)
    best = _best(connection, context, policy, {one.experiment_id for one in named.values()})
    named = {run_id: one for run_id, one in named.items() if one.number not in best}
    kept = {run_id: "it is running" for run_id, one in named.items() if one.status == "RUNNING"}
    kept |= registered(connection, named.values()) | _holders(connection, named)
    _needed(named, kept, _references(connection))
    return Choice(
        tuple(one for run_id, one in named.items() if run_id not in kept),
        {named[run_id]: reason for run_id, reason in kept.items()},
    )


def registered(connection: Connection, candidates: Iterable[Candidate]) -> dict[str, str]:
    """The runs of which a registered model has a version, by their ids, with the reason to keep each."""
    runs: dict[str, str] = {}
    for one in candidates:
        runs[one.run_id] = one.run_id
        runs |= dict.fromkeys(one.models, one.run_id)
    own = tables.model_versions.c
    columns = (tables.registered_models.c.name, own.version, own.run_id, own.model_id, own.location, own.source)
    found: dict[str, str] = {}
    for row in connection.execute(select(*columns).join_from(tables.model_versions, tables.registered_models)):
        for part in (row.run_id, row.model_id, *re.split(r"[/:]", f"{row.location}/{row.source}")):
            if part in runs:
                found.setdefault(runs[part], f"it made version {row.version} of the registered model {row.name!r}")
    return found


def _named(connection: Connection, context: Context, policy: Policy) -> dict[str, Candidate]:
    """The runs that a policy describes, the best ones among them."""
    view = ViewType.ALL if policy.active else ViewType.DELETED_ONLY
    numbers = _numbers(connection, context, Search(policy.experiment_ids, policy.where, view, None, LARGEST))
    before = time.time_ns() / 1e6 - 1000 * (policy.older_than or 0)
    own, above = tables.runs.c, tables.experiments.c
    columns = (
        own.id, own.run_id, own.run_name, own.experiment_id, own.lifecycle_stage, own.start_time,
        context.status_column().label("state"), context.end_time_column().label("ended"), above.artifact_location,
    )  # fmt: skip
    source = tables.runs.outerjoin(tables.experiments, above.experiment_id == own.experiment_id)
    found: dict[str, Candidate] = {}
    for some in batches(numbers):
        models: dict[int, list[str]] = {}
        mine = select(tables.models.c.run, tables.models.c.model_id).where(tables.models.c.run.in_(some))
        for number, model_id in connection.execute(mine):
            models.setdefault(number, []).append(model_id)
        for row in connection.execute(select(*columns).select_from(source).where(own.id.in_(some))):
            late = policy.older_than is not None and (row.ended or row.start_time) >= before
            if late or (policy.failed and row.state not in FAILED):
                continue
            uri = context.run_uri(row.run_id, row.experiment_id, row.artifact_location)
            found[row.run_id] = Candidate(
                row.run_id, row.id, row.run_name, row.experiment_id, row.state, row.lifecycle_stage == "deleted",
                row.start_time, row.ended, uri, tuple(models.get(row.id, ())),
            )  # fmt: skip
    return found


def _numbers(connection: Connection, context: Context, search: Search) -> list[int]:
    found = find_runs(connection, context, search)
    numbers = list(found.keys)
    while found.token is not None:
        more = (search.experiment_ids, search.filter, search.view, search.order_by, search.limit, found.token)
        found = find_runs(connection, context, Search(*more))
        numbers += found.keys
    return numbers


def _best(connection: Connection, context: Context, policy: Policy, experiments: Iterable[str]) -> set[int]:
    """The rows of the best runs of some experiments."""
    if not policy.keep_best:
        return set()
    found: set[int] = set()
    key = policy.metric.replace("`", "``")
    for one in sorted(experiments):
        better = {"min": -1, "max": 1}.get(policy.mode or "") or target_of(connection, context, [one]).better(
            policy.metric
        )
        # Without a direction `best` says what is missing.
        field = f"{ {-1: 'min', 1: 'max'}.get(better, 'best') }(`{key}`)"
        order = f"{field} {'ASC' if better < 0 else 'DESC'}"
        search = Search([one], f"{field} BETWEEN -inf AND inf", ViewType.ALL, [order], policy.keep_best)
        found.update(find_runs(connection, context, search).keys)
    return found


def _holders(connection: Connection, named: Mapping[str, Candidate]) -> dict[str, str]:
    """Runs that stand for a model which no run made: they are deleted from their beginning, their model is not."""
    own = tables.models.c
    ids = [model for run_id, one in named.items() for model in one.models if model == f"m-{run_id}"]
    found: dict[str, str] = {}
    for some in batches(ids):
        query = select(own.model_id).where(own.model_id.in_(some), own.lifecycle_stage != "deleted")
        found |= {model[2:]: f"it holds the model {model}" for model in connection.scalars(query)}
    return found


_Reference = tuple[str, str, str]
"""A run, the run that it refers to, and the tag that does, or none."""


def _references(connection: Connection) -> list[_Reference]:
    run, other, tag = tables.runs.c, tables.runs.alias("other"), tables.tags.c
    by_tag = select(run.run_id, other.c.run_id, tag.key).join_from(tables.tags, tables.runs, tag.run == run.id)
    links, model = tables.model_links.c, tables.models.c
    by_model = select(run.run_id, other.c.run_id).join_from(tables.model_links, tables.runs, links.run == run.id)
    by_model = by_model.join(tables.models, model.model_id == links.model_id)
    found: list[Any] = [*connection.execute(by_tag.join(other, other.c.run_id == tag.value))]
    return [(row[0], row[1], row[2]) for row in found] + [
        (row[0], row[1], "")
        for row in connection.execute(by_model.join(other, other.c.id == model.run).where(links.role == "input"))
    ]


def _needed(named: Mapping[str, Candidate], kept: dict[str, str], references: Sequence[_Reference]) -> None:
    """Add the runs that others which stay cannot do without."""
    more = True
    while more:
        more = False
        for run_id, other, tag in references:
            stays = run_id not in named or run_id in kept
            other_stays = other not in named or other in kept
            if stays and not other_stays:
                kept[other] = f"run {run_id} needs it ({_WHY.get(tag, tag)})"
                more = True
            elif tag == PARENT_TAG and other_stays and not stays and not named[run_id].deleted:
                kept[run_id] = f"run {other}, which it is nested in, stays"
                more = True


_WHY = {PARENT_TAG: "it is nested in it", "": "it reads a model of it"}
