"""Which store a tracking URI means to a client."""

from __future__ import annotations

from pathlib import Path

from autotrack.sinks.open import store_directory


def resolved(uri: str | Path | None) -> tuple[str, Path]:
    """The URI, by default that of the place where runs are recorded, and its directory; raises for one that no client
    of this version reads."""
    directory = store_directory(None if uri is None else str(uri))
    text = str(directory) if uri is None else str(uri)
    return text if "://" not in text and not text.startswith("file:") else str(directory), directory
