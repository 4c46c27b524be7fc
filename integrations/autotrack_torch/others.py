"""A model beside the one that is trained, of the same class and size: an average of its weights, a copy, a teacher.

How it does in an evaluation is not how the trained one does. Its values carry the name that the program has for it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from types import FrameType, FunctionType, MethodType, ModuleType
from typing import Any

import torch

from autotrack_torch import owner
from autotrack_torch.labels import everything
from autotrack_torch.naming import frames

_PLAIN = frozenset(("self", "model", "module", "net", "network", "m", "_orig_mod", "func", "fn", "args"))
"""What anything may be called that is passed on."""
_DEPTH = 3
_ATTRIBUTES = 100
_LOOKS = 5000
"""Variables and attributes that are looked at for one name."""
_DULL = (ModuleType, type, FunctionType, MethodType, str, int, float, torch.Tensor)


def beside(models: list[Any], called: list[Any], thread: int) -> Any:
    """The one model that was called, if it is none of those that are or were trained, nor waits to be, and is like one
    of them in class and size; ``None`` where this is not so."""
    found = called[0] if len(called) == 1 else None
    if found is None or owner.is_trained(found) or any(found is model for model in owner.models_waiting(thread)):
        return None
    size = _size(found)
    return found if any(type(model) is type(found) and _size(model) == size for model in models) else None


def label(model: Any) -> str:
    """What the program calls a model, or what holds it, where it calls from; empty if it has no name of its own."""
    chain = [model, *owner.holders(model)]
    looks = _LOOKS
    for frame in reversed(list(_program())):
        for name, value in everything(frame).items():
            for path in _paths((name,), value, chain, _DEPTH):
                own = [part for part in path if part not in _PLAIN and not part.startswith("__")]
                if own:
                    return own[-1]
            looks -= 1
            if not looks:
                return ""
    return next((type(holder).__name__ for holder in chain[1:]), "")


def _program() -> Iterator[FrameType]:
    yield from frames(sys._getframe(1))


def _paths(path: tuple[str, ...], value: Any, chain: list[Any], depth: int) -> Iterator[tuple[str, ...]]:
    if any(value is known for known in chain):
        yield path
        return
    if depth == 1 or isinstance(value, _DULL):
        return
    held = getattr(value, "__dict__", None)
    if type(held) is not dict or len(held) > _ATTRIBUTES:
        return
    modules = held.get("_modules")
    for part in (held, modules if isinstance(modules, Mapping) else {}):
        for name, inner in list(part.items()):
            if isinstance(name, str) and name != "_modules":
                yield from _paths((*path, name), inner, chain, depth - 1)


def _size(model: Any) -> list[Any]:
    return [getattr(tensor, "shape", None) for tensor in model.parameters()]
