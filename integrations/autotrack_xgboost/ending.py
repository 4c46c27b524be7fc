"""What is recorded of a booster when its training is over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autotrack import models
from autotrack.hooks import Call, Run
from autotrack_xgboost.config import Config, importances
from autotrack_xgboost.flavor import FLAVOR
from autotrack_xgboost.integration import INTEGRATION, importance_types, model_format


class Ending:
    """Does as the options said when the training began."""

    def __init__(self, call: Call) -> None:
        self._options = call.options
        self._kinds = importance_types(call)
        self._format = model_format(call)

    def describe(self, run: Run, booster: Any) -> None:
        """The number of trees and what the features are worth."""
        with INTEGRATION.attempt("trees"):
            trees = Config(booster).trees
            if trees is not None:
                run.metrics({"trees": trees})
        with INTEGRATION.attempt("feature importances"):
            for kind, text in importances(booster, self._kinds):
                run.text(text, f"feature_importance_{kind}.json")

    def keep(self, run: Run, model: Any, signature: Callable[[], Any], example: Any = None) -> None:
        """The model, with what it takes and gives."""
        if not self._options.log_models:
            return
        with INTEGRATION.attempt("model"):
            form = None
            if self._options.log_model_signatures:
                with INTEGRATION.attempt("signature"):
                    form = signature()
            models.log(
                run,
                model,
                flavor=FLAVOR,
                signature=form,
                input_example=example,
                registered_model_name=self._options.registered_model_name,
                model_format=self._format,
            )
