"""What an integration tells about its framework's models: how they are saved, loaded and asked to predict.

An integration package ``autotrack_<name>`` has a submodule ``flavor`` with one instance, ``FLAVOR``. It is found
through the entry points of group "autotrack.integrations", or by its name where nothing is installed.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from autotrack._registered import INTEGRATIONS, registered
from autotrack.exceptions import AutotrackException
from autotrack.models.additions import CODE
from autotrack.models.code import BYTECODE

PREFIX = "autotrack_"

Flavors = dict[str, dict[str, Any]]
"""The entries of the MLmodel file: the flavor's own, and "python_function" where MLflow can load the model."""


class Flavor(ABC):
    """One framework's models. The framework is imported inside the methods, never at the top of the module."""

    name: ClassVar[str]
    """The key in the MLmodel file, MLflow's where it has one."""
    argument: ClassVar[str] = "model"
    """What MLflow calls the model in this framework's ``log_model``."""
    requires: ClassVar[tuple[str, ...]] = ()
    """The distributions that loading needs; those not installed are left out."""

    @abstractmethod
    def owns(self, model: Any, /) -> bool:
        """Whether this flavor saves the model; cheap, and it imports nothing."""

    traces: ClassVar[bool] = False
    """Whether `save` is given the input example, as ``example``."""
    config: ClassVar[Mapping[str, str]] = {}
    """What ``pyfunc.load_model`` may be given as ``model_config``, and as which option of `load` it arrives."""
    asked: ClassVar[Mapping[str, Any]] = {}
    """Options of `save` for a model that the program itself asked to keep, beside those that it gave."""

    @abstractmethod
    def save(self, model: Any, directory: Path, /, *args: Any, **options: Any) -> Flavors:
        """Write the model's own files into an existing directory and say in which flavors it can be loaded.

        The keyword arguments that it names are what this framework's ``log_model`` takes beside what all of them take.
        """

    @abstractmethod
    def load(self, directory: Path, conf: Mapping[str, Any], /, **options: Any) -> Any:
        """The model back, from the flavor's own entry; called only when it may run what `runs` tells."""

    def runs(self, _directory: Path, _conf: Mapping[str, Any], /) -> str:
        """What loading would run, in words; empty if the files are mere data. Must not trust the files."""
        return f"code that the {self.name} model brings along"

    def damage(self, _directory: Path, _conf: Mapping[str, Any], /) -> str:
        """Which file is damaged and how, in words; empty if none is. Asked before a model is loaded that is not known
        to be what was logged, for files over which the framework's own reader would end the process."""
        return ""

    def lacks(self, _flavors: Mapping[str, Mapping[str, Any]], /) -> str:
        """What of the model could not be kept, in words; empty if nothing is missing."""
        return ""

    def predict(self, model: Any, data: Any, params: Mapping[str, Any], /) -> Any:
        """What MLflow's pyfunc wrapper of this flavor answers."""
        return model.predict(data, **params)

    def parts(self, model: Any, /) -> Iterable[Any]:
        """The objects whose packages must be importable to load the model."""
        return (model,)


def inside(directory: Path, name: Any) -> Path:
    """A file that an MLmodel file names, which must lie in its directory."""
    if not isinstance(name, str) or not name or climbs(name):
        raise AutotrackException.invalid(f"{directory}: the MLmodel file names {name!r}, which lies outside")
    if name.startswith(f"{CODE}/") and BYTECODE in PurePosixPath(name).parts:
        raise AutotrackException.invalid(f"{directory}: the MLmodel file names bytecode, {name}, which is never read")
    path = directory / name
    if not path.exists():
        raise AutotrackException.missing(f"{directory} is incomplete: {name} is missing")
    return path


def climbs(name: str) -> bool:
    """Whether a relative name leads out of the directory that it is meant for."""
    return name.startswith("/") or ".." in name.split("/") or "\\" in name or "\0" in name


def owner(model: Any, otherwise: Flavor | None = None) -> Flavor:
    """The flavor that saves a model: that of the nearest base class which belongs to an integration, or ``otherwise``
    for what has at least a ``predict``."""
    tried: set[str] = set()
    for cls in type(model).__mro__:
        name = cls.__module__.partition(".")[0]
        if name not in tried:
            tried.add(name)
            flavor = _integration(name)
            if flavor is not None and flavor.owns(model):
                return flavor
    for flavor in installed():
        if flavor.owns(model):
            return flavor
    if otherwise is not None and callable(getattr(model, "predict", None)):
        return otherwise
    raise AutotrackException.invalid(
        f"no integration knows how to save a {type(model).__module__}.{type(model).__qualname__}; "
        f"installed: {', '.join(sorted(flavor.name for flavor in installed())) or 'none'}"
    )


def named(name: str) -> Flavor | None:
    """The flavor with a key of an MLmodel file."""
    flavor = _integration(name) or _by_key.get(name)
    if flavor is not None and flavor.name == name:
        return flavor
    # The whole module path is looked through for this, so it is remembered.
    found = next((flavor for flavor in installed() if flavor.name == name), None)
    if found is not None:
        _by_key[name] = found
    return found


_by_key: dict[str, Flavor] = {}


def installed() -> Iterator[Flavor]:
    """Every flavor that can be found."""
    names = set(registered(INTEGRATIONS))
    names |= {module.name.removeprefix(PREFIX) for module in pkgutil.iter_modules() if module.name.startswith(PREFIX)}
    for name in sorted(names):
        flavor = _integration(name)
        if flavor is not None:
            yield flavor


@functools.cache
def _integration(name: str) -> Flavor | None:
    if not name.isidentifier() or name in ("builtins", "__main__"):
        return None
    package = PREFIX + name
    if importlib.util.find_spec(package) is None:
        package = registered(INTEGRATIONS).get(name, "")
    try:
        if not package or importlib.util.find_spec(f"{package}.flavor") is None:
            return None
    except ModuleNotFoundError:  # an integration that is one module, without models of its own
        return None
    flavor = getattr(importlib.import_module(f"{package}.flavor"), "FLAVOR", None)
    return flavor if isinstance(flavor, Flavor) else None
