"""Models in MLflow's directory format: saved with the run that trained them, and loaded anywhere."""

from __future__ import annotations

from autotrack.models.flavor import Flavor
from autotrack.models.format import ModelInfo
from autotrack.models.information import get_model_info, set_signature
from autotrack.models.load import load
from autotrack.models.log import log
from autotrack.models.save import save
from autotrack.models.signature import ModelSignature, infer_signature

__all__ = [
    "Flavor",
    "ModelInfo",
    "ModelSignature",
    "get_model_info",
    "infer_signature",
    "load",
    "log",
    "save",
    "set_signature",
]
