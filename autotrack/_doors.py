"""``autotrack.<framework>``: the integration packages under the name that users look for."""

from __future__ import annotations

from importlib import import_module
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType

from autotrack._loader import package_of


def find(name: str) -> ModuleSpec | None:
    """A spec that yields the integration's own module object, or ``None`` if no integration has the name."""
    package = package_of(name.removeprefix("autotrack."))
    return ModuleSpec(name, _SameModule(package)) if package else None


class _SameModule(Loader):
    def __init__(self, package: str) -> None:
        self._package = package

    def create_module(self, spec: ModuleSpec) -> ModuleType:  # noqa: ARG002 - the import system's signature
        module = import_module(self._package)
        self._own = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has put the alias's spec on the module; the module is its own again.
        module.__spec__ = self._own
