"""``log_model``, ``save_model`` and ``load_model`` of one framework, under the names and arguments that MLflow has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autotrack import current, guard
from autotrack.exceptions import AutotrackException
from autotrack.models.flavor import Flavor
from autotrack.models.format import ModelInfo
from autotrack.models.load import load
from autotrack.models.log import log
from autotrack.models.save import save

_UNUSED = frozenset(
    ("await_registration_for", "code_paths", "conda_env", "export_model", "extra_files", "extra_pip_requirements",
     "mlflow_model", "model_format", "model_id", "model_type", "pickle_module", "pip_requirements",
     "pyfunc_predict_fn", "registered_model_name", "serialization_format", "skops_trusted_types")
)  # fmt: skip
"""Arguments of MLflow's that mean nothing here: a model is kept in its flavor's safest form with the requirements that
were found, and nothing is registered."""


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
        """Keep a model with the current run, or with one that is started for it; ``name`` defaults to "model".

        What cannot be kept costs one warning, and the result then names a model that is not there. Further arguments
        of MLflow's are taken; one that would change what is kept is said to be without effect.
        """
        given = self._given("log_model", model, named)
        run = current.current() or current.start()
        name = name or artifact_path or "model"
        with guard.guard("recording model"):
            return log(
                run,
                self._owned("log_model", given),
                name,
                flavor=self.flavor,
                signature=signature,
                input_example=input_example,
                metadata=metadata,
                params=params,
                tags=tags,
                step=step,
            )
        return ModelInfo(model_id="", name=name, directory=run.files / name, flavors={}, run_id=run.run_id)

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
        model = self._owned("save_model", self._given("save_model", model, named))
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
        self,
        model_uri: str | Path,
        dst_path: str | None = None,  # noqa: ARG002 - MLflow's name; a model of this machine is not copied
        *,
        trust: bool = False,
        store: str | Path | None = None,
        **options: Any,
    ) -> Any:
        """The framework's own object from a path, ``runs:/<run_id>/<name>`` or ``models:/<model_id>``; see
        `autotrack.models.load`."""
        return load(model_uri, trust=trust, store=store, flavor=self.flavor.name, **options)

    def _given(self, verb: str, model: Any, named: dict[str, Any]) -> Any:
        if model is None:
            model = named.pop(self.flavor.argument, None)
        for name, value in named.items():
            if name not in _UNUSED:
                raise TypeError(f"{verb}() got an unexpected keyword argument {name!r}")
            if value is not None and name != "await_registration_for":
                guard.warn(
                    f"{verb} {name}", f"{verb}({name}=…) has no effect in this version; the model is kept as ever"
                )
        return model

    def _owned(self, verb: str, model: Any) -> Any:
        if model is None or not self.flavor.owns(model):
            raise AutotrackException.invalid(f"{verb} of {self.flavor.name} cannot keep a {type(model).__name__}")
        return model
