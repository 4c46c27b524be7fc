"""``autotrack scrub``: a secret that slipped through."""

from __future__ import annotations

from typing import Annotated

import typer

from autotrack.cli import find
from autotrack.cli.console import open_console, plain
from autotrack.cli.options import RunId, Store
from autotrack.client import Client
from autotrack.exceptions import AutotrackException
from autotrack.store.scrub import pattern
from autotrack.store.scrub import scrub as clean

_SHARED = "the same content lies in files of other runs or models: scrub those too"
_MODELS = "models among these files no longer verify: their digests were taken before"


def scrub(
    run: RunId,
    text: Annotated[str, typer.Argument(metavar="PATTERN", help="What is to be taken out, letter by letter.")],
    regex: Annotated[bool, typer.Option("--regex", help="PATTERN is a regular expression.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say where it is.")] = False,
    store: Store = None,
) -> None:
    """Overwrite a secret in everything that a run has recorded: events, parameters, tags, files.

    The secret itself is known to others by then: have it replaced where it is good for something.
    """
    what = pattern(text, regex=regex)
    client = Client(store)
    run_id = find.run(client, run).info.run_id
    directory = client.store.directory
    if directory is None:
        raise AutotrackException.invalid("only runs of a store on this machine can be scrubbed; do it where it lies")
    result = clean(directory, run_id, what, dry=dry_run)
    if result.found and not dry_run:
        client.set_tag(run_id, "autotrack.scrubbed", str(sum(result.found.values())))
    console = open_console()
    for name, count in result.found.items():
        console.print(plain(f"{count:>5}  {name}{'  (shared)' if name in result.shared else ''}"))
    total = sum(result.found.values())
    console.print(plain(f"{total} places in {len(result.found)} files {'found' if dry_run else 'overwritten'}"))
    for name in result.named:
        console.print(plain(f"it is in the name of {name}, which stays"))
    if result.shared:
        console.print(plain(_SHARED))
    if any("/MLmodel" in name or name.startswith("artifacts/model") for name in result.found):
        console.print(plain(_MODELS))
