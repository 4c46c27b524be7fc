"""What a model's directory says about it, and what may still be said."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from autotrack.exceptions import AutotrackException
from autotrack.models import format  # noqa: A004 - the module's name, not the builtin
from autotrack.models.format import MLMODEL, ModelInfo
from autotrack.models.locate import locate
from autotrack.models.signature import ModelSignature


def get_model_info(model_uri: str | Path, *, store: str | Path | None = None) -> ModelInfo:
    """What the directory that a path or URI names says about the model; nothing of it is run."""
    return format.read(locate(model_uri, store=store).directory)


def set_signature(model_uri: str | Path, signature: Any) -> None:
    """Give a saved model another signature.

    A logged model is refused: its content was recorded, and stays what it was.
    """
    given = ModelSignature.given(signature)
    if given is None:
        raise AutotrackException.invalid("set_signature needs a signature; infer_signature makes one")
    located = locate(model_uri)
    if located.store is not None or str(model_uri).startswith(("runs:", "models:")):
        raise AutotrackException.invalid(
            f"{model_uri} was logged, and stays what was recorded: log the model again with signature=…"
        )
    content = format.content(located.directory)
    temporary = located.directory / f".{MLMODEL}.{os.urandom(4).hex()}"
    format.write_text(temporary, format.document({**content, "signature": given.to_dict()}))
    temporary.replace(located.directory / MLMODEL)
