"""The digest of a model directory, without reading a large one again that has not changed since it was last read."""

from __future__ import annotations

from pathlib import Path

from autotrack.models import format  # noqa: A004 - the module's name, not the builtin


def digest(directory: Path) -> str:
    """What `format.digest` says of the directory."""
    return format.digest(directory)[0]
