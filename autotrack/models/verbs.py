"""``log_model``, ``save_model`` and ``load_model`` of one framework, under the names and arguments that MLflow has."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autotrack import current, guard
from autotrack.exceptions import AutotrackException
from autotrack.models.additions import Additions, Paths
from autotrack.models.flavor import Flavor
from autotrack.models.format import ModelInfo
from autotrack.models.load import load
from autotrack.models.log import log
from autotrack.models.save import save
from autotrack.models.signature import infer_signature

_UNUSED = frozenset(("await_registration_for", "mlflow_model", "model_id", "pickle_module"))
"""Arguments of MLflow's that mean nothing here: registration does not wait, and a model has an id of its own."""


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
        registered_model_name: str | None = None,
        code_paths: Paths | None = None,
        extra_files: Paths | None = None,
        pip_requirements: Sequence[str] | str | Path | None = None,
        extra_pip_requirements: Sequence[str] | str | Path | None = None,
        conda_env: Mapping[str, Any] | str | Path | None = None,
        metadata: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        model_type: str | None = None,
        step: int = 0,
        **named: Any,
    ) -> ModelInfo:
        """Keep a model with the current run, or with one that is started for it; ``name`` defaults to "model".

        With ``registered_model_name`` it also becomes that model's next version. What cannot be kept costs one
        warning, and the result then names a model that is not there. Further arguments are those of the framework's
        own format (``serialization_format``, ``model_format`` …).
        """
        model, options = self._given("log_model", model, named)
        run = current.current() or current.start()
        name = name or artifact_path or "model"
        with guard.guard("recording model"):
            model = self._owned("log_model", model)
            info = log(
                run,
                model,
                name,
                flavor=self.flavor,
                signature=_signature(signature, input_example),
                input_example=input_example,
                metadata=metadata,
                params=params,
                tags={**({"model_type": model_type} if model_type else {}), **(tags or {})},
                step=step,
                added=Additions(code_paths, extra_files, pip_requirements, extra_pip_requirements, conda_env),
                registered_model_name=registered_model_name,
                **{**self.flavor.asked, **options},
            )
            if missing := self.flavor.lacks(info.flavors):
                guard.warn(f"{self.flavor.name} lacks", f"{info.name} of {run!r} does not hold {missing}")
            return info
        return ModelInfo(model_id="", name=name, directory=run.files / name, flavors={}, run_id=run.run_id)

    def save_model(
        self,
        model: Any = None,
        path: str | Path | None = None,
        *,
        signature: Any = None,
        input_example: Any = None,
        code_paths: Paths | None = None,
        extra_files: Paths | None = None,
        pip_requirements: Sequence[str] | str | Path | None = None,
        extra_pip_requirements: Sequence[str] | str | Path | None = None,
        conda_env: Mapping[str, Any] | str | Path | None = None,
        metadata: Mapping[str, Any] | None = None,
        **named: Any,
    ) -> ModelInfo:
        """Save a model as a directory that must not exist yet."""
        model, options = self._given("save_model", model, named)
        model = self._owned("save_model", model)
        if path is None:
            raise AutotrackException.invalid("save_model needs the path of a directory to make")
        return save(
            model,
            Path(path).expanduser().absolute(),
            flavor=self.flavor,
            signature=_signature(signature, input_example),
            input_example=input_example,
            metadata=metadata,
            added=Additions(code_paths, extra_files, pip_requirements, extra_pip_requirements, conda_env),
            **{**self.flavor.asked, **options},
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
        """The framework's own object from whatever names a model; see `autotrack.models.load`."""
        return load(model_uri, trust=trust, store=store, flavor=self.flavor.name, **options)

    def _given(self, verb: str, model: Any, named: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The model, under whatever name it was given, and the options of the flavor."""
        if model is None:
            model = named.pop(self.flavor.argument, None)
        options = {}
        for name, value in named.items():
            if name in self._known or (self._open and name not in _UNUSED):
                options[name] = value
            elif name not in _UNUSED:
                raise TypeError(f"{verb}() got an unexpected keyword argument {name!r}")
            elif value is not None and name != "await_registration_for":
                guard.warn(f"{verb} {name}", f"{verb}({name}=…) has no effect; the model is kept as ever")
        return model, options

    @functools.cached_property
    def _parameters(self) -> list[inspect.Parameter]:
        return list(inspect.signature(self.flavor.save).parameters.values())

    @functools.cached_property
    def _known(self) -> set[str]:
        return {found.name for found in self._parameters if found.kind is found.KEYWORD_ONLY} - {*self.flavor.asked}

    @functools.cached_property
    def _open(self) -> bool:
        return any(found.kind is found.VAR_KEYWORD for found in self._parameters)

    def _owned(self, verb: str, model: Any) -> Any:
        if model is None or not self.flavor.owns(model):
            raise AutotrackException.invalid(f"{verb} of {self.flavor.name} cannot keep a {type(model).__name__}")
        return model


def _signature(given: Any, example: Any) -> Any:
    """What was given, else what an input example tells; ``False`` stands for none. Nothing is predicted."""
    if given is not None or example is None:
        return given or None
    found = infer_signature(example)
    return None if any(spec.get("type") == "any" for spec in found.inputs) else found
