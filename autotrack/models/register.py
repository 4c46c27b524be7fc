"""From a logged model to the next version of a registered one."""

from __future__ import annotations

from typing import Any

from autotrack.models.format import ModelInfo


def register(info: ModelInfo, name: str) -> Any:
    """Make a model that a run has logged the next version of ``name``, which is created if it is not there yet."""
    from autotrack.client import Client  # heavy: SQLAlchemy, for those who register

    return Client(info.directory.parents[3]).register(f"models:/{info.model_id}", name)
