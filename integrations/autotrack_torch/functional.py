"""The loss functions of ``torch.nn.functional``: what they give is looked at, through the module's own names."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
import torch.nn.functional as F
from torch.compiler import is_compiling

from autotrack_torch.integration import INTEGRATION
from autotrack_torch.loop import here
from autotrack_torch.tracebacks import transparently

NAMES = (
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_embedding_loss", "cross_entropy", "ctc_loss",
    "gaussian_nll_loss", "hinge_embedding_loss", "huber_loss", "kl_div", "l1_loss", "margin_ranking_loss", "mse_loss",
    "multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss", "nll_loss", "poisson_nll_loss",
    "smooth_l1_loss", "soft_margin_loss", "triplet_margin_loss", "triplet_margin_with_distance_loss",
)  # fmt: skip


def watch() -> Callable[[], None]:
    """Look at the losses from now on; returns what puts torch's own functions back."""
    ours = {name: _watched(name, getattr(F, name)) for name in NAMES if hasattr(F, name)}
    for name, function in ours.items():
        setattr(F, name, function)

    def undo() -> None:
        for name, function in ours.items():
            if getattr(F, name) is function:  # a stranger's later patch stays where it is
                setattr(F, name, function.__wrapped__)

    return undo


def _watched(name: str, original: Callable[..., Any]) -> Any:
    # A plain function: a compiler traces through it, and the pickle of one is its name.
    @wraps(original)
    def loss(*args: Any, **kwargs: Any) -> Any:
        if is_compiling():
            return original(*args, **kwargs)
        result = transparently(original, loss.__code__, args, kwargs)
        _EARS.hear(name, result, kwargs)
        return result

    # TorchScript compiles from source, and takes the source of this one instead.
    loss.__dict__.update({"__script_if_tracing_wrapper": True, "__original_fn": original})
    return loss


@INTEGRATION.guarded
class _Ears:
    def hear(self, name: str, result: Any, kwargs: dict[str, Any]) -> None:
        """A loss function gave something."""
        if type(result) is torch.Tensor:
            loop = here()
            if loop is not None:
                loop.hear(name, result, str(kwargs.get("reduction", "mean")))


_EARS = _Ears()
