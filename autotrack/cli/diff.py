"""``autotrack diff``: what two runs do not share."""

from __future__ import annotations

from autotrack.analysis.difference import difference
from autotrack.cli import comparison, find, text
from autotrack.cli.console import open_console, plain
from autotrack.cli.options import AsJson, RunId, Store
from autotrack.client import Client


def diff(first: RunId, second: RunId, store: Store = None, as_json: AsJson = False) -> None:
    """Show what differs between two runs: parameters, code, command, packages, data, environment, seeds, metrics."""
    client = Client(store)
    runs = [find.run(client, given) for given in (first, second)]
    found = {part: rows for part, rows in difference(client, *runs).items() if rows}
    if as_json:
        print(text.as_json({"runs": [run.info.run_id for run in runs], **found}))
        return
    console = open_console()
    titles = [f"{run.info.run_id[: find.SHORT]} {run.info.run_name or ''}" for run in runs]
    comparison.show(console, titles, found, all_keys=False)
    if not found:
        console.print(plain("nothing that is known of them differs"))
