"""``autotrack reindex``: the index of a store, from its journals."""

from __future__ import annotations

from autotrack.cli.console import open_console, plain
from autotrack.cli.options import Store
from autotrack.entities import ViewType
from autotrack.exceptions import AutotrackException
from autotrack.sinks.open import store_directory
from autotrack.store import open_store


def reindex(store: Store = None) -> None:
    """Read every journal of a local store again, as after runs were copied into it or removed from it by hand.

    What programs record is taken in by itself.
    """
    directory = store_directory(store)
    if not directory.is_dir():
        raise AutotrackException.missing(f"there is no store {directory}; a program that records makes one")
    kept = open_store(directory)
    kept.reindex()
    console = open_console()
    console.print(plain(f"{kept.count(view=ViewType.ALL)} runs in {directory}"))
    for fault in kept.faults():
        console.print(plain(f"cannot be read: {fault.scope} {fault.file} at {fault.offset}: {fault.reason}", "red"))
