"""Optimizer steps, through torch's own global hooks."""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from typing import Any

from torch.compiler import is_dynamo_compiling
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from autotrack_torch.norms import look
from autotrack_torch.standin import failed
from autotrack_torch.tasks import here, present


def watch() -> Callable[[], None]:
    """Be told of every step from now on; returns what ends that."""
    handles = [register_optimizer_step_pre_hook(_before), register_optimizer_step_post_hook(_after)]

    def undo() -> None:
        for handle in handles:
            handle.remove()

    return undo


def _before(optimizer: Any, _args: Any, _kwargs: Any) -> None:
    """A step begins. What ``backward`` does meanwhile, in a closure, belongs to it."""
    if is_dynamo_compiling():
        return
    try:
        loop = present()
        if loop is None or loop.thread != get_ident():
            loop = here()
        if loop is None:
            return
        if loop.steady is None or not loop.steady.begin(optimizer):
            loop.begin_step(optimizer)
        training = loop.training
        if training is not None and training.latest >= training.norm_due and len(loop.stepping) < 2:
            look(training, optimizer, loop.readings)
    except Exception as error:  # noqa: BLE001 - ours stops here
        failed("step", error)


def _after(optimizer: Any, _args: Any, _kwargs: Any) -> None:
    """A step is done; that of a wrapper around another optimizer's counts as one."""
    if is_dynamo_compiling():
        return
    try:
        loop = present()
        if loop is None or loop.thread != get_ident():
            loop = here()
        if loop is not None and (loop.steady is None or not loop.steady.step(optimizer)):
            loop.end_step(optimizer)
    except Exception as error:  # noqa: BLE001 - ours stops here
        failed("step", error)
