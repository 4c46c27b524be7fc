"""Parameters that have changed since something was minimised, without a step that anybody was told of.

A step that is compiled shows in nothing else. The program may also have changed them itself: that is no step.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import torch

from autotrack_torch import compiling, owner
from autotrack_torch.reading import unseen, visible

if TYPE_CHECKING:
    from autotrack_torch.loop import Loop


def step(loop: Loop) -> None:
    """Take it for a step if one may be compiled, there is one optimizer that could have made it, and what that one
    keeps has changed too."""
    optimizer = _candidate(loop)
    if optimizer is not None:
        progress = _progress(optimizer)
        if progress is None or progress != loop.progress:
            loop.unseen, loop.progress = weakref.ref(optimizer), progress or 0
            loop.stepped(optimizer)
            return
    for piece in loop.pending:
        if piece.over is not None:
            piece.over.by_hand = True
    if not _kept(loop):
        loop.discard(loop.pending[:])


def _candidate(loop: Loop) -> Any:
    optimizer = loop.unseen() if loop.unseen is not None else None
    if optimizer is None and compiling.may_step():
        built = owner.waiting(loop.thread)
        optimizer = built[0].ref() if len(built) == 1 else None
    return optimizer


def _progress(optimizer: Any) -> int | None:
    """A number that each of an optimizer's steps makes another; ``None`` where it keeps nothing from step to step."""
    kept = [tensor for state in list(optimizer.state.values())[:1] for tensor in state.values()]
    tensors = [tensor for tensor in kept if isinstance(tensor, torch.Tensor)]
    if tensors or not isinstance(optimizer, torch.optim.SGD):
        return sum(1 + tensor._version for tensor in tensors)
    return None


def _kept(loop: Loop) -> bool:
    """Whether the gradients are still to be used. Where they lie on a device, that is not clear."""
    tensor = loop.watched() if loop.watched is not None else None
    gradient = tensor.grad if tensor is not None else None
    if gradient is None or not visible(gradient) or not gradient.is_cpu:
        return False
    with torch.no_grad(), unseen():
        return bool(gradient.count_nonzero())
