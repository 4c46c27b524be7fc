"""``log_model``, ``save_model`` and ``load_model`` of one framework, under the names and arguments that MLflow has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autotrack import current
from autotrack.exceptions import AutotrackException
from autotrack.models.flavor import Flavor
from autotrack.models.format import ModelInfo
from autotrack.models.load import load
from autotrack.models.log import log
from autotrack.models.save import save


class Verbs:
    """The three verbs of a flavor; an integration package offers them as its own functions."""

    def __init__(self, flavor: Flavor) -> None:
        self.flavor = flavor

    def log_model(
        self,
        model: Any = None,
        artifact_path: str | None = None,
        *,
        name: str | None = None,
        signature: Any = None,
        input_example: Any = None,
        metadata: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        step: int = 0,
        **named: Any,
    ) -> ModelInfo:
        """Keep a model with the current run, or with one that is started for it; ``name`` defaults to "model"."""
        model = self._model("log_model", model, named)
        run = current.current() or current.start()
        return log(
            run,
            model,
            name or artifact_path or "model",
            flavor=self.flavor,
            signature=signature,
            input_example=input_example,
            metadata=metadata,
            params=params,
            tags=tags,
            step=step,
        )

    def save_model(
        self,
        model: Any = None,
        path: str | Path | None = None,
        *,
        signature: Any = None,
        input_example: Any = None,
        metadata: Mapping[str, Any] | None = None,
        **named: Any,
    ) -> ModelInfo:
        """Save a model as a directory that must not exist yet."""
        model = self._model("save_model", model, named)
        if path is None:
            raise AutotrackException.invalid("save_model needs the path of a directory to make")
        return save(
            model,
            Path(path).expanduser().absolute(),
            flavor=self.flavor,
            signature=signature,
            input_example=input_example,
            metadata=metadata,
        )

    def load_model(
        self, model_uri: str | Path, *, trust: bool = False, store: str | Path | None = None, **options: Any
    ) -> Any:
        """The framework's own object from a path or ``runs:/<run_id>/<name>``; see `autotrack.models.load`."""
        return load(model_uri, trust=trust, store=store, flavor=self.flavor.name, **options)

    def _model(self, verb: str, model: Any, named: dict[str, Any]) -> Any:
        if model is None:
            model = named.pop(self.flavor.argument, None)
        if named:
            raise TypeError(f"{verb}() got an unexpected keyword argument {next(iter(named))!r}")
        if model is None or not self.flavor.owns(model):
            raise AutotrackException.invalid(f"{verb} of {self.flavor.name} cannot keep a {type(model).__name__}")
        return model
