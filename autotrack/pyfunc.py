"""MLflow's name for loading any model to predict with it, and for models that are Python code."""

from __future__ import annotations

from autotrack.models.pyfunc import PyFuncModel, PythonModel, PythonModelContext, load_model, log_model, save_model

__all__ = ["PyFuncModel", "PythonModel", "PythonModelContext", "load_model", "log_model", "save_model"]
