"""From what a user types to the versions that he means."""

from __future__ import annotations

from autotrack.client import Client
from autotrack.entities import ModelVersion


def version(client: Client, name: str, given: str) -> ModelVersion:
    """The version of a number, of an alias with @ in front, or the latest of a stage or of all."""
    if given.startswith("@"):
        return client.resolve_model_version(f"models:/{name}{given}")
    if given.isdigit():
        return client.get_model_version(name, given)
    return client.resolve_model_version(f"models:/{name}/{given}")


def place(version: ModelVersion) -> str:
    """The stage of a version, if it has one, and the aliases that lead to it."""
    stage = version.current_stage if version.current_stage != "None" else None
    return " ".join([*filter(None, [stage]), *(f"@{alias}" for alias in version.aliases)])
