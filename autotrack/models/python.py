"""Models that are Python code of the user's: a class with a ``predict``, a function, or a loader of his own.

They are kept as MLflow keeps them, a pickle by value that names MLflow's base class, so that its loader reads them
where autotrack is not installed; here a class of the same shape stands in for it where MLflow is not loaded.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pickle
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, NamedTuple

from autotrack import settings
from autotrack.exceptions import AutotrackException
from autotrack.models import pickles
from autotrack.models.flavor import Flavor, Flavors, inside
from autotrack.models.format import PYFUNC

FILE, ARTIFACTS, DATA = "python_model.pkl", "artifacts", "data"
LOADER = "mlflow.pyfunc.model"
"""The module of MLflow's that has the base class and loads what derives from it."""


class _Hints(NamedTuple):
    """What MLflow's loader asks of a model: the types that its ``predict`` says it takes and gives."""

    input: Any = None
    output: Any = None


class PythonModelContext:
    """What a model finds beside itself when it is loaded."""

    def __init__(self, artifacts: Mapping[str, str], model_config: Mapping[str, Any] | None) -> None:
        self.artifacts = dict(artifacts)
        """Paths of the files and directories that were kept with it, by the names they were given."""
        self.model_config = model_config


class PythonModel:
    """Derive from it, and give ``predict``; with ``artifacts``, read them in ``load_context``."""

    predict_type_hints: ClassVar = _Hints()

    def load_context(self, context: PythonModelContext) -> None:
        """Called once when the model has been loaded, before the first ``predict``."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        """The answer to some input. ``context`` and ``params`` may be left out of the parameters."""
        raise NotImplementedError(f"{type(self).__name__} has no predict")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that a module loads: its ``_load_pyfunc(path)`` answers an object with ``predict``."""

    loader_module: str
    data_path: str | Path | None = None


class PythonFlavor(Flavor):
    name: ClassVar = PYFUNC
    argument: ClassVar = "python_model"
    requires: ClassVar = ("cloudpickle",)

    def owns(self, model: Any) -> bool:
        return isinstance(model, Loaded) or callable(model) or callable(getattr(model, "predict", None))

    def save(
        self,
        model: Any,
        directory: Path,
        *,
        artifacts: Mapping[str, str | Path] | None = None,
        model_config: Mapping[str, Any] | None = None,
        streamable: bool = False,
    ) -> Flavors:
        conf: dict[str, Any] = {"streamable": streamable}
        if model_config:
            conf["model_config"] = dict(model_config)
        if isinstance(model, Loaded):
            conf |= {"loader_module": model.loader_module, **_data(model, directory)}
        else:
            # heavy, and only for models that are code
            import cloudpickle  # type: ignore[import-untyped]  # it ships no types

            _dump(_model(model), directory / FILE)
            conf |= {"loader_module": LOADER, "python_model": FILE, "cloudpickle_version": cloudpickle.__version__}
        if artifacts:
            conf[ARTIFACTS] = _copied(artifacts, directory)
        return {PYFUNC: conf}

    def load(self, directory: Path, conf: Mapping[str, Any], /, **options: Any) -> Any:
        """An object whose ``predict(data, params=None)`` asks the model."""
        if conf.get("loader_module") != LOADER or "python_model" not in conf:
            return _foreign(directory, conf, options.get("model_config"))
        path = inside(directory, conf["python_model"])
        config = {**(conf.get("model_config") or {}), **(options.get("model_config") or {})}
        model = pickles.load(_plain(path, conf.get("python_model_compression")), unpickler=_Unpickler)
        entries: Mapping[str, Any] = conf.get(ARTIFACTS) or {}
        artifacts = {name: str(inside(directory, entry["path"])) for name, entry in entries.items()}
        return Answering(model, PythonModelContext(artifacts, config or None))

    def runs(self, _directory: Path, conf: Mapping[str, Any]) -> str:
        if conf.get("loader_module") == LOADER and "python_model" in conf:
            return f"whatever the pickle {conf['python_model']} holds"
        return f"the loader {conf.get('loader_module')}"

    def parts(self, model: Any) -> Iterable[Any]:
        """The class and its bases up to ours; what a function or a method was defined in."""
        found = (model, *(cls for cls in type(model).__mro__ if cls.__module__ != __name__))
        return [SimpleNamespace(__module__=part.__module__) for part in found if hasattr(part, "__module__")]


class Answering:
    """A loaded Python model with its context."""

    def __init__(self, model: Any, context: PythonModelContext) -> None:
        self.python_model = model
        self.context = context
        if hasattr(model, "load_context"):
            model.load_context(context)

    @functools.cached_property
    def _takes(self) -> set[str]:
        return set(inspect.signature(self.python_model.predict).parameters)

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> Any:
        """The model's own answer, given what its ``predict`` takes."""
        named = {"params": dict(params or {}) or None} if "params" in self._takes else {}
        if "context" in self._takes:
            return self.python_model.predict(self.context, data, **named)
        return self.python_model.predict(data, **named)


