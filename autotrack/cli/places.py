"""Where a server of this machine keeps what it is told."""

from __future__ import annotations

import os
import re
from pathlib import Path

from autotrack.cli.text import clean
from autotrack.exceptions import AutotrackException
from autotrack.settings import local_directory

DATABASE = re.compile(r"(sqlite|postgresql)(\+\w+)?://|postgres://")
"""How the URL of a database begins."""


def places(store: str | None, artifacts: str | None) -> tuple[str, str]:
    """The database's URL and the place for files; by default those of the user's own data directory."""
    if store is None:
        home = _own_directory()
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        return f"sqlite:///{home / 'autotrack.db'}", artifacts or str(home / "artifacts")
    if not DATABASE.match(store):
        raise AutotrackException.invalid(f"{clean(store)!r} is no database: give sqlite:///PATH or postgresql://…")
    if artifacts is not None:
        return store, artifacts
    path = store.partition(":///")[2]
    if not store.startswith("sqlite") or not path:
        raise AutotrackException.invalid(
            "say with --artifacts where files go: a directory, or s3://…, gs://… or az://…"
        )
    return store, str((local_directory(path) or Path(path)).absolute().parent / "artifacts")


def _own_directory() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or ""
    return (Path(base) if base.startswith("/") else Path.home() / ".local" / "share") / "autotrack" / "server"
