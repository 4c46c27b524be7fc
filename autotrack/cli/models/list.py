"""``autotrack models list``: the registered models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from autotrack.cli import text
from autotrack.cli.console import open_console, plain
from autotrack.cli.options import AsJson, Limit, Store
from autotrack.cli.table import Column, fit
from autotrack.client import Client

if TYPE_CHECKING:
    from autotrack.entities import RegisteredModel


def list_models(
    where: Annotated[str, typer.Option(help="Only these, such as \"name LIKE 'fraud%' AND tags.team = 'ml'\".")] = "",
    limit: Limit = 100,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """List the registered models: how many versions, what is in which stage, where the aliases lead."""
    client = Client(store)
    found = client.search_registered_models(where, limit)
    if as_json:
        print(text.as_json({"store": client.tracking_uri, "models": [facts(model) for model in found]}))
        return
    console = open_console()
    if not found:
        told = "no model fits" if where else "no registered model yet; autotrack.register_model(uri, name) makes one"
        console.print(f"{told} ({client.tracking_uri})")
        return
    columns = [
        Column("model", [plain(model.name, "bold cyan") for model in found], least=20),
        Column("latest", [plain(latest(model)) for model in found], right=True),
        Column("stages", [plain(stages(model)) for model in found], least=16, worth=3),
        Column("aliases", [plain(aliases(model)) for model in found], least=16, worth=2),
        Column("changed", [plain(text.ago(model.last_updated_timestamp or 0)) for model in found], worth=1),
    ]
    console.print(fit(console, columns))
    if found.token:
        console.print(plain(f"others are left out; --limit {limit * 5} shows more", "dim"))


def latest(model: RegisteredModel) -> str:
    """The highest version that is there."""
    numbers = [int(one.version) for one in model.latest_versions]
    return str(max(numbers)) if numbers else "none"


def stages(model: RegisteredModel) -> str:
    """The versions that are in a stage."""
    named = [one for one in model.latest_versions if one.current_stage != "None"]
    return "  ".join(f"{one.current_stage} {one.version}" for one in named)


def aliases(model: RegisteredModel) -> str:
    """Where the aliases lead."""
    return "  ".join(f"@{alias} {version}" for alias, version in model.aliases.items())


def facts(model: RegisteredModel) -> dict[str, Any]:
    """A registered model as ``--json`` prints it."""
    return {**dict(model), "latest_versions": [one.to_dictionary() for one in model.latest_versions]}
