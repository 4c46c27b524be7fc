"""``backward``: what a program minimises."""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from typing import Any

import torch
from torch.compiler import is_dynamo_compiling

from autotrack_torch.reach import reached
from autotrack_torch.standin import failed, hide, put
from autotrack_torch.tasks import here, present

_running = torch._C._current_graph_task_id  # pyright: ignore[reportAttributeAccessIssue]  # it has no other name
_NONE = -1


def watch() -> Callable[[], None]:
    """Look at every backward pass before it begins; returns what ends that."""
    return put(torch.autograd, "backward", _make)


def _make(original: Any) -> Any:
    def backward(*args: Any, **kwargs: Any) -> Any:
        if is_dynamo_compiling() or _running() != _NONE:  # or called by a backward pass, as where it computes again
            return original(*args, **kwargs)
        loop, before, gradients = present(), 0, None
        try:
            if loop is None or loop.thread != get_ident():
                loop = here()
            if loop is not None:
                roots = args[0] if args else kwargs["tensors"]
                if loop.steady is None or not loop.steady.minimise(loop, roots):
                    before = len(loop.pending)
                    for root in roots if isinstance(roots, list | tuple) else (roots,):
                        gradients = loop.minimise(root) or gradients
        except Exception as error:  # noqa: BLE001 - ours stops here
            failed("backward", error)
        try:
            result = original(*args, **kwargs)
        except BaseException as error:
            if loop is not None:
                loop.pause()
                del loop.pending[before:]  # nothing came of it
            hide(error)
            raise
        if gradients is not None and loop is not None:
            try:
                reached(loop.pending[before:], gradients)
            except Exception as error:  # noqa: BLE001 - ours stops here
                failed("backward", error)
        return result

    return backward
