"""From a logged model to the next version of a registered one."""

from __future__ import annotations

from typing import Any

from autotrack.exceptions import AutotrackException
from autotrack.models.format import ModelInfo


def register(info: ModelInfo, name: str) -> Any:
    """Make a model that a run has logged the next version of ``name``, which is created if it is not there yet."""
    from autotrack.client import Client  # heavy: SQLAlchemy, for those who register

    client: Any = Client(info.directory.parents[3])
    try:
        client.create_registered_model(name)
    except AutotrackException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    return client.create_model_version(name, info.model_uri, info.run_id)
