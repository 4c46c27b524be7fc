"""``autotrack doctor``: what would be recorded here, where to, and what stands in the way."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

import autotrack
from autotrack import guard, settings
from autotrack.analysis.finding import every_run, experiments
from autotrack.analysis.inferred import of_last_run
from autotrack.cli import text
from autotrack.cli.console import box, open_console, plain
from autotrack.cli.options import AsJson, Store
from autotrack.client import Client
from autotrack.exceptions import AutotrackException

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

_OURS = ("AUTOTRACK_", "MLFLOW_")
_SECRET = ("PASSWORD", "TOKEN", "SECRET", "KEY")
_STATE = {"on": "green", "off": "yellow", "not installed": "dim"}


def doctor(
    store: Store = None,
    load: Annotated[
        bool, typer.Option(help="Import the frameworks, to see whether every hook finds its place.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Say what is recorded here and why something is not.

    Exit code 1 when something needs attention.
    """
    integrations = look_at_integrations(load=load)
    place = look_at_store(store)
    last = place.pop("last")
    findings = {
        "autotrack": autotrack.__version__,
        "python": f"{platform.python_version()} ({sys.executable})",
        "platform": platform.platform(),
        "store": place,
        "environment": environment(os.environ),
        "integrations": integrations,
        "failures": guard.failures(),
        "inferred": last,
    }
    findings["attention"] = attention(place, integrations)
    if as_json:
        print(text.as_json(findings))
    else:
        print_findings(open_console(), findings)
    if findings["attention"]:
        raise typer.Exit(1)


def look_at_integrations(*, load: bool) -> list[dict[str, Any]]:
    """Each installed integration with its framework's version and, with ``load``, the state of its hooks."""
    if load and not settings.disabled():
        autotrack.autolog(silent=True)
        for row in autotrack.doctor():
            with guard.guard(f"import of {row['module']}"):
                if _version(row["module"]):
                    __import__(row["module"])
    rows = autotrack.doctor()
    for row in rows:
        row["version"] = _version(row["module"])
        if not row["version"] and row["package"]:  # those without one hear what the program says of itself
            row["state"] = "not installed"
    return rows


def look_at_store(uri: str | None) -> dict[str, Any]:
    """Where the record is, and whether it can be read and written. Nothing is made that is not there."""
    facts: dict[str, Any] = {"uri": uri, "state": "", "runs": None, "experiments": None, "faults": [], "last": {}}
    try:
        client = Client(uri)
        facts["uri"] = client.tracking_uri
        directory = settings.local_directory(client.tracking_uri)
        if directory is not None and not directory.exists():
            facts["state"] = "not there yet; the first run makes it"
            return facts
        names = experiments(client)
        facts["experiments"] = len(names)
        facts["runs"] = sum(1 for _ in every_run(client, names))
        if facts["runs"]:
            name, why = of_last_run(client, list(names))
            facts["last"] = {"run": name, "why": why}
        faults = client.store.faults() if directory is not None else ()  # a server's are its own affair
        facts["faults"] = [f"{fault.file} at byte {fault.offset}: {fault.reason}" for fault in faults]
        writable = directory is None or os.access(directory, os.W_OK)
        facts["state"] = "in order" if writable else f"read-only: {directory} cannot be written"
    except (AutotrackException, OSError) as error:
        facts["state"] = str(error)
    return facts


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables that autotrack heeds; the values of secret ones are not shown."""
    return {
        name: "(set, not shown)" if any(part in name for part in _SECRET) else value
        for name, value in sorted(variables.items())
        if name.startswith(_OURS)
    }


def attention(place: Mapping[str, Any], integrations: Sequence[Mapping[str, Any]]) -> list[str]:
    """What keeps something from being recorded, each with what to do."""
    found = []
    if settings.disabled():
        found.append("AUTOTRACK_DISABLED is set: nothing is recorded; unset it")
    if place["state"] not in ("in order", "not there yet; the first run makes it"):
        found.append(f"the store: {place['state']}")
    if place["faults"]:
        found.append(f"{len(place['faults'])} places of the journals cannot be read: {place['faults'][0]}")
    for row in integrations:
        if row["why"] and row["state"] == "off":
            found.append(f"{row['integration']}: {row['why']}")
        found += [
            f"{row['integration']}: {hook['hook']} failed repeatedly and was switched off"
            for hook in row["hooks"]
            if hook["switched_off"]
        ]
        found += [
            f"{row['integration']}: {target}: {state}"
            for hook in row["hooks"]
            for target, state in hook["targets"].items()
            if state.startswith("skipped") and not row["why"]
        ]
    return found


def print_findings(console: Console, findings: Mapping[str, Any]) -> None:
    """The findings for a reader."""
    place = findings["store"]
    counts = f", {place['runs']} runs in {place['experiments']} experiments" if place["runs"] is not None else ""
    for name, value in {
        "autotrack": f"{findings['autotrack']} in {Path(autotrack.__file__ or '').parent}",
        "python": findings["python"],
        "platform": findings["platform"],
        "store": f"{place['uri']}: {place['state']}{counts}",
    }.items():
        console.print(Text.assemble((f"{name:>11}  ", "dim"), text.clean(value)), soft_wrap=True)
    for name, value in findings["environment"].items():
        console.print(Text.assemble(("environment  ", "dim"), text.clean(f"{name}={value}")), soft_wrap=True)
    console.print()
    shown = Table(box=box(console), pad_edge=False, header_style="bold")
    for title in ("integration", "framework", "supports", "state", "hooks"):
        shown.add_column(title, no_wrap=title != "hooks")
    for row in findings["integrations"]:
        shown.add_row(
            plain(row["integration"]),
            plain(f"{row['module']} {row['version'] or ''}"),
            plain(row["supports"]),
            plain(row["state"], _STATE.get(row["state"], "")),
            text.clean(row["why"] or _hooks(row["hooks"])),
        )
    console.print(shown)
    last = findings["inferred"]
    for name, why in last["why"].items() if last else ():
        told = Text.assemble((f"inferred for {last['run']}  ", "dim"), text.clean(f"{name}: {why}"))
        console.print(told, soft_wrap=True)
    for problem in findings["attention"]:
        console.print(Text.assemble(("! ", "bold yellow"), text.clean(problem)), soft_wrap=True)
    if not findings["attention"]:
        console.print(Text("all in order", "green"))


def _hooks(hooks: Sequence[Mapping[str, Any]]) -> str:
    if not hooks:
        return ""
    states = [state for hook in hooks for state in hook["targets"].values()]
    kinds = ", ".join(f"{states.count(kind)} {kind}" for kind in dict.fromkeys(states))
    return f"{len(hooks)} hooks: {kinds}; fired {sum(hook['fired'] for hook in hooks)} times"


def _version(module: str) -> str | None:
    from importlib.metadata import packages_distributions  # reads every distribution; this command only

    for name in packages_distributions().get(module.partition(".")[0], ()):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return None
