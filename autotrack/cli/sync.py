"""``autotrack sync``: what was recorded goes to its servers."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from autotrack import settings
from autotrack.cli import find, text
from autotrack.cli.console import open_console, plain
from autotrack.cli.options import AsJson
from autotrack.exceptions import AutotrackException
from autotrack.exchange.pushing import Pushed, push
from autotrack.sinks.local import check_store
from autotrack.sinks.uploads.outbox import Outbox, outboxes
from autotrack.sinks.uploads.sync import HELD, RUNNING, SENT, Sent, sync, unsent
from autotrack.wire.address import address
from autotrack.wire.connection import Refused, Unavailable

WORDS = {SENT: "sent", RUNNING: "still running, sent so far", HELD: "held back"}


def sync_runs(
    directory: Annotated[Path | None, typer.Argument(help="The store; by default that of this project.")] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", help="Send all of the store to this server: local runs too, and registered models."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send what was recorded for a server and has not arrived there yet.

    May be called at any time, also while programs record, and again after it was stopped. The exit code is 1 if
    something is still unsent.
    """
    store = settings.journal_store() if directory is None else directory.expanduser().absolute()
    if not check_store(store):
        raise AutotrackException.missing(f"there is no store in {store}; name the directory that runs were recorded to")
    boxes = outboxes(store)
    if to is not None:
        box = Outbox(store, address(to))
        box.note_pushed({})
        for run_id in unsent(store, box):
            box.add(run_id)
        boxes = [box]
    found = [_sent(box, as_json=as_json) for box in boxes]
    if as_json:
        print(text.as_json({"store": str(store), "servers": found}))
    elif not any(one["runs"] or one["error"] or one["models"] for one in found):
        open_console().print(f"nothing is unsent ({store})")
    if any(one["error"] or any(thing["reason"] for thing in (*one["runs"], *one["models"])) for one in found):
        raise typer.Exit(1)


def _sent(box: Outbox, *, as_json: bool) -> dict[str, Any]:
    """What came of the runs and the registered models for one server."""
    runs: list[Sent] = []
    models: list[Pushed] = []
    error = ""
    total = len(box.waiting())
    progress = sys.stderr.isatty() and not as_json

    def told(one: Sent) -> None:
        runs.append(one)
        if progress:
            sys.stderr.write(f"\r{len(runs)} of {total}")

    try:
        sync(box, settings.current().query_timeout, told)
        if "pushed" in box.facts:
            models = [one for one in push(box) if one.changes or one.reason]
    except (Unavailable, Refused) as problem:
        error = problem.message
    if progress and runs:
        sys.stderr.write("\r\033[K")
    if not as_json:
        _print(box, runs, models, error, total)
    return {
        "server": box.server.uri,
        "runs": [asdict(one) for one in runs],
        "models": [asdict(one) for one in models],
        "unsent": total - len(runs),
        "error": error,
    }


def _print(box: Outbox, runs: list[Sent], models: list[Pushed], error: str, total: int) -> None:
    console = open_console()
    for state, words in WORDS.items():
        some = [one for one in runs if one.state == state]
        if some:
            console.print(plain(f"{len(some)} {_runs(len(some))} {words} ({box.server.uri})"))
        for one in some if state == HELD else ():
            console.print(plain(f"  {one.run_id[: find.SHORT]}  {one.reason}", "bold red"))
    for model in models:
        told = (
            model.reason or f"{model.changes} {'change' if model.changes == 1 else 'changes'} sent ({box.server.uri})"
        )
        console.print(plain(f"{model.name}: {told}", "bold red" if model.reason else ""))
    if error:
        left = total - len(runs)
        console.print(plain(f"{left} {_runs(left)} unsent: {error}", "bold red"))


def _runs(count: int) -> str:
    return "run" if count == 1 else "runs"
