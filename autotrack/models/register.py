"""From a logged model to the next version of a registered one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autotrack.models.format import ModelInfo
from autotrack.sinks.open import usable_sink


def register(info: ModelInfo, name: str) -> Any:
    """Make a model that a run has logged the next version of ``name``, which is created if it is not there yet."""
    from autotrack.client import Client  # heavy: SQLAlchemy, for those who register

    return Client(info.directory.parents[3]).register(f"models:/{info.model_id}", name)


def goes_to_server(directory: Path) -> bool:
    """Whether a model directory is part of what is recorded for a server, which then registers it."""
    sink = usable_sink()
    store: Path | None = getattr(sink, "directory", None)
    return store is not None and hasattr(sink, "uploader") and directory.is_relative_to(store)
