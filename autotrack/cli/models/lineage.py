"""``autotrack models lineage``: from a version to what made it, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from autotrack.cli import find, text
from autotrack.cli.console import open_console, plain
from autotrack.cli.models import finding
from autotrack.cli.options import AsJson, Store
from autotrack.client import Client
from autotrack.exceptions import AutotrackException

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from autotrack.entities import ModelVersion

SHOWN = 12
"""Parameters and packages that are printed; ``--json`` has them all."""


def lineage(
    name: Annotated[str, typer.Argument(help="The registered model's name.")] = "",
    version: Annotated[str, typer.Argument(help="The version's number, a stage, or an alias with @ in front.")] = "",
    run: Annotated[str, typer.Option(help="Back: the versions that come from this run.")] = "",
    model: Annotated[str, typer.Option(metavar="MODEL_ID", help="Back: those of this logged model.")] = "",
    data: Annotated[str, typer.Option(metavar="DIGEST", help="Back: those whose runs read this data.")] = "",
    commit: Annotated[str, typer.Option(help="Back: those of this commit's code.")] = "",
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Show the run, code, data and environment of a version; or the versions that come of a run, data or code."""
    client = Client(store)
    if name and version:
        _print_origin(client, name, version, as_json=as_json)
        return
    if name or not any((run, model, data, commit)):
        raise AutotrackException.invalid("name a model and a version, or --run, --model, --data or --commit")
    run_id = find.run(client, run).info.run_id if run else None
    found = client.find_model_versions(run_id=run_id, model_id=model or None, data=data or None, commit=commit or None)
    if as_json:
        print(text.as_json({"store": client.tracking_uri, "versions": [one.to_dictionary() for one in found]}))
        return
    _print_versions(open_console(), found)


def _print_origin(client: Client, name: str, version: str, *, as_json: bool) -> None:
    chosen = finding.version(client, name, version)
    facts = client.get_model_version_lineage(name, chosen.version)
    if as_json:
        print(text.as_json(facts))
        return
    console = open_console()
    console.print(Text.assemble((text.clean(f"{name} version {chosen.version}"), "bold"), f"  {finding.place(chosen)}"))
    origin = facts["run"]
    lines: dict[str, Any] = {
        "created": f"{text.moment(chosen.creation_timestamp)} by {chosen.user_id or 'somebody'}",
        "source": chosen.source,
        "content": chosen.digest,
        "files": chosen.location.removeprefix("file://"),
    }
    if origin is not None:
        state = origin["status"].lower() + (", deleted" if origin["lifecycle_stage"] != "active" else "")
        lines["run"] = f"{origin['run_id']}  {origin['run_name'] or ''}  {state}, by {origin['user_id']}"
    elif chosen.run_id:
        lines["run"] = f"{chosen.run_id}, whose files are not there any more"
    lines |= facts["code"]
    for key, value in lines.items():
        if value:
            console.print(Text.assemble((f"{key:>11}  ", "dim"), text.clean(str(value))), soft_wrap=True)
    for one in facts["data"]:
        told = f"{one['name']} ({one['context'] or 'no role'})  digest {one['digest']}"
        console.print(Text.assemble((f"{'data':>11}  ", "dim"), text.clean(told)), soft_wrap=True)
    for title, pairs in (("parameters", facts["params"]), ("environment", facts["environment"])):
        if pairs:
            told = "  ".join(f"{key}={value}" for key, value in list(pairs.items())[:SHOWN])
            more = f"  and {len(pairs) - SHOWN} more" if len(pairs) > SHOWN else ""
            console.print(Text.assemble((f"{title:>11}  ", "dim"), text.clean(told + more)), soft_wrap=True)
    if facts["siblings"]:
        told = ", ".join(facts["siblings"])
        console.print(Text.assemble((f"{'the same':>11}  ", "dim"), text.clean(told)), soft_wrap=True)


def _print_versions(console: Console, found: Sequence[ModelVersion]) -> None:
    if not found:
        console.print("no version comes from there")
    for one in found:
        run = f"  run {one.run_id[: find.SHORT]}" if one.run_id else ""
        console.print(plain(f"{one.model_uri}  {finding.place(one)}{run}"), soft_wrap=True)
