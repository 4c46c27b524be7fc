"""``autotrack models resolve``: which version a URI leads to, or led to."""

from __future__ import annotations

from typing import Annotated

import typer

from autotrack.cli import text
from autotrack.cli.console import open_console, plain
from autotrack.cli.options import AsJson, Store
from autotrack.client import Client


def resolve(
    uri: Annotated[str, typer.Argument(help="models:/NAME/3, models:/NAME/Production, models:/NAME@alias.")],
    at: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="In the past, such as '2026-03-01 12:00', in local time.")
    ] = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Print the version that a URI leads to, or led to at a moment in the past."""
    found = Client(store).resolve_model_version(uri, at)
    if as_json:
        print(text.as_json(found.to_dictionary()))
        return
    console = open_console()
    console.print(plain(found.model_uri, "bold"), soft_wrap=True)
    for name, value in (("run", found.run_id), ("content", found.digest), ("files", found.location)):
        if value:
            console.print(plain(f"{name:>9}  {value.removeprefix('file://')}"), soft_wrap=True)
