"""``autotrack compare``: what tells runs apart."""

from __future__ import annotations

from typing import Annotated

import typer

from autotrack.analysis.comparison import compare as compared
from autotrack.cli import comparison, find, text
from autotrack.cli.console import open_console
from autotrack.cli.options import AsJson, RunIds, Store
from autotrack.client import Client
from autotrack.client.differences import differing
from autotrack.exceptions import AutotrackException


def compare(
    runs: RunIds,
    all_keys: Annotated[bool, typer.Option("--all", help="Also what is the same in all of them.")] = False,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Compare runs by parameters, metrics, data, code and tags; what differs comes first."""
    if len(runs) < 2:
        raise AutotrackException.invalid("give two runs or more to compare; `autotrack runs` lists them")
    client = Client(store)
    chosen = [find.run(client, given).info for given in runs]
    found = compared(client, [info.run_id for info in chosen])
    if as_json:
        shown = found if all_keys else differing(found)
        print(text.as_json({"runs": [info.run_id for info in chosen], **shown}))
        return
    titles = [f"{info.run_id[: find.SHORT]} {info.run_name or ''}" for info in chosen]
    comparison.show(open_console(), titles, found, all_keys=all_keys)
