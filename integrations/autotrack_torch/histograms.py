"""How large the gradients of single parameters are, where the program asks for it: in some steps, of some values."""

from __future__ import annotations

import json
import time
import weakref
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch

from autotrack_torch.reading import Readings, unseen

if TYPE_CHECKING:
    from autotrack_torch.optimized import Optimized
    from autotrack_torch.training import Training

SHARE = 0.005
"""Of the time of all steps."""
_TENSORS = 64
_VALUES = 4096
"""Of each that are looked at."""
_WHOLE = 32
"""Looks that are all kept; of further ones as many for each doubling of their number."""
_DECADES = (-10, 2)
"""Between which powers of ten the bins lie, two to each; there are as many for negative values."""


class Histograms:
    """What is kept of one optimizer's gradients."""

    def __init__(self) -> None:
        self.looks = 0
        self.due = 0.0

    def wanted(self) -> bool:
        """Whether another look is to be kept."""
        self.looks += 1
        count = self.looks - 1
        return count % max(1, 1 << (count // _WHOLE).bit_length() >> 1) == 0


_kept: weakref.WeakKeyDictionary[Optimized, Histograms] = weakref.WeakKeyDictionary()


def look(training: Training, optimized: Optimized, gradients: list[tuple[Any, Any]], readings: Readings) -> None:
    """An optimizer is about to step with gradients of parameters that lie on one device: ``(parameter, gradient)``."""
    started = time.perf_counter()
    kept = _kept.setdefault(optimized, Histograms())
    if started < kept.due or not kept.wanted():
        return
    names = {id(tensor): name for model in training.keeper.alive() for name, tensor in model.named_parameters()}
    some = gradients[:: len(gradients) // _TENSORS + 1]
    rows = [(names.get(id(tensor), str(at)), gradient.numel()) for at, (tensor, gradient) in enumerate(some)]
    with torch.no_grad(), unseen():
        edges = _edges(some[0][1].device)
        counts = torch.stack([_above(gradient, edges) for _, gradient in some])
    readings.take_all(counts, partial(_write, training, optimized.label, training.steps + 1, rows))
    training.say(
        "autotrack.torch.gradients",
        f"sampled: of steps that take {SHARE:.1%} of the time to look at, up to {_VALUES} values of each of up to "
        f"{_TENSORS} parameters",
    )
    now = time.perf_counter()
    kept.due = now + (now - started) / SHARE


def _edges(device: torch.device) -> torch.Tensor:
    """Made where the gradients are, as nothing that is brought there goes without waiting."""
    first, last = _DECADES
    sizes = 10.0 ** (torch.arange(2 * first, 2 * last + 1, device=device, dtype=torch.float32) / 2)
    return torch.cat([-sizes.flip(0), torch.zeros_like(sizes[:1]), sizes])


def _above(gradient: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
    """How many of a gradient's values are no less than each edge; how many are no numbers, and how many were looked
    at."""
    values = gradient.detach().reshape(-1)
    values = values[:: values.numel() // _VALUES + 1].to(torch.float32)
    above = (values.unsqueeze(1) >= edges).sum(0)
    return torch.cat([above, values.isnan().sum().reshape(1), torch.full_like(above[:1], values.numel())])


def _write(training: Training, label: str, step: int, rows: list[tuple[str, int]], counts: list[list[int]]) -> None:
    first, last = _DECADES
    sizes = [10.0 ** (half / 2) for half in range(2 * first, 2 * last + 1)]
    found = {}
    for (name, size), (*above, odd, looked) in zip(rows, counts, strict=True):
        whole = [looked - odd, *above, 0]
        bins = [more - less for more, less in pairwise(whole)]
        found[name] = {"counts": bins, "not_a_number": odd, "looked_at": looked, "size": size}
    edges = [*(-size for size in reversed(sizes)), 0.0, *sizes]
    text = json.dumps({"step": step, "epoch": max(training.epochs - 1, 0), "edges": edges, "gradients": found})
    training.run.text(text, f"gradients/{label}{'/' if label else ''}step-{step:09}.json")
