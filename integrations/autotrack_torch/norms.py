"""The norm of the gradients that an optimizer steps with, looked at in so few steps that it hardly costs anything."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import torch

from autotrack_torch import histograms
from autotrack_torch.integration import log_gradients
from autotrack_torch.reading import Readings, unseen, visible

if TYPE_CHECKING:
    from autotrack_torch.training import Training

SHARE = 0.002
"""Of the time of all steps."""
_FREE = 2e-4
"""What takes no longer, as it seems, is looked at once in every epoch anyhow."""
_EACH = 5e-6
_SPEED = 2e9


def look(training: Training, optimizer: Any, readings: Readings) -> None:
    """An optimizer is about to step: take the norm of its gradients, if enough time has gone by since the last."""
    optimized = training.optimizers.get(id(optimizer))
    if optimized is None or training.closed:
        return
    started = time.perf_counter()
    if not optimized.norm_price:
        sizes = [tensor.numel() for group in optimizer.param_groups for tensor in group["params"]]
        optimized.norm_price = sum(_EACH + size / _SPEED for size in sizes)
        optimized.norm_due = started + optimized.norm_price / SHARE
    cheap = optimized.norm_price < _FREE and not optimized.looked
    if cheap or training.latest >= optimized.norm_due:
        optimized.looked = True
        held = [(tensor, tensor.grad) for group in optimizer.param_groups for tensor in group["params"]]
        held = [(tensor, grad) for tensor, grad in held if grad is not None]
        total = _norm(optimizer, [grad for _, grad in held])
        if total is not None:
            readings.take(total, optimized.add_norm)
            training.say("autotrack.torch.grad_norm", f"sampled: of steps that take {SHARE:.1%} of the time to look at")
        now = time.perf_counter()
        optimized.norm_due = now + (now - started) * len(training.optimizers) / SHARE
        if total is not None and log_gradients():
            histograms.look(training, optimized, held, readings)
    training.norm_due = min(known.norm_due if known.looked else 0.0 for known in training.by_name)


def _norm(optimizer: Any, grads: list[Any]) -> Any:
    """``None`` where gradients are not plain: spread over processes, sparse, or still scaled up."""
    if not grads or getattr(optimizer, "grad_scale", None) is not None:
        return None
    device = grads[0].device
    if any(not visible(grad) or grad.device != device or grad.layout is not torch.strided for grad in grads):
        return None
    if device.type == "cuda" and torch.cuda.is_current_stream_capturing():
        return None
    with torch.no_grad(), unseen():
        norms = torch._foreach_norm(grads)  # pyright: ignore[reportPrivateImportUsage]  # the only one for many tensors
        return torch.linalg.vector_norm(torch.stack([norm.float() for norm in norms]))
