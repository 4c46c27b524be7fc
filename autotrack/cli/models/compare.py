"""``autotrack models compare``: what tells versions apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from autotrack.cli import text
from autotrack.cli.console import box, open_console, plain
from autotrack.cli.models import finding
from autotrack.cli.models.options import AsJson, Name, Store
from autotrack.client import Client
from autotrack.client.differences import differs

if TYPE_CHECKING:
    from collections.abc import Sequence


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
    console = open_console()
    same = 0
    for part, rows in found.items():
        shown = {key: values for key, values in rows.items() if all_keys or differs(values)}
        same += len(rows) - len(shown)
        if not shown:
            continue
        grid = Table(box=box(console), pad_edge=False, header_style="dim")
        grid.add_column(part, overflow="fold")
        for title in titles:
            grid.add_column(plain(title), overflow="fold")
        for key, values in shown.items():
            style = "bold" if differs(values) else "dim"
            grid.add_row(text.clean(key), *(Text(cell, style) for cell in cells(values)))
        console.print(grid)
    if same:
        console.print(plain(f"{same} more are the same in all of them; --all shows them", "dim"))


def _one(client: Client, name: str, given: str) -> tuple[str, str]:
    other, slash, version = given.rpartition("/")
    model = other if slash else name
    return model, finding.version(client, model, version).version


def cells(values: Sequence[Any]) -> list[str]:
    """Values as they are printed; numbers with as many digits as it takes to tell those apart that differ."""
    for digits in (4, 6, 9, 17):
        shown = [_cell(value, digits) for value in values]
        if len(set(shown)) == len({repr(value) for value in values}):
            break
    return shown


def _cell(value: Any, digits: int) -> str:
    if value is None:
        return "-"
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.{digits}g}"
    return text.number(value) if isinstance(value, int | float) else text.clean(str(value))
