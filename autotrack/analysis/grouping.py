"""Runs of a store taken together by what they have in common, each group with its spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autotrack.analysis.finding import every_columns
from autotrack.analysis.groups import Spread, is_seed, spread
from autotrack.exceptions import AutotrackException
from autotrack.store.search.parse import parse_field
from autotrack.store.search.tokens import literal, quoted
from autotrack.store.search.vocabulary import RUNS

if TYPE_CHECKING:
    from autotrack.client import Client

_MOST_KEYS = 200
"""Parameters that are looked at for a difference."""


@dataclass(frozen=True, slots=True)
class Group:
    """Runs, newest first, that have the same ``values`` of some fields; ``where`` is the filter that finds them and no
    other of those that were grouped."""

    values: tuple[str | None, ...]
    run_ids: list[str] = field(default_factory=list)
    running: int = 0
    spreads: Mapping[str, Spread] = field(default_factory=dict)
    where: str = ""


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups, that of the newest run first, and the fields whose values tell them apart."""

    by: tuple[str, ...]
    groups: list[Group]


def grouped_by(
    client: Client, ids: Sequence[str], by: Sequence[str], numbers: Sequence[str], where: str = ""
) -> Groups:
    """The runs of experiments that a filter finds, by the texts of some fields, each spelt as in a filter, with the
    spread over each group of some numbers, such as ``metrics.loss`` or ``best(loss)``."""
    for name in by:
        if parse_field(name, RUNS).numeric:
            raise AutotrackException.invalid(f"runs are grouped by texts, such as params.`lr`, not by {name!r}")
    found = every_columns(client, ids, ["status", *by, *numbers], where)
    places: dict[tuple[Any, ...], list[int]] = {}
    for place in range(len(found.run_ids)):
        told = tuple(_told(found.values[name][place]) for name in by)
        places.setdefault(told, []).append(place)
    groups = [
        Group(
            tuple(_text(value) for value in told),
            [found.run_ids[place] for place in some],
            sum(found.values["status"][place] == "RUNNING" for place in some),
            {name: spread(found.values[name][place] for place in some) for name in numbers},
            " AND ".join(_condition(name, value) for name, value in zip(by, told, strict=True)),
        )
        for told, some in places.items()
    ]
    return Groups(tuple(by), groups)


def but_seeds(client: Client, ids: Sequence[str], params: Sequence[str], where: str = "") -> list[str]:
    """Those of some parameters, spelt as in a filter, in which runs differ, but for seeds."""
    names = [f"params.{quoted(key)}" for key in params if not is_seed(key)][:_MOST_KEYS]
    found = every_columns(client, ids, names, where)
    return [name for name in names if len(set(found.values[name])) > 1]


def _told(value: Any) -> Any:
    # A run may have read several data sets.
    return tuple(value) if isinstance(value, list) else value


def _text(value: Any) -> str | None:
    return ", ".join(value) if isinstance(value, tuple) else None if value is None else str(value)


def _condition(name: str, value: Any) -> str:
    if value is None:
        return f"{name} IS NULL"
    texts = value if isinstance(value, tuple) else (str(value),)
    return " AND ".join(f"{name} = {literal(text)}" for text in texts)
