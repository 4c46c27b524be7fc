"""``autotrack models promote``, ``approve`` and ``rollback``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from autotrack.cli import text
from autotrack.cli.console import box, open_console, plain, unicode
from autotrack.cli.models import finding
from autotrack.cli.models.history import deed, print_head, who
from autotrack.cli.models.options import Name, Reason, Version
from autotrack.cli.options import AsJson, Store
from autotrack.client import Client

if TYPE_CHECKING:
    from rich.console import Console

    from autotrack.client.promotion import Promotion

To = Annotated[str, typer.Option("--to", help='A stage, such as "Production", or an alias, such as "@champion".')]


def promote(
    name: Name,
    version: Version,
    to: To,
    reason: Reason = "",
    policies: Annotated[
        str | None, typer.Option(metavar="FILE", help="Instead of autotrack-policies.toml of this project.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave other versions in the stage instead of archiving.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Only check; change nothing.")] = False,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Put a version into a stage, or have an alias lead to it, if it meets the project's policies.

    Prints a table of checks. Exit code 1, and nothing is changed, where one of them is not met.
    """
    client = Client(store)
    number = finding.version(client, name, version).version
    done = client.promote_model_version(
        name, number, to, reason=reason, policies=policies, keep_others=keep, only_check=check
    )
    if as_json:
        print(text.as_json(facts(done)))
    else:
        report(open_console(), done)
    if not done.passed:
        raise typer.Exit(1)


def rollback(name: Name, to: To, reason: Reason = "", store: Store = None, as_json: AsJson = False) -> None:
    """Put the version back that was in a stage, or that an alias led to, before the present one."""
    done = Client(store).rollback_model_version(name, to, reason=reason)
    if as_json:
        print(text.as_json(facts(done)))
    else:
        report(open_console(), done)


def approve(
    name: Name,
    version: Version,
    to: Annotated[str, typer.Option("--to", help="Only for this stage or @alias; by default for any.")] = "",
    reason: Reason = "",
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Stand in your own name for a version, as policies may demand of others than its author."""
    client = Client(store)
    number = finding.version(client, name, version).version
    change = client.approve_model_version(name, number, to=to, reason=reason)
    if as_json:
        print(text.as_json(change.to_dictionary()))
        return
    console = open_console()
    console.print(plain(f"{deed(change)} by {who(change)}"), soft_wrap=True)
    print_head(console, change.hash)


def facts(done: Promotion) -> dict[str, Any]:
    """A promotion as ``--json`` prints it."""
    return {**asdict(done), "passed": done.passed}


def report(console: Console, done: Promotion) -> None:
    """The checks and what came of them, for a reader."""
    if done.checks:
        shown = Table(box=box(console), pad_edge=False, header_style="dim")
        shown.add_column("check", overflow="fold")
        shown.add_column("", no_wrap=True)
        shown.add_column("found", overflow="fold")
        good, bad = ("✓", "✗") if unicode(console) else ("ok", "FAILED")
        for one in done.checks:
            mark = plain(good, "green") if one.passed else plain(bad, "bold red")
            shown.add_row(text.clean(one.demand), mark, text.clean(one.found))
        console.print(shown)
    elif done.policies:
        console.print(plain(f"{done.policies} demands nothing of {done.name} at {done.to}", "dim"), soft_wrap=True)
    before = f", instead of version {done.before}" if done.before and done.before != done.version else ""
    if done.made:
        told = f"{done.name} version {done.version} is at {done.to}{before}"
    elif done.passed:
        told = f"{done.name} version {done.version} may go to {done.to}{before}; nothing was changed"
    else:
        failed = sum(not check.passed for check in done.checks)
        told = f"{failed} of {len(done.checks)} checks failed; nothing was changed"
    console.print(plain(told, "bold green" if done.passed else "bold red"), soft_wrap=True)
    if done.head:
        print_head(console, done.head)
