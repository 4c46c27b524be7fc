"""MLflow's name for loading any model to predict with it."""

from __future__ import annotations

from autotrack.models.pyfunc import PyFuncModel, load_model

__all__ = ["PyFuncModel", "load_model"]
