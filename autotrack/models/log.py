"""Keeping a model with the run that trained it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from autotrack.event import ModelLogged
from autotrack.exceptions import AutotrackException
from autotrack.models import origin
from autotrack.models.additions import Additions
from autotrack.models.flavor import Flavor
from autotrack.models.format import ModelInfo
from autotrack.models.register import goes_to_server, register
from autotrack.models.save import save
from autotrack.sinks.uploads.names import REGISTER_TAG


class Recorder(Protocol):
    """What is needed of a run."""

    @property
    def run_id(self) -> str: ...
    def artifact_directory(self) -> Path: ...
    def model(self, event: ModelLogged, /) -> object: ...


def log(
    run: Recorder,
    model: Any,
    name: str = "model",
    *,
    flavor: Flavor | None = None,
    signature: Any = None,
    input_example: Any = None,
    metadata: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    step: int = 0,
    added: Additions | None = None,
    registered_model_name: str | None = None,
    **options: Any,
) -> ModelInfo:
    """Save a model among a run's artifacts and record it with its digest, so that it loads by name later.

    A second model of the same name in one run is kept beside the first as ``name-2`` and so on; what it is called
    in the end is in the result. What the run knows by then goes along: its parameters, the last value of each metric
    (of a model of a certain ``step``, those of that step), its data sets with their digests. With
    ``registered_model_name`` it becomes that model's next version. Further options are the flavor's.
    """
    if not re.fullmatch(r"[^./\\:%\"'\x00-\x1f][^/\\:%\"'\x00-\x1f]{0,199}", name):
        raise AutotrackException.invalid(
            f"{name!r} cannot name a model: use up to 200 characters, none of / \\ : % \" ', and no dot in front"
        )
    artifacts = run.artifact_directory()
    known = origin.of_run(artifacts.parent, step)
    info = save(
        model,
        artifacts / name,
        flavor=flavor,
        signature=signature,
        input_example=input_example,
        metadata=metadata,
        run_id=run.run_id,
        params={**known.params, **_texts(params)},
        tags=_texts(tags),
        origin=known.document(),
        numbered=True,
        added=added,
        **options,
    )
    later = bool(registered_model_name) and goes_to_server(info.directory)
    run.model(
        ModelLogged(
            model_id=info.model_id,
            name=info.name,
            path=info.name,
            flavors=tuple(info.flavors),
            signature=info.signature.to_json() if info.signature else "",
            size=info.size,
            digest=info.digest,
            params=info.params,
            tags={**info.tags, **({REGISTER_TAG: str(registered_model_name)} if later else {})},
            step=step,
        )
    )
    if registered_model_name and not later:
        register(info, registered_model_name)
    return info


def _texts(values: Mapping[str, Any] | None) -> dict[str, str]:
    return {str(key): str(value) for key, value in (values or {}).items()}
