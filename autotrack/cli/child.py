"""What happens at the start of every Python process below ``autotrack run``.

Next to nothing, so that a program, or one of its many helpers, that trains nothing starts as fast as ever: the
engine is loaded when the first module is imported that is not Python's own.
"""

from __future__ import annotations

import _thread
import atexit
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType


def activate() -> None:
    """Switch recording on for the frameworks that the program will import; loads none of them."""
    # Registered before anything else: called last at exit, when the runs that were open have been ended.
    atexit.register(_at_exit)
    sys.meta_path.insert(0, _FirstImport())


_OF_PYTHON = ("sitecustomize", "usercustomize", "org")
"""What Python itself tries to import beyond its library; "org" is how `pickle` and `copy` look for Jython."""


class _FirstImport:
    """Finds no module, but learns that the program begins to import what is not in the standard library."""

    def __init__(self) -> None:
        self._lock = _thread.RLock()  # of `threading`, which not every program loads

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top in _OF_PYTHON:
            return None
        with self._lock:
            if self not in sys.meta_path:
                return None
            sys.meta_path.remove(self)
            _autolog()
        loaded = sys.modules.get(name)
        if loaded is not None and loaded.__spec__ is not None:
            # The engine has needed the very module: it must not be executed a second time.
            return _once(loaded.__spec__, loaded)
        # The finders that have just been put in were not asked yet.
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find(name, path, target) if find else None
            if spec is not None:
                return spec
        return None


def _once(spec: ModuleSpec, module: ModuleType) -> ModuleSpec:
    """The spec of a loaded module, made to yield it as it is for the one time that it is loaded again."""
    loader = spec.loader

    class Again:
        @staticmethod
        def create_module(_spec: ModuleSpec) -> ModuleType:
            return module

        @staticmethod
        def exec_module(_module: ModuleType) -> None:
            spec.loader = loader

    spec.loader = Again()  # type: ignore[assignment]  # the base class would cost importlib.abc
    return spec


def _autolog() -> None:
    from autotrack import guard  # with logging and threads; see the module's docstring

    with guard.guard("autotrack run"):
        # Not autotrack.autolog: its module may be the one that the program is importing.
        from autotrack import _loader  # the engine; see the module's docstring
        from autotrack._startup import OPTIONS  # one more file, and most processes stop before this

        options = os.environ.get(OPTIONS)
        if options:
            import json  # milliseconds; only the worker of a program that records gets options

            given = json.loads(options)
            _loader.autolog(given["options"], frozenset(given["exclude"]))
        else:
            _loader.autolog({})


def _at_exit() -> None:
    current = sys.modules.get("autotrack.current")
    if current is not None and current.left_open:
        from autotrack import guard  # loaded already where a run was open
        from autotrack.cli import exitcode  # most processes never need it

        with guard.guard("exit code"):
            exitcode.watch(current.left_open)
