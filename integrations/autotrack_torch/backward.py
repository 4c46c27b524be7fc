"""``backward``: what a program minimises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.compiler import is_dynamo_compiling

from autotrack_torch.loop import Loop
from autotrack_torch.reach import Gradients, reached
from autotrack_torch.standin import failed, hide, put
from autotrack_torch.tasks import here, present

_running = torch._C._current_graph_task_id  # pyright: ignore[reportAttributeAccessIssue]  # it has no other name
_NONE = -1


def watch() -> Callable[[], None]:
    """Look at every backward pass before it begins; returns what ends that."""
    return put(torch.autograd, "backward", _make, _make_for_any)


def _make(original: Any) -> Any:
    def backward(
        tensors: Any,
        grad_tensors: Any = None,
        retain_graph: Any = None,
        create_graph: Any = False,
        grad_variables: Any = None,
        inputs: Any = None,
    ) -> Any:
        if is_dynamo_compiling():
            return original(tensors, grad_tensors, retain_graph, create_graph, grad_variables, inputs)
        loop = present()
        if loop is not None and loop.steady is not None and loop.steady.minimise(tensors):
            before, gradients = 0, None
        else:
            loop, before, gradients = _look(tensors)
        try:
            result = original(tensors, grad_tensors, retain_graph, create_graph, grad_variables, inputs)
        except BaseException as error:
            _undo(loop, before)
            hide(error)
            raise
        if gradients is not None:
            _finish(loop, before, gradients)
        return result

    return backward


def _make_for_any(original: Any) -> Any:
    def backward(*args: Any, **kwargs: Any) -> Any:
        if is_dynamo_compiling():
            return original(*args, **kwargs)
        loop, before, gradients = _look(args[0] if args else kwargs.get("tensors"))
        try:
            result = original(*args, **kwargs)
        except BaseException as error:
            _undo(loop, before)
            hide(error)
            raise
        if gradients is not None:
            _finish(loop, before, gradients)
        return result

    return backward


def _look(roots: Any) -> tuple[Loop | None, int, Gradients | None]:
    """A backward pass is about to begin: whose it is, how much had been minimised before, and what gradients were."""
    loop, before, gradients = None, 0, None
    if _running() == _NONE:  # else a backward pass calls it, as where it computes again
        try:
            loop = here()
            if loop is not None and (loop.steady is None or not loop.steady.minimise(roots)):
                before = len(loop.pending)
                for root in roots if isinstance(roots, list | tuple) else (roots,):
                    gradients = loop.minimise(root) or gradients
        except Exception as error:  # noqa: BLE001 - ours stops here
            failed("backward", error)
    return loop, before, gradients


def _undo(loop: Loop | None, before: int) -> None:
    """Nothing came of it."""
    if loop is not None:
        try:
            loop.pause()
            loop.discard(loop.pending[before:])
        except Exception as error:  # noqa: BLE001 - ours stops here
            failed("backward", error)


def _finish(loop: Loop | None, before: int, gradients: Gradients) -> None:
    if loop is not None:
        try:
            reached(loop.pending[before:], gradients)
        except Exception as error:  # noqa: BLE001 - ours stops here
            failed("backward", error)
