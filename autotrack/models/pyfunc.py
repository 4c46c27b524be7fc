"""A model of any framework behind one ``predict``, with its signature enforced; and models that are Python code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autotrack.exceptions import AutotrackException
from autotrack.models import format  # noqa: A004 - the module's name, not the builtin
from autotrack.models.enforce import enforce, inference_params
from autotrack.models.flavor import Flavor
from autotrack.models.format import PYFUNC, ModelInfo
from autotrack.models.load import chosen, opened
from autotrack.models.locate import Resolver, locate
from autotrack.models.python import PYTHON, Loaded, PythonModel, PythonModelContext
from autotrack.models.verbs import Verbs

__all__ = ["PyFuncModel", "PythonModel", "PythonModelContext", "load_model", "log_model", "save_model"]

_VERBS = Verbs(PYTHON)
_WITHOUT_MEANING = frozenset(
    ("auth_policy", "infer_code_paths", "prompts", "resources", "uv_extras", "uv_groups", "uv_project_path")
)
"""Arguments of MLflow's for what is not here."""


class PyFuncModel:
    """A loaded model; ``metadata`` is what its directory says about it."""

    def __init__(self, metadata: ModelInfo, model: Any, flavor: Flavor) -> None:
        self.metadata = metadata
        self._model = model
        self._flavor = flavor
        self._answer = str(metadata.flavors.get(PYFUNC, {}).get("predict_fn") or "predict")
        if self._answer.startswith("_"):
            raise AutotrackException.invalid(f"{metadata.directory}: {self._answer} cannot be asked for predictions")

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> Any:
        """What the model answers; data that do not fit its signature are an error that names what is wrong."""
        signature = self.metadata.signature
        fitting = enforce(data, signature.inputs if signature else None)
        values = inference_params(params, signature.params if signature else None)
        if self._flavor is PYTHON:
            answer = getattr(self._model, self._answer)
            # A loader of somebody's own may answer without parameters.
            return answer(fitting, params=values) if values else answer(fitting)
        if self._answer != "predict":
            return getattr(self._model, self._answer)(fitting)
        return self._flavor.predict(self._model, fitting, values)

    def get_raw_model(self) -> Any:
        """The framework's own object; the user's, of a Python model."""
        return getattr(self._model, "python_model", self._model)

    def unwrap_python_model(self) -> Any:
        """The Python model that was logged."""
        if not hasattr(self._model, "python_model"):
            raise AutotrackException.invalid(f"{self!r} is no Python model; get_raw_model gives what it is")
        return self._model.python_model

    @property
    def model_id(self) -> str:
        """The id under which it was logged."""
        return self.metadata.model_id

    @property
    def loader_module(self) -> str:
        """The module that MLflow loads it with."""
        return str(self.metadata.flavors.get(PYFUNC, {}).get("loader_module"))

    def __repr__(self) -> str:
        return f"<PyFuncModel {self.metadata.name} of {', '.join(self.metadata.flavors)} in {self.metadata.directory}>"


def load_model(
    model_uri: str | Path,
    suppress_warnings: bool = False,  # noqa: ARG001 - MLflow's name; nothing is said here
    dst_path: str | None = None,  # noqa: ARG001 - MLflow's name; a model of this machine is not copied
    model_config: Any = None,
    *,
    trust: bool = False,
    store: str | Path | None = None,
    resolve: Resolver | None = None,
    **options: Any,
) -> PyFuncModel:
    """The model that a path or URI names, as a `PyFuncModel`; for URIs and trust see `autotrack.models.load`.

    ``model_config`` takes the place of what a Python model was logged with, entry by entry; a PyTorch module takes its
    ``device``.
    """
    located = locate(model_uri, store=store, resolve=resolve)
    info = format.read(located.directory)
    if PYFUNC not in info.flavors:
        raise AutotrackException.missing(f"{model_uri} has no python_function flavor: it has {', '.join(info.flavors)}")
    flavor = chosen(located, info)
    if model_config:
        options |= _configured(model_uri, flavor, model_config)
    return PyFuncModel(info, opened(located, info, flavor, trust=trust, **options), flavor)


def log_model(
    artifact_path: str | None = None,
    loader_module: str | None = None,
    data_path: str | Path | None = None,
    code_paths: Any = None,
    python_model: Any = None,
    **named: Any,
) -> ModelInfo:
    """Keep a Python model with the current run, or with one that is started for it.

    ``python_model`` is an instance of a `PythonModel`, a function of the input, or any object with a ``predict``;
    ``artifacts`` maps names to the files and directories that it finds in its context, ``code_paths`` lists the
    modules that it imports. Instead of a model, ``loader_module`` names a module whose ``_load_pyfunc`` is given
    ``data_path``. The rest is what every ``log_model`` takes.
    """
    model = _given(loader_module, data_path, python_model)
    return _VERBS.log_model(model, artifact_path, code_paths=code_paths, **_meaningful(named))


def save_model(
    path: str | Path,
    loader_module: str | None = None,
    data_path: str | Path | None = None,
    code_paths: Any = None,
    python_model: Any = None,
    **named: Any,
) -> ModelInfo:
    """Save a Python model, given as to `log_model`, as a directory that must not exist yet."""
    model = _given(loader_module, data_path, python_model)
    return _VERBS.save_model(model, path, code_paths=code_paths, **_meaningful(named))


def _given(loader_module: str | None, data_path: str | Path | None, python_model: Any) -> Any:
    if (loader_module is None) == (python_model is None):
        raise AutotrackException.invalid("give either a python_model or the loader_module that loads one")
    if isinstance(python_model, str | Path):
        raise AutotrackException.invalid(
            f"python_model is an object or a function, not the path {str(python_model)!r}; a module that loads a model "
            "is named by loader_module"
        )
    return python_model if loader_module is None else Loaded(loader_module, data_path)


def _meaningful(named: dict[str, Any]) -> dict[str, Any]:
    without = sorted(name for name in named if name in _WITHOUT_MEANING and named[name])
    if without:
        raise AutotrackException.invalid(f"a Python model takes no {', '.join(without)} here")
    return {name: value for name, value in named.items() if name not in _WITHOUT_MEANING}


def _configured(uri: Any, flavor: Flavor, config: Any) -> dict[str, Any]:
    if flavor is PYTHON:
        return {"model_config": config}
    wrong = [name for name in config if name not in flavor.config] if isinstance(config, Mapping) else [config]
    if wrong:
        takes = ", ".join(flavor.config)
        raise AutotrackException.invalid(
            f"{uri} takes no model_config"
            + (f" but {takes}" if takes else "")
            + f", and was given {', '.join(map(str, wrong))}; pass values to predict as params"
        )
    return {flavor.config[name]: value for name, value in config.items() if value is not None}
