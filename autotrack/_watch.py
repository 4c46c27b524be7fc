"""Tells when a module has been imported, without importing it.

The watched module's own loader stays in place; only its ``exec_module`` is covered for the one call, so that
``module.__loader__`` and ``module.__spec__`` are what they would be without us.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from autotrack.guard import guard

_waiting: dict[str, list[Callable[[ModuleType], None]]] = {}
_lock = threading.RLock()
_looking = threading.local()


def when_imported(name: str, call: Callable[[ModuleType], None]) -> None:
    """Call once with the module: at once if it is imported already, else when its import has succeeded.

    A failure of ``call`` never reaches the program's import statement.
    """
    with _lock:
        module = sys.modules.get(name)
        if module is None or _is_being_imported(module):
            _waiting.setdefault(name, []).append(call)
            if not any(finder is _FINDER for finder in sys.meta_path):
                sys.meta_path.insert(0, _FINDER)
            if module is None or _Finishing.tells_of(module):
                return
            _waiting[name].remove(call)
    with guard(f"after the import of {name}"):
        call(module)


def forget() -> None:
    """Watch nothing any more and leave the import system as it was."""
    with _lock:
        _waiting.clear()
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not _FINDER]


class _Finishing(ModuleSpec):
    """The spec of a module whose import was under way already when it was first waited for."""

    @classmethod
    def tells_of(cls, module: ModuleType) -> bool:
        """Whether the end of the import will be told; it is not if it has come meanwhile."""
        spec = module.__spec__
        if type(spec) is ModuleSpec:
            spec.__class__ = cls
        return _is_being_imported(module)

    @property
    def _initializing(self) -> bool:
        return bool(self.__dict__.get("_initializing"))

    @_initializing.setter
    def _initializing(self, value: bool) -> None:
        # The import system sets this last, when the module is complete or has failed.
        self.__dict__["_initializing"] = value
        if not value:
            self.__class__ = ModuleSpec  # type: ignore[assignment]  # what it was before
            if (module := sys.modules.get(self.name)) is not None:
                _imported(self.name, module)


def _is_being_imported(module: ModuleType) -> bool:
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


def _imported(name: str, module: ModuleType) -> None:
    with _lock:
        calls = _waiting.pop(name, ())
    for call in calls:
        with guard(f"after the import of {name}"):
            call(module)


class _Finder:
    """First on ``sys.meta_path``: asks the others, and covers the loader they name."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in _waiting or getattr(_looking, "name", None) == name:
            return None
        _looking.name = name
        try:
            for finder in list(sys.meta_path):
                find = getattr(finder, "find_spec", None)
                if finder is self or find is None:
                    continue
                spec: ModuleSpec | None = find(name, path, target)
                if spec is not None:
                    _cover(name, spec)
                    return spec
        finally:
            _looking.name = None
        return None


_FINDER = _Finder()


def _cover(name: str, spec: ModuleSpec) -> None:
    loader: Any = spec.loader
    if loader is None or not hasattr(loader, "exec_module"):
        return  # a namespace package runs no code

    def exec_module(module: ModuleType) -> None:
        if getattr(module, "__name__", None) != name:  # a loader that serves several modules
            type(loader).exec_module(loader, module)
            return
        loader.__dict__.pop("exec_module", None)
        loader.exec_module(module)
        _imported(name, module)

    try:
        loader.exec_module = exec_module
    except AttributeError:
        return  # a built-in module's loader takes no attributes; nothing that we hook is built in
