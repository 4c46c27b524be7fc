"""``autotrack models verify``: whether the registry's log is what was written."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from autotrack.cli import text
from autotrack.cli.console import open_console, plain
from autotrack.cli.models.history import print_head
from autotrack.cli.options import AsJson, Store
from autotrack.client import Client


def verify(
    head: Annotated[
        str,
        typer.Option(metavar="HASH", help="A hash that a promotion printed, kept elsewhere: it must still be there."),
    ] = "",
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Read the registry's log again, entry by entry.

    A byte that was changed, an entry that is missing, moved or added in between is found in any case. Only with --head
    can it be found that the end was cut off, or that everything was written anew. Exit code 1 where something is wrong.
    """
    client = Client(store)
    verdict = client.verify_registry(head or None)
    if as_json:
        print(text.as_json({"store": client.tracking_uri, "sound": not verdict.problems, **asdict(verdict)}))
    else:
        console = open_console()
        for problem in verdict.problems:
            console.print(plain(problem, "bold red"), soft_wrap=True)
        sound = "sound" if not verdict.problems else "sound before that"
        console.print(plain(f"{verdict.entries} entries are {sound} ({client.tracking_uri})"), soft_wrap=True)
        if verdict.head:
            print_head(console, verdict.head)
    if verdict.problems:
        raise typer.Exit(1)
