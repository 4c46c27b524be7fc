"""``zero_grad``: what was minimised before it, and not used in a step, was not training."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from threading import get_ident
from typing import Any

from torch import nn
from torch.compiler import is_dynamo_compiling
from torch.optim.optimizer import Optimizer

from autotrack_torch.loop import Loop
from autotrack_torch.standin import failed, hide, put
from autotrack_torch.steady import MINIMISED
from autotrack_torch.tasks import present

_NOTHING = object()


def watch() -> Callable[[], None]:
    """Be told when gradients are thrown away; returns what ends that."""
    undo = [put(owner, "zero_grad", _make) for owner in (Optimizer, nn.Module)]

    def stop() -> None:
        for call in undo:
            call()

    return stop


def _make(original: Any) -> Any:
    general = _make_for_any(original)
    if [*signature(original).parameters] != ["self", "set_to_none"]:
        return general

    def zero_grad(self: Any, set_to_none: Any = _NOTHING) -> Any:
        if is_dynamo_compiling() or set_to_none is not _NOTHING:
            return general(self) if set_to_none is _NOTHING else general(self, set_to_none=set_to_none)
        loop = present()
        if loop is not None:
            steady = loop.steady
            if steady.at >= MINIMISED if steady is not None else loop.pending:
                _drop(loop, self)
        try:
            return original(self)
        except BaseException as error:
            hide(error)
            raise

    return zero_grad


def _make_for_any(original: Any) -> Any:
    def zero_grad(self: Any, *args: Any, **kwargs: Any) -> Any:
        if is_dynamo_compiling():
            return original(self, *args, **kwargs)
        loop = present()
        if loop is not None:
            steady = loop.steady
            if steady.at >= MINIMISED if steady is not None else loop.pending:
                _drop(loop, self)
        try:
            return original(self, *args, **kwargs)
        except BaseException as error:
            hide(error)
            raise

    return zero_grad


def _drop(loop: Loop, owner: Any) -> None:
    try:
        if loop.thread == get_ident():
            loop.dropped(owner)
    except Exception as error:  # noqa: BLE001 - ours stops here
        failed("zero_grad", error)
