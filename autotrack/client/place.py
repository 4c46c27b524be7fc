"""Which store a tracking URI means to a client."""

from __future__ import annotations

from pathlib import Path

from autotrack.exceptions import AutotrackException
from autotrack.settings import local_directory
from autotrack.sinks.open import tracking_uri


def resolved(uri: str | Path | None) -> tuple[str, Path]:
    """The URI, by default the one in force, and its directory; raises for one that no client of this version reads."""
    text = str(uri) if uri is not None else tracking_uri()
    if text.startswith(("http://", "https://", "databricks")):
        raise AutotrackException.invalid(
            f"{text} is a server, and this version reads local stores only; set the tracking URI to a directory"
        )
    if text.startswith(("sqlite:", "postgresql", "mysql", "mssql")):
        raise AutotrackException.invalid(
            f"{text} is a database that autotrack did not make; it is left as it is. Set the tracking URI to a "
            "directory, such as .autotrack, and keep reading that database with the program that made it"
        )
    directory = local_directory(text)
    if directory is None:
        raise AutotrackException.invalid(f"{text} is not a local store; set the tracking URI to a directory")
    return text if "://" not in text and not text.startswith("file:") else str(directory), directory
