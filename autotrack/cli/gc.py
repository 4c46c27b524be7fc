"""``autotrack gc``: runs that may go for good."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autotrack.cli import find, text
from autotrack.cli.console import open_console, plain
from autotrack.cli.options import AsJson, Experiments, Mode
from autotrack.cli.places import DATABASE, places
from autotrack.client import Client
from autotrack.exceptions import AutotrackException
from autotrack.store import Store
from autotrack.store.garbage import Collected, Policy, directory
from autotrack.store.garbage.policy import age
from autotrack.wire.address import is_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from autotrack.store import Questions


def gc(
    older_than: Annotated[str, typer.Option(metavar="AGE", help="Ended longer ago, such as '30 days'.")] = "",
    failed: Annotated[bool, typer.Option("--failed", help="Failed, killed or lost.")] = False,
    where: Annotated[str, typer.Option(help='That a filter finds, such as "tags.keep IS NULL".')] = "",
    keep_best: Annotated[
        int, typer.Option(metavar="K", min=0, help="Not the K best of each experiment by --metric.")
    ] = 0,
    metric: Annotated[str, typer.Option("--metric", "-m", help="What --keep-best goes by.")] = "",
    mode: Mode = None,
    experiment: Experiments = None,
    active: Annotated[bool, typer.Option("--active", help="Also runs that nobody has deleted.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go, and how many bytes.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    store: Annotated[str | None, typer.Option(help="Another store, or the database of a server.")] = None,
    artifacts: Annotated[str | None, typer.Option(metavar="PLACE", help="Where that server keeps files.")] = None,
    as_json: AsJson = False,
) -> None:
    """Remove deleted runs for good, with all of their files.

    Those go that every option holds for. Runs that are running, that a registered model comes from, or that a run needs
    which stays, are kept.
    """
    questions, collect = _opened(store, artifacts)
    client = Client.on(questions)
    policy = Policy(
        experiment_ids=None if not experiment else [_experiment(client, one) for one in experiment],
        where=where, older_than=age(older_than) if older_than else None, failed=failed, keep_best=keep_best,
        metric=metric, mode=mode, active=active,
    )  # fmt: skip
    if not dry_run and not yes and sys.stdin.isatty():
        _tell(collect(policy, dry=True), dry=True)
        typer.confirm("Remove them for good?", abort=True)
    found = collect(policy, dry=dry_run)
    if as_json:
        print(text.as_json(_facts(found)))
    else:
        _tell(found, dry=dry_run)
    if found.left:
        raise typer.Exit(1)


def _opened(store: str | None, artifacts: str | None) -> tuple[Questions, Callable[..., Collected]]:
    """A store, and what removes runs from it."""
    if store is not None and DATABASE.match(store):
        try:
            from autotrack.store.database import open_database  # alembic and a driver, which a directory goes without
            from autotrack.store.garbage import database  # the same
        except ImportError as error:
            raise AutotrackException.missing(
                f"a database needs {error.name}: pip install 'autotrack-ml[server]'"
            ) from error
        from autotrack.wire.objects import open_objects  # obstore, where files are in a bucket

        url, files = places(store, artifacts)
        kept, objects = open_database(url, database.PROXIED), open_objects(files)
        return kept, lambda policy, dry: database.collect(kept, objects, policy, dry=dry)
    if store is not None and is_server(store):
        raise AutotrackException.invalid(
            f"{store} removes nothing for its clients; on its machine, name its database with --store, and with "
            "--artifacts where it keeps files"
        )
    questions = Client(store).store
    assert isinstance(questions, Store)
    return questions, lambda policy, dry: directory.collect(questions, policy, dry=dry)


def _experiment(client: Client, given: str) -> str:
    found = client.get_experiment_by_name(given)
    return (client.get_experiment(given) if found is None else found).experiment_id


def _facts(found: Collected) -> dict[str, Any]:
    return {
        "removed": [{"run_id": one.run_id, "name": one.name, "bytes": size} for one, size in found.removed.items()],
        "kept": [{"run_id": one.run_id, "name": one.name, "reason": reason} for one, reason in found.kept.items()],
        "freed": found.freed,
        "left": found.left,
    }


def _tell(found: Collected, *, dry: bool) -> None:
    console = open_console()
    for one, size in found.removed.items():
        console.print(plain(f"{text.size(size):>10}  {one.run_id[: find.SHORT]}  {one.status.lower():8}  {one.name}"))
    for one, reason in found.kept.items():
        console.print(plain(f"{'stays':>10}  {one.run_id[: find.SHORT]}  {reason}", "dim"))
    for place, reason in found.left.items():
        console.print(plain(f"the files in {place} could not be removed: {reason}"))
    runs = f"{len(found.removed)} run{'' if len(found.removed) == 1 else 's'}"
    shared = "; the rest of it is also that of other runs" if found.freed < sum(found.removed.values()) else ""
    done = "would be removed" if dry else "removed"
    console.print(plain(f"{runs} {done}, {text.size(found.freed)}{shared}"))
