"""Optimizer steps, through torch's own global hooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.compiler import is_compiling
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from autotrack_torch.integration import INTEGRATION
from autotrack_torch.loop import here


def watch() -> Callable[[], None]:
    """Be told of every step from now on; returns what ends that."""
    handles = [register_optimizer_step_pre_hook(_before), register_optimizer_step_post_hook(_after)]

    def undo() -> None:
        for handle in handles:
            handle.remove()

    return undo


def _before(optimizer: Any, _args: Any, _kwargs: Any) -> None:
    if not is_compiling():
        _STEPS.before(optimizer)


def _after(optimizer: Any, _args: Any, _kwargs: Any) -> None:
    if not is_compiling():
        _STEPS.after(optimizer)


@INTEGRATION.guarded
class _Steps:
    def before(self, optimizer: Any) -> None:
        """A step begins. What ``backward`` does meanwhile, in a closure, belongs to it."""
        loop = here()
        if loop is not None:
            if id(optimizer) in loop.stepping:  # the last one never came to its end
                loop.stepping.clear()
            loop.stepping.append(id(optimizer))

    def after(self, optimizer: Any) -> None:
        """A step is done; that of a wrapper around another optimizer's counts as one."""
        loop = here()
        if loop is not None and loop.stepping:
            if loop.stepping.pop() != id(optimizer):
                loop.stepping.clear()
            if not loop.stepping:
                loop.stepped(optimizer)


_STEPS = _Steps()
