"""What of an estimator the program has written itself, and whether that may be run once more without a trace.

The training metrics need another prediction of the training data. Whatever comes from an installed package answers it
and is as it was before. A class or function of the program's own may count its calls, print, or change what it is
given; one that visibly does is not run again. See :mod:`autotrack_sklearn.effects` for how that is seen.
"""

from __future__ import annotations

import functools
import sys
import sysconfig
import weakref
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import FunctionType, MethodType, ModuleType, NoneType
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from autotrack_sklearn.effects import outside, reading

PREDICTING = ("predict", "predict_proba", "predict_log_proba", "decision_function", "transform", "score_samples")
SCORING = ("score", "scoring", "scorer_", "scorers_")
"""The method, and under which names an estimator keeps what it scores with."""
CALLED = ("__call__", "__getattr__", "__array__", "__len__")
"""What may be called of any object without being named."""
DEPTH = 5
ITEMS = 100
"""Of a longer list the rest is taken to be like these."""


def effect(estimator: Any, *, scoring: bool = False) -> str | None:
    """What the program's own code in a fitted estimator does besides predicting or, if asked, besides scoring: in
    words, ``None`` if nothing."""
    found = _Own()
    found.gather(estimator, DEPTH, scoring=scoring)
    return found.effect(PREDICTING + SCORING[:1] if scoring else PREDICTING) if found else None


class _Own:
    """The program's own code in an object and in what that holds."""

    def __init__(self) -> None:
        self._types: dict[type, None] = {}
        self._functions: dict[FunctionType, None] = {}
        self._seen: set[int] = set()
        self._effect: str | None = None

    def __bool__(self) -> bool:
        return bool(self._types or self._functions or self._effect)

    def gather(self, thing: Any, depth: int, *, scoring: bool) -> None:
        """Look through what an object holds."""
        kind = type(thing)
        if kind in _PLAIN or not depth or id(thing) in self._seen:
            return
        self._seen.add(id(thing))
        if kind in (list, tuple, dict):
            for item in islice(thing.values() if kind is dict else thing, ITEMS):
                self.gather(item, depth - 1, scoring=scoring)
            return
        function = _function(thing)
        if function is not None:
            if _is_own_file(function.__code__.co_filename):
                self._functions[function] = None
            return
        if isinstance(thing, (type, ModuleType)):
            return
        if _is_own(kind):
            self._types[kind] = None
        elif kind.__module__ == "unittest.mock":
            self._effect = self._effect or "a mock counts its calls"
        elif isinstance(thing, BaseEstimator) and _is_mocked(kind):
            self._effect = self._effect or f"a mock in {kind.__module__} counts its calls"
        elif not isinstance(thing, BaseEstimator) and kind.__module__.partition(".")[0] != "sklearn":
            return
        for name, value in list(getattr(thing, "__dict__", {}).items()):
            if scoring or name not in SCORING:
                self.gather(value, depth - 1, scoring=scoring)

    def effect(self, names: tuple[str, ...]) -> str | None:
        """The first effect of what is reached from the methods of these names."""
        reached, done = {*names, *CALLED}, set[FunctionType]()
        while self._effect is None:
            todo = [
                *self._functions,
                *(one for kind in self._types for name in reached for one in _methods(kind, name)),
            ]
            todo = [one for one in dict.fromkeys(todo) if one not in done]
            if not todo:
                break
            for function in todo:
                done.add(function)
                self._follow(function, reached)
        return self._effect

    def _follow(self, function: FunctionType, reached: set[str]) -> None:
        if not _is_own_file(function.__code__.co_filename):
            reached.update(function.__code__.co_names)  # of an installed base: what of its class it calls
            return
        found = reading(function)
        if found.effect is not None:
            self._effect = self._effect or f"{function.__qualname__} {found.effect}"
            return
        reached.update(found.attributes)
        for value in outside(function, found.names):
            self.gather(value, 2, scoring=True)


def _function(thing: Any) -> FunctionType | None:
    """The function of Python's that is behind a method, a property or whatever has been wrapped around it."""
    for _ in range(DEPTH):
        if isinstance(thing, (staticmethod, classmethod, MethodType)):
            thing = thing.__func__
        elif isinstance(thing, functools.partial):
            thing = thing.func
        elif isinstance(thing, property):
            thing = thing.fget
        elif not isinstance(thing, type) and "__wrapped__" in getattr(thing, "__dict__", ()):
            thing = thing.__wrapped__
        elif type(thing).__module__.startswith(("sklearn.utils._available_if", "functools", "wrapt", "autotrack")):
            thing = getattr(thing, "fn", None) or getattr(thing, "func", None) or getattr(thing, "__wrapped__", None)
        else:
            break
    return thing if type(thing) is FunctionType else None


def _methods(kind: type, name: str) -> Iterator[FunctionType]:
    """The function that a method of a class is, and those that it overrides, which it may call."""
    for cls in kind.__mro__:
        if name in vars(cls) and (function := _function(vars(cls)[name])) is not None:
            yield function


_kinds: weakref.WeakKeyDictionary[type, bool] = weakref.WeakKeyDictionary()


def _is_own(kind: type) -> bool:
    """Whether a class, or one that it is derived from, is the program's own."""
    found = _kinds.get(kind)
    if found is None:
        found = _kinds[kind] = any(_is_own_module(cls.__module__) for cls in kind.__mro__)
    return found


def _is_mocked(kind: type) -> bool:
    """Whether a test has put a mock in the place of what a class calls."""
    if "unittest.mock" not in sys.modules:
        return False
    modules = (sys.modules.get(cls.__module__) for cls in kind.__mro__[:-1])
    return any(
        type(value).__module__ == "unittest.mock" for module in modules for value in vars(module or kind).values()
    )


@functools.lru_cache(maxsize=1000)
def _is_own_module(name: str) -> bool:
    if name == "__main__":
        return True
    if name.partition(".")[0] in sys.stdlib_module_names:
        return False
    file = getattr(sys.modules.get(name), "__file__", None)
    # A module without a file is compiled into something, or made up by the program.
    return name not in sys.modules or (file is not None and _is_own_file(file))


@functools.lru_cache(maxsize=1000)
def _is_own_file(file: str) -> bool:
    """Whether a source was not installed; the tests of what was installed are programs like any other."""
    path = Path(file)
    if "tests" in path.parts or path.name.startswith(("test_", "conftest")):
        return True
    if file.startswith("<frozen"):
        return False
    return not (file.startswith(_INSTALLED) or {"site-packages", "dist-packages"} & set(path.parts))


_INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_PLAIN = frozenset((NoneType, bool, int, float, complex, str, bytes, np.ndarray, np.float64, np.float32, np.int64))
