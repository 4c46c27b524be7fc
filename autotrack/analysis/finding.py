"""The experiments and runs that a question is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from autotrack.direction import BEST_TAG, SIGNS
from autotrack.direction import better as agreed
from autotrack.entities import Experiment, Run, ViewType, every
from autotrack.exceptions import AutotrackException
from autotrack.store.columns import Columns
from autotrack.store.search.page import LARGEST

if TYPE_CHECKING:
    from autotrack.client import Client

_PAGE = 5000


def experiments(client: Client, view: int = ViewType.ACTIVE_ONLY) -> dict[str, Experiment]:
    """All experiments by id."""
    found = every(lambda token: client.search_experiments(view_type=view, page_token=token))
    return {one.experiment_id: one for one in found}


def experiments_named(client: Client, named: str | Sequence[str] | None) -> dict[str, Experiment]:
    """Experiments given by name or id, by their ids; all active ones where none is given. Raises for one that is not
    there."""
    if not named:
        return experiments(client)
    found: dict[str, Experiment] = {}
    for given in [named] if isinstance(named, str) else named:
        one = client.get_experiment_by_name(given) or _with_id(client, given)
        if one is None:
            there = ", ".join(sorted(one.name for one in experiments(client).values())) or "none"
            raise AutotrackException.missing(f"there is no experiment {given!r}; the experiments are: {there}")
        if one.lifecycle_stage != "active":
            raise AutotrackException.missing(
                f"experiment {one.name!r} is deleted; restore_experiment({one.experiment_id!r}) brings it back"
            )
        found[one.experiment_id] = one
    return found


def _with_id(client: Client, given: str) -> Experiment | None:
    try:
        return client.get_experiment(given)
    except AutotrackException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):  # the latter for no number
            raise
        return None


def every_run(
    client: Client, ids: Iterable[str], where: str = "", order_by: Sequence[str] | None = None,
    limit: int | None = None, view: int = ViewType.ACTIVE_ONLY,
) -> Iterator[Run]:  # fmt: skip
    """The runs of experiments that a filter finds, over as many pages as that takes."""
    asked = list(ids)
    size = _PAGE if limit is None else max(1, min(_PAGE, limit))
    if not asked:
        return iter(())
    return every(lambda token: client.search_runs(asked, where, view, size, order_by, token), limit)


def every_columns(client: Client, ids: Iterable[str], names: Sequence[str], where: str = "") -> Columns:
    """Fields of all the active runs of experiments that a filter finds, the newest first, as one page."""
    pages = list(column_pages(client, ids, names, where))
    values = {name: list(chain.from_iterable(page.values[name] for page in pages)) for name in names}
    return Columns(tuple(chain.from_iterable(page.run_ids for page in pages)), values)


def column_pages(
    client: Client, ids: Iterable[str], names: Sequence[str], where: str = "", order_by: Sequence[str] | None = None,
    size: int = LARGEST,
) -> Iterator[Columns]:  # fmt: skip
    """The same, page by page."""
    asked, token = list(ids), None
    while asked:
        page = client.run_columns(asked, list(names), where, order_by, size, token)
        yield page
        if not (token := page.token):
            return


def better(key: str, among: Iterable[Experiment], mode: str | None = None) -> int:
    """-1 if a lower value of a metric is better, 1 if a higher one is: as ``mode`` ("min" or "max") says, else as the
    experiments' tags do, else as its name does. Raises where nobody says."""
    if mode is not None:
        if mode not in SIGNS:
            raise AutotrackException.invalid(f'mode is "min" or "max", not {mode!r}')
        return SIGNS[mode]
    sign = agreed(key, [one.tags.get(f"{BEST_TAG}{key}") for one in among])
    if not sign:
        raise AutotrackException.invalid(
            f'whether more or less of {key!r} is better is not known; say mode="min" or mode="max" (--mode), or set '
            f"the experiment's tag {BEST_TAG}{key} to min or max"
        )
    return sign
