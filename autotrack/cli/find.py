"""From what a user types to the runs that he means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotrack.analysis.finding import experiments
from autotrack.client import Client
from autotrack.entities import ViewType
from autotrack.exceptions import AutotrackException

if TYPE_CHECKING:
    from autotrack.entities import Run

SHORT = 8
"""Characters of a run id that are shown; any longer or shorter part from the start is understood."""


def newest(client: Client) -> Run:
    """The run that started last; raises where there is none."""
    found = client.search_runs(list(experiments(client)), max_results=1)
    if not found:
        raise AutotrackException.missing(f"no run yet in {client.tracking_uri}; `autotrack run train.py` records one")
    return found[0]


def run(client: Client, given: str) -> Run:
    """The run with this id, or the only one whose id begins so; deleted runs are found too.

    Raises :class:`AutotrackException` where none or several fit.
    """
    part = given.strip().lower()
    if not part.isalnum():
        raise AutotrackException.invalid(f"{given!r} is no run id; `autotrack runs` lists them")
    found = client.search_runs(
        list(experiments(client, ViewType.ALL)),
        filter_string=f"attributes.run_id LIKE '{part}%'",
        run_view_type=ViewType.ALL,
        max_results=6,
    )
    if len(found) > 1:
        ids = ", ".join(item.info.run_id[: max(SHORT, len(part) + 4)] for item in found)
        raise AutotrackException.invalid(f"several runs begin with {given}: {ids}; give more of the id")
    if not found:
        raise AutotrackException.missing(f"there is no run {given}; `autotrack runs` lists those that are")
    return found[0]
