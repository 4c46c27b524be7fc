"""Gradients that are clipped: to which norm or value."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import get_ident
from typing import Any

from torch.compiler import is_dynamo_compiling
from torch.nn import utils
from torch.nn.utils import clip_grad

from autotrack_torch.standin import failed, hide, put
from autotrack_torch.tasks import present

_PARAMS = {"clip_grad_norm_": ("clip_grad_norm", "max_norm"), "clip_grad_value_": ("clip_grad_value", "clip_value")}


def watch() -> Callable[[], None]:
    """Look at what clips gradients from now on; returns what puts torch's own functions back."""
    undo = []
    for name, (param, argument) in _PARAMS.items():
        undo.append(put(clip_grad, name, _looker(param, argument)))
        # torch has it under a second name, as most programs do.
        ours = vars(clip_grad)[name]
        if vars(utils).get(name) is ours.__wrapped__:
            undo.append(put(utils, name, partial(_same, ours)))

    def stop() -> None:
        for call in undo:
            call()

    return stop


def _same(ours: Any, _original: Any) -> Any:
    return ours


def _looker(param: str, argument: str) -> Callable[[Any], Any]:
    def make(original: Any) -> Any:
        def clip(*args: Any, **kwargs: Any) -> Any:
            if is_dynamo_compiling():
                return original(*args, **kwargs)
            try:
                result = original(*args, **kwargs)
            except BaseException as error:
                hide(error)
                raise
            loop = present()
            training = loop.training if loop is not None and loop.thread == get_ident() else None
            if training is not None and param not in training.noted:
                try:
                    _note(training, param, args[1] if len(args) > 1 else kwargs.get(argument))
                except Exception as error:  # noqa: BLE001 - ours stops here
                    failed("clipping", error)
            return result

        return clip

    return make


def _note(training: Any, param: str, most: Any) -> None:
    training.noted.add(param)
    if type(most) in (int, float) and not training.closed:
        training.run.params({param: most})
