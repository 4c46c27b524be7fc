"""One optimizer of a training, and what it was seen to minimise."""

from __future__ import annotations

from typing import Any

from autotrack.hooks import weak
from autotrack_torch.memory import devices_of
from autotrack_torch.passes import Pass
from autotrack_torch.series import Series

HOLD = 64
"""Steps for which others may still join: they were built before the training began, and have not stepped yet."""


class Optimized:
    """One optimizer of a training."""

    def __init__(self, optimizer: Any, label: str, entries: dict[int, Optimized]) -> None:
        key = id(optimizer)
        self.ref = weak(optimizer, lambda _: entries.pop(key, None))
        self.label = label
        self.why = ""
        """Whose parameters it was given, as far as that is known."""
        self.params = parameters(optimizer)
        """The ``id`` of each of its parameters, as long as their model is there."""
        self.devices = devices_of(optimizer)
        self.last = 0
        """When it has stepped last."""
        self.count = 1
        """How many have been in this place, one after another."""
        self.steps = 0
        self.lr: Any = None
        self.loss: Series | None = None
        self.norms: list[float] = [0.0, 0]
        """The norms of gradients that were looked at, summed up, and how many."""
        self.norm_price = 0.0
        """About how many seconds a look at them takes."""
        self.looked = False
        """Whether there was one in this epoch."""
        self.norm_due = 0.0
        """When to look again."""
        self.window = [0.0, 0.0]

    def follow(self, optimizer: Any, entries: dict[int, Optimized]) -> None:
        """Another one goes on in its place."""
        key = id(optimizer)
        self.ref = weak(optimizer, lambda _: entries.pop(key, None))
        self.params |= parameters(optimizer)
        self.devices |= devices_of(optimizer)
        self.count += 1

    def add_norm(self, norm: float) -> None:
        """The norm of the gradients of a step."""
        self.norms[0] += norm
        self.norms[1] += 1

    def rates(self) -> dict[str, float]:
        """How it has stepped since this was asked last."""
        found = {}
        if self.norms[1]:
            found["grad_norm"] = self.norms[0] / self.norms[1]
            self.norms = [0.0, 0]
        self.looked = False
        if isinstance(self.lr, int | float) or getattr(self.lr, "is_cpu", False):
            found["lr"] = float(self.lr)
        return found

    def sums(self, pass_: Pass | None) -> list[float]:
        """``[sum of n * loss, sum of n]`` of a pass, or of what goes on outside of passes."""
        if pass_ is None:
            return self.window
        found = pass_.sums.get(self)
        if found is None:
            found = pass_.sums[self] = [0.0, 0.0]
        return found


def parameters(optimizer: Any) -> set[int]:
    """The ``id`` of each parameter."""
    return {id(tensor) for group in optimizer.param_groups for tensor in group["params"]}
