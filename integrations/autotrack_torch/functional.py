"""The loss functions of ``torch.nn.functional``: what they give, outside of training steps, is looked at."""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from typing import Any

import torch
from torch import is_grad_enabled
from torch.compiler import is_dynamo_compiling
from torch.nn import functional

from autotrack_torch.derived import COUNTED
from autotrack_torch.hearing import counted, hear
from autotrack_torch.loop import Loop
from autotrack_torch.standin import failed, hide, put
from autotrack_torch.tasks import here, present

NAMES = (
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_embedding_loss", "cross_entropy", "ctc_loss",
    "gaussian_nll_loss", "hinge_embedding_loss", "huber_loss", "kl_div", "l1_loss", "margin_ranking_loss", "mse_loss",
    "multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss", "nll_loss", "poisson_nll_loss",
    "smooth_l1_loss", "soft_margin_loss", "triplet_margin_loss", "triplet_margin_with_distance_loss",
)  # fmt: skip


def watch() -> Callable[[], None]:
    """Look at the losses from now on; returns what puts torch's own functions back."""
    undo = [put(functional, name, _looker(name)) for name in NAMES if hasattr(functional, name)]

    def stop() -> None:
        for call in undo:
            call()

    return stop


def _looker(name: str) -> Callable[[Any], Any]:
    always = name in COUNTED

    def make(original: Any) -> Any:
        def loss(*args: Any, **kwargs: Any) -> Any:
            if is_dynamo_compiling():
                return original(*args, **kwargs)
            try:
                result = original(*args, **kwargs)
            except BaseException as error:
                hide(error)
                raise
            loop = present()
            if loop is None or loop.steady is None or loop.thread != get_ident() or not is_grad_enabled():
                _hear(name, result, args, kwargs)
            elif always:
                _count(loop, name, result, args, kwargs)
            return result

        # TorchScript compiles from source, and then takes that of the original instead.
        loss.__dict__.update({"__script_if_tracing_wrapper": True, "__original_fn": original})
        return loss

    return make


def _count(loop: Loop, name: str, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    try:
        loop.judged = counted(name, result, args, kwargs)
    except Exception as error:  # noqa: BLE001 - ours stops here
        failed("loss function", error)


def _hear(name: str, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    if type(result) is torch.Tensor:
        try:
            loop = here()
            if loop is not None and (name in COUNTED or loop.listens()):
                hear(loop, name, result, args, kwargs)
        except Exception as error:  # noqa: BLE001 - ours stops here
            failed("loss function", error)
