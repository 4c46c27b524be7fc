"""Registered models that MLflow keeps, as what happened to them."""

from __future__ import annotations

from collections.abc import Iterable

from autotrack.entities import ModelVersion, RegisteredModel
from autotrack.exchange.versions import history_of
from autotrack.store.registry.changes import Entry

_DELETED = "Deleted_Internal"
"""The stage by which MLflow marks a version that was deleted; its row or directory stays."""


def kept(model: RegisteredModel, versions: Iterable[ModelVersion]) -> list[Entry]:
    """The history of a model and of those of its versions that are still there."""
    return history_of(model, [one for one in versions if one.current_stage != _DELETED])
