"""``torch.compile``: what a program compiles, and how."""

from __future__ import annotations

import sys
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import FunctionType
from typing import Any

import torch
from torch.compiler import is_dynamo_compiling

from autotrack.hooks import weak
from autotrack_torch import owner
from autotrack_torch.standin import failed, hide, put

Settings = dict[str, Any]

_MOST = 64
"""Functions that are kept in mind."""
_DEPTH = 3
"""Functions that call one another and are looked into."""
_ATTRIBUTES = 100
_modules: dict[int, tuple[weakref.ref[Any], Settings]] = {}
"""The modules that were compiled, by ``id``, and how."""
_functions: deque[tuple[weakref.ref[Any], Settings]] = deque(maxlen=_MOST)
"""What else was."""
_seen = False
"""Whether anything was seen being compiled."""


def watch() -> Callable[[], None]:
    """Look at what is compiled from now on; returns what ends that."""
    return put(torch, "compile", _make)


def settings_of(models: list[Any], optimizers: list[Any]) -> Settings:
    """How what is trained was compiled: the whole of it, some modules of it, or functions that name it."""
    for model in models:
        around = [model, *owner.wrappers_of(model)]
        whole = next((known for module in around if (known := _known(module)) is not None), None)
        if whole is not None or any(_is_compiled(module) for module in around):
            return {"compiled": True, **(whole or {})}
    parts = [known for model in models for module in model.modules() if (known := _known(module)) is not None]
    concerned = [*models, *optimizers]
    parts += [how for ref, how in _functions if any(value is one for value in _named(ref()) for one in concerned)]
    return {"compiled": "part", **_agreed(parts)} if parts else {}


def may_step() -> bool:
    """Whether steps of optimizers may be in compiled code, where nobody is told of them: the compiler has been at work,
    on what may make one as far as was seen."""
    utils: Any = sys.modules.get("torch._dynamo.utils")
    if utils is None or not getattr(utils, "counters", {"frames": 1}).get("frames"):
        return False
    return not _seen or any(_steps(function, _DEPTH) for ref, _ in _functions if (function := ref()) is not None)


def _steps(function: Any, depth: int) -> bool:
    """Whether a function may make a step: it goes by the name of an optimizer, or of a step, or of what does so."""
    if issubclass(type(function), torch.optim.Optimizer):
        return True
    if type(function) is not FunctionType:
        return False
    return "step" in function.__code__.co_names or (
        depth > 0 and any(_steps(one, depth - 1) for one in _named(function))
    )


def _make(original: Any) -> Any:
    def compile(*args: Any, **kwargs: Any) -> Any:  # noqa: A001 - its name there
        if is_dynamo_compiling():
            return original(*args, **kwargs)
        try:
            result = original(*args, **kwargs)
        except BaseException as error:
            hide(error)
            raise
        try:
            _note(args[0] if args else kwargs.get("model"), kwargs)
        except Exception as error:  # noqa: BLE001 - ours stops here
            failed("compile", error)
        return result

    return compile


def _note(what: Any, given: Settings) -> None:
    global _seen
    if what is None or given.get("disable"):
        return  # a decorator, which calls this once more with what it decorates; or nothing is compiled
    _seen = True
    backend: Any = given.get("backend") or "inductor"
    how = {
        "compile.backend": backend if type(backend) is str else getattr(backend, "__name__", type(backend).__name__),
        "compile.mode": given.get("mode") or "default",
        "compile.fullgraph": bool(given.get("fullgraph")),
    }
    how |= {f"compile.{name}": given[name] for name in ("dynamic", "options") if given.get(name) is not None}
    behind = getattr(what, "__self__", None)
    if isinstance(behind, torch.nn.Module):
        what = behind  # one of its methods
    if not isinstance(what, torch.nn.Module):
        for part in (getattr(what, "__func__", what), behind):
            with suppress(TypeError):  # what takes no weak reference
                _functions.append((weakref.ref(part), how))
        return
    key = id(what)
    _modules[key] = weak(what, lambda _: _modules.pop(key, None)), how


def _known(module: Any) -> Settings | None:
    found = _modules.get(id(module))
    return found[1] if found is not None and found[0]() is module else None


def _is_compiled(module: Any) -> bool:
    return type(module).__name__ == "OptimizedModule" or getattr(module, "_compiled_call_impl", None) is not None


def _named(function: Any) -> Iterator[Any]:
    """What a function goes by the names of, beside what it is given; or what it is a method of, and that one's own."""
    if type(function) is not FunctionType:
        yield function
        yield from list(getattr(function, "__dict__", {}).values())[:_ATTRIBUTES]
        return
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not set yet
            continue
    for name in function.__code__.co_names:
        if name in function.__globals__:
            yield function.__globals__[name]


def _agreed(parts: list[Settings]) -> Settings:
    """What all of them have in common."""
    return {name: value for name, value in parts[0].items() if all(part.get(name) == value for part in parts)}
