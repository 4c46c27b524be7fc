"""``autotrack models history``: who did what to a model, when and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from autotrack.analysis import telling
from autotrack.cli import text
from autotrack.cli.console import open_console, plain
from autotrack.cli.models.options import Name
from autotrack.cli.options import AsJson, Store
from autotrack.client import Client
from autotrack.client.moment import milliseconds

if TYPE_CHECKING:
    from rich.console import Console

    from autotrack.entities import RegistryChange

METRICS = 4
"""Metrics of a snapshot that are printed; ``--json`` has them all."""


def history(
    name: Name,
    at: Annotated[
        str, typer.Option(metavar="MOMENT", help="Only up to it, such as '2026-03-01 12:00' in the local time zone.")
    ] = "",
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Show all that was ever done to a model: who, when, from where to where, and why.

    Users are what the operating system calls them, and are marked as unverified, unless a server has authenticated
    them.
    """
    client = Client(store)
    until = milliseconds(at) if at else None
    found = [one for one in client.get_model_history(name) if until is None or one.time <= until]
    if as_json:
        print(text.as_json({"store": client.tracking_uri, "changes": [one.to_dictionary() for one in found]}))
        return
    console = open_console()
    for change in found:
        console.print(
            Text.assemble(
                (f"{change.number:>5}  ", "dim"),
                text.moment(change.time),
                "  ",
                (text.clean(deed(change)), "bold"),
                ("  by " + text.clean(who(change)), "dim"),
            ),
            soft_wrap=True,
        )
        if change.why:
            console.print(Text(f"       {text.clean(change.why)}"), soft_wrap=True)
        if change.metrics:
            told = [f"{key} {text.number(change.metrics[key])}" for key in telling.metrics_in_order(change.metrics)]
            more = f"  and {len(told) - METRICS} more" if len(told) > METRICS else ""
            console.print(Text("       " + text.clean("  ".join(told[:METRICS]) + more), "dim"), soft_wrap=True)
    if found:
        console.print()
        print_head(console, found[-1].hash)


def print_head(console: Console, digest: str) -> None:
    """The hash of an entry, whole also where the terminal is narrow: it is there to be copied."""
    console.print(plain(f"head {digest}", "dim"), soft_wrap=True)


def who(change: RegistryChange) -> str:
    """Who made a change, and whether that is known for sure."""
    name = change.user or "somebody"
    return name if change.verified else f"{name}{f' on {change.host}' if change.host else ''} (unverified)"


def deed(change: RegistryChange) -> str:
    """What was done, in words."""
    version = f"{change.name} {change.version}"
    words = {
        "model_created": f"created {change.name}",
        "model_described": f"described {change.name}: {change.after or 'nothing'}",
        "model_renamed": f"renamed {change.before} to {change.after}",
        "model_deleted": f"deleted {change.name} with its versions",
        "model_tags": f"{change.name}: tag {change.subject} {_set(change.after)}",
        "version_created": f"created version {version} from {change.after}",
        "version_described": f"described {version}: {change.after or 'nothing'}",
        "version_deleted": f"deleted version {version}, which was in stage {change.before}",
        "version_tags": f"{version}: tag {change.subject} {_set(change.after)}",
        "stage": f"{version}: {change.before} -> {change.after}",
        "alias": f"{change.name} @{change.subject}: {change.before or 'nothing'} -> {change.after or 'nothing'}",
        "approval": f"approved {version}{f' for {change.after}' if change.after else ''}",
    }
    told = words.get(change.kind, change.kind)
    if change.archived:
        told += f", archived {', '.join(change.archived)}"
    checks = len(change.checks)
    return told + (f", {checks} checks passed" if checks else "") + (", a rollback" if change.rollback else "")


def _set(value: str | None) -> str:
    return "taken away" if value is None else f"set to {value}"
