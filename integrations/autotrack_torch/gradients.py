"""``zero_grad``: what was minimised before it, and not used in a step, was not training."""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from typing import Any

from torch import nn
from torch.compiler import is_dynamo_compiling
from torch.optim.optimizer import Optimizer

from autotrack_torch.standin import failed, hide, put
from autotrack_torch.steady import MINIMISED
from autotrack_torch.tasks import present


def watch() -> Callable[[], None]:
    """Be told when gradients are thrown away; returns what ends that."""
    undo = [put(owner, "zero_grad", _make) for owner in (Optimizer, nn.Module)]

    def stop() -> None:
        for call in undo:
            call()

    return stop


def _make(original: Any) -> Any:
    def zero_grad(self: Any, *args: Any, **kwargs: Any) -> Any:
        if is_dynamo_compiling():
            return original(self, *args, **kwargs)
        loop = present()
        steady = loop.steady if loop is not None else None
        if loop is not None and (loop.pending if steady is None else steady.at >= MINIMISED):
            try:
                if loop.thread == get_ident():
                    loop.dropped(self)
            except Exception as error:  # noqa: BLE001 - ours stops here
                failed("zero_grad", error)
        try:
            return original(self, *args, **kwargs)
        except BaseException as error:
            hide(error)
            raise

    return zero_grad
