"""A model of any framework behind one ``predict``, with its signature enforced."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autotrack.exceptions import AutotrackException
from autotrack.models import format  # noqa: A004 - the module's name, not the builtin
from autotrack.models.enforce import enforce, inference_params
from autotrack.models.flavor import Flavor, inside, named
from autotrack.models.format import PYFUNC, ModelInfo
from autotrack.models.load import Located, Resolver, admit, locate


class PyFuncModel:
    """A loaded model; ``metadata`` is what its directory says about it."""

    def __init__(self, metadata: ModelInfo, model: Any, flavor: Flavor | None) -> None:
        self.metadata = metadata
        self._model = model
        self._flavor = flavor

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> Any:
        """What the model answers; data that do not fit its signature are an error that names what is wrong."""
        signature = self.metadata.signature
        fitting = enforce(data, signature.inputs if signature else None)
        values = inference_params(params, signature.params if signature else None)
        if self._flavor is None:
            return self._model.predict(fitting, params=values) if values else self._model.predict(fitting)
        return self._flavor.predict(self._model, fitting, values)

    def get_raw_model(self) -> Any:
        """The framework's own object."""
        return self._model

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
    """The model at a path, ``runs:/<run_id>/<name>`` or ``models:/<model_id>`` as a `PyFuncModel`; for trust see
    `autotrack.models.load`. No model written here takes a ``model_config``: giving one is an error."""
    if model_config:
        raise AutotrackException.invalid(f"{model_uri} takes no model_config; pass values to predict as params")
    located = locate(model_uri, store=store, resolve=resolve)
    info = format.read(located.directory)
    if PYFUNC not in info.flavors:
        raise AutotrackException.missing(f"{model_uri} has no python_function flavor: it has {', '.join(info.flavors)}")
    for key, conf in info.flavors.items():
        flavor = named(key) if key != PYFUNC else None
        if flavor is not None:
            admit(located, flavor.runs(located.directory, conf), trusted=trust)
            return PyFuncModel(info, flavor.load(located.directory, conf, **options), flavor)
    return PyFuncModel(info, _foreign(located, info, trust), None)


def _foreign(located: Located, info: ModelInfo, trusted: bool) -> Any:
    """A model that brings its own loader, as MLflow loads it."""
    conf = info.flavors[PYFUNC]
    module = str(conf.get("loader_module"))
    admit(located, f"the loader {module}", trusted=trusted)
    if conf.get("code"):
        sys.path.insert(0, str(inside(located.directory, conf["code"])))
    data = inside(located.directory, conf["data"]) if conf.get("data") else located.directory
    try:
        loader = importlib.import_module(module)
    except ImportError as error:
        raise AutotrackException.missing(f"{located.uri}: its loader {module} cannot be imported: {error}") from error
    return loader._load_pyfunc(str(data))
