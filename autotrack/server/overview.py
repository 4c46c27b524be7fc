"""What a table of many runs asks: which fields there are, how many runs fit, groups of them, and the same change of
several."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from autotrack.analysis.finding import experiments
from autotrack.analysis.grouping import Group, but_seeds, grouped_by
from autotrack.exceptions import AutotrackException
from autotrack.server import limits, runs
from autotrack.server.experiments import view
from autotrack.server.request import Asked, Pair
from autotrack.server.route import Routes
from autotrack.server.runs import ById, DeleteTag, LogParameter
from autotrack.server.service import Service
from autotrack.store import Search
from autotrack.store.search.parse import NUMBER_OPERATORS, TEXT_OPERATORS
from autotrack.store.search.tokens import literal
from autotrack.store.search.tree import Kind as Sort
from autotrack.store.search.tree import Reading
from autotrack.store.search.vocabulary import DATASET_FIELDS, RUNS
from autotrack.wire.messages import OWN
from autotrack.wire.values import INTEGER, TEXT, Kind

ROUTES = Routes()
Document = dict[str, Any]
MOST_RUNS, MOST_GROUPS, MOST_VALUES = 1000, 5000, 200
SEEDS = "seeds"
"""What runs are grouped by that differ in nothing but their seed."""
_LIST = Kind({"type": "array", "items": {"type": "object"}})
_TEXTS = Kind({"type": "array", "items": TEXT.schema})
_DOCUMENT = Kind({"type": "object"})


class Keys(Asked):
    """Without ``experiment_ids`` those of all experiments. ``newest``: only so many of the newest runs that fit
    ``filter`` are looked at, and what they have is counted."""

    experiment_ids: tuple[str, ...] = ()
    newest: int | None = None
    filter: str = ""


class Values(Asked):
    """``field`` is one as a filter has it on its left, such as ``params.optimizer``."""

    field: str
    experiment_ids: tuple[str, ...] = ()
    max_results: int | None = None


class Count(Asked):
    experiment_ids: tuple[str, ...] = ()
    filter: str = ""
    run_view_type: str | int = "ACTIVE_ONLY"


class GroupsOfRuns(Asked):
    """``by`` are fields whose values are texts, or the one word "seeds"; ``columns`` fields that are numbers. Without
    ``experiment_ids`` those of all experiments. ``order_by`` is one of ``columns`` or of ``by``, with ASC or DESC after
    it; without one the group of the newest run comes first."""

    by: tuple[str, ...]
    columns: tuple[str, ...] = ()
    experiment_ids: tuple[str, ...] = ()
    filter: str = ""
    order_by: str = ""
    max_results: int | None = None


class SeveralRuns(Asked):
    run_ids: tuple[str, ...]


class TagRuns(SeveralRuns):
    """``tags`` are set, and those of the keys ``remove`` taken off the runs that have them."""

    tags: tuple[Pair, ...] = ()
    remove: tuple[str, ...] = ()


@ROUTES("GET", f"{OWN}/keys", Keys, keys=_LIST, grammar=_DOCUMENT)
def keys(service: Service, asked: Keys) -> Document:
    """The keys of the parameters, metrics and tags that runs have, whether less (-1) or more (1) of a metric is better,
    and what else a filter may say of runs."""
    newest = None if asked.newest is None else limits.page(asked.newest, 0, MOST_RUNS)
    found = service.store.keys(asked.experiment_ids or None, newest, asked.filter)
    return {
        "keys": [
            {"kind": one.kind.value, "key": one.key}
            | ({} if one.runs is None else {"runs": one.runs, "values": one.values})
            | ({"better": one.better} if one.better else {})
            for one in found
        ],
        "grammar": {
            "numbers": [name for name, number in RUNS.attributes.items() if number],
            "texts": [name for name, number in RUNS.attributes.items() if not number]
            + list(RUNS.entries) + [f"{Sort.DATASET.value}.{name}" for name in DATASET_FIELDS],
            "readings": [one.value for one in Reading if one is not Reading.NUMBER],
            "of_numbers": [one.value for one in NUMBER_OPERATORS],
            "of_texts": [one.value for one in TEXT_OPERATORS],
        },
    }  # fmt: skip


@ROUTES("GET", f"{OWN}/values", Values, values=_TEXTS)
def values(service: Service, asked: Values) -> Document:
    """The texts that a field has in the newest runs, the most frequent first."""
    most = limits.page(asked.max_results, 50, MOST_VALUES)
    return {"values": service.store.field_values(asked.experiment_ids or None, asked.field, most)}


@ROUTES("POST", f"{OWN}/runs/count", Count, reads=True, count=INTEGER)
def count(service: Service, asked: Count) -> Document:
    """How many runs fit a filter."""
    search = Search(asked.experiment_ids or None, asked.filter, view(asked.run_view_type))
    return {"count": service.store.count_found(search)}


@ROUTES("POST", f"{OWN}/runs/groups", GroupsOfRuns, reads=True, by=_TEXTS, total=INTEGER, groups=_LIST)
def groups(service: Service, asked: GroupsOfRuns) -> Document:
    """The active runs that fit a filter, grouped: of each group its values, how many runs it has and how many of them
    run, the filter that finds them, and of each column mean, standard deviation, minimum and maximum over them."""
    ids = asked.experiment_ids or tuple(experiments(service.verbs))
    by: Sequence[str] = asked.by
    if by == (SEEDS,):
        params = [one.key for one in service.store.keys(asked.experiment_ids or None) if one.kind is Sort.PARAM]
        by = but_seeds(service.verbs, ids, params, asked.filter)
    found = grouped_by(service.verbs, ids, by, asked.columns, asked.filter)
    most = limits.page(asked.max_results, 500, MOST_GROUPS)
    ordered = _ordered(found.groups, by, asked.order_by)[:most]
    names = _names(service, ids, ordered) if tuple(by) == ("parent",) else {}
    return {
        "by": list(by),
        "total": len(found.groups),
        "groups": [
            {
                "values": list(one.values), "runs": len(one.run_ids), "running": one.running, "where": one.where,
                "name": names.get(one.values[0] or "", "") if one.values else "",
                "columns": {name: [_finite(value) for value in spread] for name, spread in one.spreads.items()},
            }
            for one in ordered
        ],
    }  # fmt: skip


def _ordered(some: list[Group], by: Sequence[str], order: str) -> list[Group]:
    name, _, way = order.rpartition(" ")
    descending = way.upper() == "DESC"
    if name in by:
        place = list(by).index(name)
        return sorted(some, key=lambda one: one.values[place] or "", reverse=descending)
    if not some or name not in some[0].spreads:
        return some
    known = [one for one in some if not math.isnan(one.spreads[name].mean)]
    without = [one for one in some if math.isnan(one.spreads[name].mean)]
    return [*sorted(known, key=lambda one: one.spreads[name].mean, reverse=descending), *without]


def _names(service: Service, ids: Sequence[str], some: list[Group]) -> dict[str, str]:
    """What the runs are called of which the groups are the children."""
    parents = [literal(value) for one in some if (value := one.values[0]) and value.isalnum()]
    if not parents:
        return {}
    found = service.verbs.run_columns(ids, ["run_name"], f"run_id IN ({', '.join(parents)})", max_results=len(parents))
    return dict(zip(found.run_ids, found.values["run_name"], strict=True))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


@ROUTES("POST", f"{OWN}/runs/tag", TagRuns, changed=INTEGER, refused=_LIST)
def tag(service: Service, asked: TagRuns) -> Document:
    """Set tags of several runs and take others off; which of the runs did not take them, and why."""

    def change(run_id: str) -> None:
        for one in asked.tags:
            runs.set_tag(service, LogParameter(run_id, one.key, one.value))
        known = service.active_run(run_id).data.tags if asked.remove else {}
        for key in asked.remove:
            if key in known:
                runs.delete_tag(service, DeleteTag(run_id, key))

    return _each(asked.run_ids, change)


@ROUTES("POST", f"{OWN}/runs/delete", SeveralRuns, changed=INTEGER, refused=_LIST)
def delete(service: Service, asked: SeveralRuns) -> Document:
    """Mark several runs as deleted; which of them could not be, and why."""
    return _each(asked.run_ids, lambda run_id: runs.delete(service, ById(run_id)))


@ROUTES("POST", f"{OWN}/runs/restore", SeveralRuns, changed=INTEGER, refused=_LIST)
def restore(service: Service, asked: SeveralRuns) -> Document:
    """Bring several deleted runs back; which of them could not be, and why."""
    return _each(asked.run_ids, lambda run_id: runs.restore(service, ById(run_id)))


def _each(run_ids: Sequence[str], change: Callable[[str], object]) -> Document:
    if len(run_ids) > MOST_RUNS:
        raise AutotrackException.invalid(f"a request changes at most {MOST_RUNS} runs, not {len(run_ids)}")
    refused: list[Document] = []
    for run_id in dict.fromkeys(run_ids):
        try:
            change(run_id)
        except AutotrackException as error:
            refused.append({"run_id": run_id, "message": error.message})
    return {"changed": len(set(run_ids)) - len(refused), "refused": refused}