def _foreign(directory: Path, conf: Mapping[str, Any], config: Mapping[str, Any] | None) -> Any:
    """A model of another framework, or of a loader that it brings along, as MLflow loads it."""
    module = str(conf.get("loader_module"))
    data = inside(directory, conf["data"]) if conf.get("data") else directory
    try:
        loader = importlib.import_module(module)
    except ImportError as error:
        raise AutotrackException.missing(
            f"{directory}: its loader {module} cannot be imported: {error}; its requirements.txt says what it needs"
        ) from error
    configured = {**(conf.get("model_config") or {}), **(config or {})}
    return loader._load_pyfunc(str(data), configured) if configured else loader._load_pyfunc(str(data))


def _model(model: Any) -> Any:
    """Something with MLflow's interface: the model itself, or one that asks a function."""
    if any(cls.__name__ == "PythonModel" for cls in type(model).__mro__):
        return model
    ask: Callable[[Any], Any] = model.predict if hasattr(model, "predict") else model

    class FunctionModel(PythonModel):  # in here, so that it is pickled by value
        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:  # noqa: ARG002 - MLflow's
            return ask(model_input)

    FunctionModel.predict.__annotations__.clear()  # MLflow takes them for what the user's function wants
    return FunctionModel()


def _data(model: Loaded, directory: Path) -> dict[str, str]:
    if model.data_path is None:
        return {}
    source = Path(model.data_path).expanduser()
    if not source.exists():
        raise AutotrackException.missing(f"data_path: there is no {model.data_path}")
    if source.is_dir():
        shutil.copytree(source, directory / DATA)
        return {"data": DATA}
    (directory / DATA).mkdir()
    shutil.copyfile(source, directory / DATA / source.name)
    return {"data": f"{DATA}/{source.name}"}


def _copied(artifacts: Mapping[str, str | Path], directory: Path) -> dict[str, dict[str, str]]:
    entries: dict[str, dict[str, str]] = {}
    for name, given in artifacts.items():
        source = _local(str(given))
        place = f"{ARTIFACTS}/{source.name}"
        if (directory / place).exists():
            place = f"{ARTIFACTS}/{len(entries)}/{source.name}"
        (directory / place).parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, directory / place)
        else:
            shutil.copyfile(source, directory / place)
        entries[str(name)] = {"path": place, "uri": str(given)}
    return entries


def _local(given: str) -> Path:
    if given.startswith("runs:/"):
        from autotrack.client import Client  # heavy: SQLAlchemy, for those who name a run

        run_id, _, path = given.removeprefix("runs:/").partition("/")
        return Path(Client().download_artifacts(run_id, path))
    source = settings.local_directory(given)
    if source is None or not source.exists():
        raise AutotrackException.missing(f"artifacts: there is no {given}; name a path or runs:/<run_id>/<path>")
    return source


# --- pickles that name MLflow's base class ---


class _Named:
    """Pickles as a module that is imported where it is read."""

    def __init__(self, module: str) -> None:
        self.module = module

    def __reduce__(self) -> Any:
        return importlib.import_module, (self.module,)


def _dump(model: Any, path: Path) -> None:
    # heavy, and only for models that are code
    import cloudpickle  # as above

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # a class without types
        def reducer_override(self, obj: Any) -> Any:
            if obj is PythonModel:
                return getattr, (_Named(LOADER), obj.__name__)
            return super().reducer_override(obj)

    try:
        with path.open("wb") as file:
            Pickler(file, pickles.PROTOCOL).dump(model)
    except AutotrackException:
        raise
    except Exception as error:
        raise AutotrackException.invalid(
            f"the python_model {type(model).__module__}.{type(model).__qualname__} cannot be pickled: {error}; keep "
            "what it cannot take along as artifacts, and open them in load_context"
        ) from error


class _Unpickler(pickle.Unpickler):
    """Gives models ours for MLflow's base class, unless the program has loaded MLflow."""

    def find_class(self, module: str, name: str) -> Any:
        if module == "importlib" and name == "import_module":
            return _module
        if module == LOADER and name in _STANDING_IN:
            return getattr(_module(module), name)
        return super().find_class(module, name)


def _module(name: str) -> Any:
    if name == LOADER and LOADER not in sys.modules:
        return SimpleNamespace(**_STANDING_IN)
    return importlib.import_module(name)


_STANDING_IN = {"PythonModel": PythonModel, "PythonModelContext": PythonModelContext}


def _plain(path: Path, compression: str | None) -> Path:
    if compression is not None:
        raise AutotrackException.invalid(
            f"{path} is compressed with {compression}, which this version does not read; save it uncompressed"
        )
    return path


PYTHON = PythonFlavor()
