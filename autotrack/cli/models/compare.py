"""``autotrack models compare``: what tells versions apart."""

from __future__ import annotations

from typing import Annotated

import typer

from autotrack.cli import comparison, text
from autotrack.cli.console import open_console
from autotrack.cli.models import finding
from autotrack.cli.models.options import Name
from autotrack.cli.options import AsJson, Store
from autotrack.client import Client


def compare(
    name: Name,
    versions: Annotated[
        list[str],
        typer.Argument(help="Two or more: numbers, stages, @aliases; of another model name/3."),
    ],
    all_keys: Annotated[bool, typer.Option("--all", help="Also what is the same in all of them.")] = False,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Compare versions by metrics, parameters, data, environment, signature and code; what differs comes first."""
    client = Client(store)
    chosen = [_one(client, name, given) for given in versions]
    found = client.compare_model_versions(chosen)
    titles = [f"{model} {number}" if model != name else f"version {number}" for model, number in chosen]
    if as_json:
        named = [{"name": model, "version": number} for model, number in chosen]
        print(text.as_json({"versions": named, **found}))
        return
    comparison.show(open_console(), titles, found, all_keys=all_keys)


def _one(client: Client, name: str, given: str) -> tuple[str, str]:
    other, slash, version = given.rpartition("/")
    model = other if slash else name
    return model, finding.version(client, model, version).version
