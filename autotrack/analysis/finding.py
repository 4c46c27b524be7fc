"""The runs that a question is about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from autotrack.direction import direction
from autotrack.entities import Run, ViewType
from autotrack.exceptions import AutotrackException
from autotrack.store.search.sql import BEST_TAG

if TYPE_CHECKING:
    from autotrack.client import Client

_PAGE = 1000


def experiment_ids(client: Client, experiments: str | Sequence[str] | None) -> list[str]:
    """The ids of experiments given by name or id; of all active ones for ``None``. Raises for one that is none."""
    if experiments is None:
        return [one.experiment_id for one in _all(client)]
    found: list[str] = []
    for given in [experiments] if isinstance(experiments, str) else experiments:
        named = client.get_experiment_by_name(given)
        if named is None:
            known = {one.experiment_id: one.name for one in _all(client)}
            if given not in known:
                there = ", ".join(sorted(known.values())) or "none"
                raise AutotrackException.missing(f"there is no experiment {given!r}; the experiments are: {there}")
        found.append(given if named is None else named.experiment_id)
    return found


def every_run(
    client: Client, ids: Sequence[str], where: str = "", order_by: Sequence[str] | None = None, limit: int | None = None
) -> Iterator[Run]:
    """The runs of experiments that a filter finds, over as many pages as that takes."""
    token: str | None = None
    while ids and (limit is None or limit > 0):
        size = _PAGE if limit is None else min(_PAGE, limit)
        page = client.search_runs(list(ids), where, ViewType.ACTIVE_ONLY, size, order_by, token)
        yield from page
        limit = None if limit is None else limit - len(page)
        token = page.token
        if not token:
            return


def quoted(key: str) -> str:
    """A key as a filter takes it, whatever its characters."""
    return "`" + key.replace("`", "``") + "`"


def better(client: Client, key: str, ids: Sequence[str], mode: str | None = None) -> int:
    """-1 if a lower value of a metric is better, 1 if a higher one is: as ``mode`` ("min" or "max") says, else as the
    experiments' tags do, else as its name does. Raises where nobody says."""
    if mode is not None:
        if mode not in ("min", "max"):
            raise AutotrackException.invalid(f'mode is "min" or "max", not {mode!r}')
        return -1 if mode == "min" else 1
    said = {client.get_experiment(one).tags.get(f"{BEST_TAG}{key}") for one in ids} - {None}
    sign = {("min",): -1, ("max",): 1}.get(tuple(said), direction(key))  # type: ignore[arg-type]  # None is taken out
    if not sign:
        raise AutotrackException.invalid(
            f'whether more or less of {key!r} is better is not known; say mode="min" or mode="max", or set the '
            f"experiment's tag {BEST_TAG}{key} to min or max"
        )
    return sign


def _all(client: Client) -> list[Any]:
    found: list[Any] = []
    token: str | None = None
    while True:
        page = client.search_experiments(page_token=token)
        found += page
        token = page.token
        if not token:
            return found
