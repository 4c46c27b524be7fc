"""The model registry: models get names and versions there."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autotrack import settings
from autotrack.entities import every
from autotrack.exceptions import AutotrackException
from autotrack.fluent.asking import client
from autotrack.fluent.recording import get_tracking_uri

if TYPE_CHECKING:
    from autotrack.entities import ModelVersion, RegisteredModel


def register_model(
    model_uri: str, name: str, await_registration_for: int = 300, *,  # noqa: ARG001 - MLflow's signature; a version is ready when it exists
    tags: Mapping[str, Any] | None = None, env_pack: Any = None,
) -> ModelVersion:  # fmt: skip
    """Make the model at ``runs:/<run_id>/<name>``, ``models:/<model_id>`` or a path the next version of a registered
    model, which is created if it does not exist."""
    if settings.disabled():
        return _unregistered(model_uri, name, tags)
    if env_pack is not None:
        raise AutotrackException.invalid("environments are not packed; leave env_pack out")
    return client().register(model_uri, name, tags)


def _unregistered(model_uri: str, name: str, tags: Mapping[str, Any] | None) -> ModelVersion:
    """What a program gets that records nothing, so that it runs on to its end."""
    from autotrack.entities import ModelVersion  # slow to load for the other functions, which name it as a type

    texts = {str(key): str(value) for key, value in (tags or {}).items()}
    return ModelVersion(
        name, "0", time.time_ns() // 1_000_000, source=str(model_uri), status="FAILED_REGISTRATION",
        status_message="autotrack is switched off by AUTOTRACK_DISABLED, and nothing was registered", tags=texts,
    )  # fmt: skip


def search_registered_models(
    max_results: int | None = None, filter_string: str | None = None, order_by: Sequence[str] | None = None
) -> list[RegisteredModel]:
    """The registered models that match, by name unless ordered otherwise; all of them without ``max_results``."""
    asked = client()
    return list(every(lambda token: asked.search_registered_models(filter_string, 1000, order_by, token), max_results))


def search_model_versions(
    max_results: int | None = None, filter_string: str | None = None, order_by: Sequence[str] | None = None
) -> list[ModelVersion]:
    """The versions that match, those changed last first unless ordered otherwise; all of them without
    ``max_results``."""
    asked = client()
    return list(every(lambda token: asked.search_model_versions(filter_string, 10_000, order_by, token), max_results))


def set_model_version_tag(name: str, version: str | None = None, key: str | None = None, value: Any = None) -> None:
    """Set a tag of a version."""
    if settings.disabled():
        return
    client().set_model_version_tag(name, version, key, value)


def get_registry_uri() -> str:
    """Where registered models are kept: the place that runs are recorded to."""
    return get_tracking_uri()


def set_registry_uri(uri: str) -> None:
    """Taken if it is the tracking URI; another place is an error."""
    if uri and uri != get_tracking_uri():
        raise AutotrackException.invalid(
            f"{uri}: registered models are kept where runs are recorded, at {get_tracking_uri()}; set_tracking_uri() "
            "sets both"
        )
