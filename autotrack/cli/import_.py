"""``autotrack import``: what was exported, or recorded with another tracker, becomes part of a store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from autotrack.cli import options, text
from autotrack.cli.console import open_console, plain
from autotrack.exchange.origin import KINDS, Given, opened
from autotrack.exchange.place import place
from autotrack.exchange.taking import Imported, take

_FEW = 10


def import_records(
    source: Annotated[
        str,
        typer.Argument(
            help="A bundle, a store, a server, mlruns, a database of MLflow's, a directory of TensorBoard's, of W&B's "
            "offline runs, or of Neptune's export."
        ),
    ],
    kind: Annotated[str, typer.Option("--from", help=f"What it is, if it is taken wrongly: {', '.join(KINDS)}.")] = "",
    experiment: Annotated[
        str, typer.Option("--experiment", "-e", help="For runs that know no experiment of their own.")
    ] = "",
    artifacts: Annotated[
        Path | None, typer.Option(help="The directory with the files, where the records do not say where they lie.")
    ] = None,
    deleted: Annotated[bool, typer.Option("--deleted", help="Also what was marked as deleted there.")] = False,
    store: options.Store = None,
    as_json: options.AsJson = False,
) -> None:
    """Take records into this project's store, or into the store or server that --store names.

    May be called again: what is there already stays as it is, and what contradicts it is an error before anything is
    written.
    """
    to = place(store)
    with to.room() as room, opened(Given(source, kind, experiment, artifacts, deleted), room) as records:
        done = take(records, to, room, _progress)
        notes = list(records.notes)
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    if as_json:
        print(text.as_json({
            "store": to.client.tracking_uri, "runs": done.runs, "known": done.known, "experiments": done.experiments,
            "models": done.models, "changes": done.changes, "points": done.points, "files": done.files, "notes": notes,
        }))  # fmt: skip
        return
    console = open_console()
    known = f", {len(done.known)} were there already" if done.known else ""
    console.print(plain(f"{len(done.runs)} runs with {done.points} points and {done.files} files{known} "
                        f"({to.client.tracking_uri})"))  # fmt: skip
    if done.models:
        console.print(plain(f"{done.models} registered models, {done.changes} changes"))
    for note in notes[:_FEW]:
        console.print(plain(note, "yellow"))
    if len(notes) > _FEW:
        console.print(plain(f"and {len(notes) - _FEW} more; --json tells all", "yellow"))


def _progress(done: Imported) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{len(done.runs)} runs")
