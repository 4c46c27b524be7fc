"""``autotrack models show``: one registered model and its versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from autotrack.cli import find, text
from autotrack.cli.console import open_console, plain
from autotrack.cli.models.list import facts
from autotrack.cli.models.options import Name
from autotrack.cli.options import AsJson, Store
from autotrack.cli.table import Column, fit
from autotrack.client import Client
from autotrack.store.search.tokens import literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table

    from autotrack.entities import ModelVersion

STAGE = {"Production": "bold green", "Staging": "yellow", "Archived": "dim"}
"""The colour of a stage."""


def show(
    name: Name,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many versions.")] = 20,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Show a registered model: its versions, newest first, their stages, aliases and runs."""
    client = Client(store)
    model = client.get_registered_model(name)
    found = client.search_model_versions(f"name = {literal(name)}", limit, ["version_number DESC"])
    if as_json:
        print(text.as_json({**facts(model), "versions": [version.to_dictionary() for version in found]}))
        return
    console = open_console()
    console.print(plain(model.name, "bold"))
    lines = {"description": model.description, **model.tags}
    for key, value in lines.items():
        if value:
            console.print(plain(f"{key:>12}  {value}"))
    if not found:
        console.print(plain("no version yet; autotrack.register_model(uri, name) makes one", "dim"))
        return
    console.print(table(console, found))
    console.print(plain(f"load one with  autotrack.models.load('models:/{name}/{found[0].version}')", "dim"))
    if found.token:
        console.print(plain(f"older ones are left out; --limit {limit * 5} shows more", "dim"))


def table(console: Console, found: Sequence[ModelVersion]) -> Table:
    """Versions as a table that fits the console."""
    stage = [plain((one.current_stage or "None").lower(), STAGE.get(one.current_stage or "", "")) for one in found]
    return fit(
        console,
        [
            Column("version", [plain(one.version, "bold cyan") for one in found], right=True),
            Column("stage", stage),
            Column("aliases", [plain(" ".join(f"@{alias}" for alias in one.aliases)) for one in found], least=12),
            Column("run", [plain((one.run_id or "")[: find.SHORT]) for one in found], worth=5),
            Column("content", [plain(one.digest[:12]) for one in found], worth=3),
            Column("by", [plain(one.user_id or "") for one in found], worth=2),
            Column("created", [plain(text.ago(one.creation_timestamp)) for one in found], worth=6),
            Column("description", [plain(one.description or "") for one in found], least=16, worth=1),
        ],
    )
