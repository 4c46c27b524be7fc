"""What follows from a loss function's arguments beside the loss: how many samples were put into the right class."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from operator import eq
from typing import Any

import torch

from autotrack_torch.reading import ordinary, unmoded, unseen, visible

CLASSES = frozenset(("cross_entropy", "nll_loss"))
"""The losses that compare scores of classes with the index of the right one."""
TOKENS = CLASSES | {"linear_cross_entropy"}
"""Those, and one that keeps the scores to itself: of which exp of the mean is the perplexity."""
BINARY = {"binary_cross_entropy": 0.5, "binary_cross_entropy_with_logits": 0.0}
"""The losses that compare one score with 0 or 1, and above which score it is taken for 1."""
COUNTED = CLASSES | BINARY.keys()
ERRORS = frozenset(("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"))
"""The losses of regressions."""
_Tensor = torch.Tensor
IGNORED = -100
_NUMPYS = (torch.float32, torch.float64)
numpy = "numpy" in sys.modules
"""Whether torch has it: it finds the highest of a batch's scores in a fraction of the time."""
_FEW = 2000
"""Scores that are gone through one by one."""
_MOST = 100_000
"""Scores in a training batch that are looked at; of larger ones the work would show."""


def countable(scores: Any, target: Any) -> bool:
    """Whether copies of a batch's scores can be counted as those of `classified` are on the CPU."""
    return numpy and scores.dtype in _NUMPYS and scores.dim() == 2 and target.dim() == 1


def right(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], *, training: bool) -> tuple[Any, Any] | None:
    """``(samples whose highest score is the right class's, samples)``, still where the scores are; ``None`` where the
    arguments are not scores of one class for each sample."""
    # The module of a binary loss gives weights as a third one.
    if len(args) > 2 + (name in BINARY) or kwargs.get("ignore_index", IGNORED) != IGNORED:
        return None
    scores: Any = args[0] if args else kwargs.get("input")
    target: Any = args[1] if len(args) > 1 else kwargs.get("target")
    if name in BINARY:
        return _right_of_two(scores, target, BINARY[name], training=training)
    return classified(scores, target, training=training)


def classified(scores: Any, target: Any, *, training: bool) -> tuple[Any, Any] | None:
    """The same of what a loss over classes has taken first."""
    if type(scores) is not _Tensor or type(target) is not _Tensor or target.dtype is not torch.int64:
        return None
    if target.dim() != 1:
        return None
    if numpy and scores.is_cpu and scores.dtype in _NUMPYS and ordinary(scores):
        array = scores.numpy(force=True)
        if array.ndim != 2 or (training and array.size > _MOST):
            return None
        # As lists, as most functions of numpy's cost more than so few numbers are worth when they are called seldom.
        found, classes = array.argmax(1).tolist(), target.tolist()
        return sum(map(eq, found, classes)), len(classes) - classes.count(IGNORED)
    if not visible(scores) or not visible(target) or scores.dim() != 2 or (training and scores.numel() > _MOST):
        return None
    with unseen():
        hits = scores.detach().argmax(1).eq(target)
        return torch.count_nonzero(hits), torch.count_nonzero(target.ne(IGNORED))


def _right_of_two(scores: Any, target: Any, above: float, *, training: bool) -> tuple[Any, Any] | None:
    """The same where 0 or 1 is right. With targets in between nothing is, and there is no number of samples."""
    if not visible(scores) or not visible(target):
        return None
    count = scores.numel()
    if scores.shape != target.shape or not scores.dim() or scores.shape[0] != count or (training and count > _MOST):
        return None
    if scores.is_cpu and count <= _FEW and unmoded():
        given = target.detach().flatten().tolist()
        if given.count(0) + given.count(1) < count:
            return 0, math.nan
        found = [score > above for score in scores.detach().flatten().tolist()]
        return sum(map(eq, found, given)), count
    with torch.no_grad(), unseen():
        whole = target.eq(0).logical_or(target.eq(1)).all()
        hits = scores.detach().gt(above).eq(target.gt(0.5))
        return torch.count_nonzero(hits), torch.where(whole, float(count), math.nan)


def errors(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
    """The mean of the errors' absolute values, and that of their squares, still where they are; nothing where the
    arguments are not numbers side by side."""
    found: Any = args[0] if args else kwargs.get("input")
    target: Any = args[1] if len(args) > 1 else kwargs.get("target")
    if not visible(found) or not visible(target) or found.shape != target.shape or not found.is_floating_point():
        return ()
    with torch.no_grad(), unseen():
        error = found.detach() - target
        return error.abs().mean(), error.square().mean()


def weigh(sums: list[float], n: int, value: float) -> None:
    """Add a value of ``n`` samples to ``[sum of n * value, sum of n]``."""
    sums[0] += n * value
    sums[1] += n
