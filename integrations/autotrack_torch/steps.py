"""Optimizer steps, through torch's own global hooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.compiler import is_dynamo_compiling
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from autotrack_torch.norms import look
from autotrack_torch.standin import failed
from autotrack_torch.steady import MINIMISED, STEPPING, Steady
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
    loop = present()
    steady = loop.steady if loop is not None else None
    if steady is None or steady.at != MINIMISED or steady.optimizer() is not optimizer:
        _begin(optimizer)
    else:
        steady.at = STEPPING
        if steady.latest >= steady.due:
            _look(steady, optimizer)


def _after(optimizer: Any, _args: Any, _kwargs: Any) -> None:
    """A step is done; that of a wrapper around another optimizer's counts as one."""
    if is_dynamo_compiling():
        return
    loop = present()
    steady = loop.steady if loop is not None else None
    if steady is None or not steady.step(optimizer):
        _end(optimizer)


def _begin(optimizer: Any) -> None:
    try:
        loop = here()
        if loop is not None:
            loop.begin_step(optimizer)
            training = loop.training
            if training is not None and training.latest >= training.norm_due and len(loop.stepping) < 2:
                look(training, optimizer, loop.readings)
    except Exception as error:  # noqa: BLE001 - ours stops here
        failed("step", error)


def _look(steady: Steady, optimizer: Any) -> None:
    training = steady.training
    try:
        training.latest = steady.latest
        look(training, optimizer, steady.readings)
        steady.due = training.norm_due
    except Exception as error:  # noqa: BLE001 - ours stops here
        failed("step", error)


def _end(optimizer: Any) -> None:
    try:
        loop = here()
        if loop is not None:
            loop.end_step(optimizer)
    except Exception as error:  # noqa: BLE001 - ours stops here
        failed("step", error)
