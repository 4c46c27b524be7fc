"""``autotrack delete`` and ``restore``: runs that nobody wants to see, and how they come back."""

from __future__ import annotations

from autotrack.cli import find
from autotrack.cli.console import open_console, plain
from autotrack.cli.options import RunIds, Store
from autotrack.client import Client


def delete(runs: RunIds, store: Store = None) -> None:
    """Mark runs as deleted. Nothing is removed: `autotrack restore` brings them back, `autotrack gc` removes them."""
    _mark(runs, store, deleted=True)


def restore(runs: RunIds, store: Store = None) -> None:
    """Bring deleted runs back."""
    _mark(runs, store, deleted=False)


def _mark(given: list[str], store: str | None, *, deleted: bool) -> None:
    client = Client(store)
    # All are found before the first one is changed.
    found = {run.info.run_id: run for run in [find.run(client, one) for one in given]}
    console = open_console()
    for run_id, run in found.items():
        (client.delete_run if deleted else client.restore_run)(run_id)
        console.print(
            plain(f"{'deleted' if deleted else 'restored'}  {run_id[: find.SHORT]}  {run.info.run_name or ''}")
        )
