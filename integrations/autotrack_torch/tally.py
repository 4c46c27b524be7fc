"""Samples put into the right class, counted for several small batches at once.

What it takes to count one batch is nearly all overhead, amid a program that has driven ours out of the processor's
caches. So the scores are copied, which takes next to nothing, and looked at when there are many of them.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import torch

from autotrack_torch.derived import IGNORED, countable
from autotrack_torch.reading import ordinary, unseen

if TYPE_CHECKING:
    from autotrack_torch.training import Training

_BYTES = 64 * 1024
"""Copies at most."""
_MOST, _LEAST = 64, 4
"""Batches that are worth it."""
_Tensor = torch.Tensor
_int64 = torch.int64


class Tally:
    """Copies of batches of the same shape and type as a first one."""

    __slots__ = (
        "_classes", "_dtype", "_filled", "_found", "_given", "_length", "_right", "_room", "_scores", "_seen", "_shape",
    )  # fmt: skip

    def __init__(self, scores: Any, target: Any) -> None:
        self._shape, self._length, self._dtype = scores.shape, target.shape, scores.dtype
        self._filled = self._right = self._seen = self._room = 0
        if countable(scores, target):
            size = scores.numel() * scores.element_size() + 8 * target.numel()
            self._room = min(_MOST, _BYTES // max(size, 1))
        if self._room < _LEAST:
            self._shape = None  # nothing is like this
            return
        with torch.no_grad(), unseen():
            copies = torch.empty((self._room, *self._shape), dtype=self._dtype, device="cpu")
            classes = torch.empty((self._room, *self._length), dtype=_int64, device="cpu")
        self._scores, self._classes = copies.unbind(), classes.unbind()
        self._found, self._given = copies.numpy(), classes.numpy()

    def fits(self, scores: Any, target: Any) -> bool:
        """Whether batches are of this kind."""
        return (self._shape, self._length, self._dtype) == (scores.shape, target.shape, scores.dtype)

    def copy(self, scores: Any, target: Any) -> bool:
        """Copy a batch, into the place of one that was not kept; whether it is of this kind."""
        if type(scores) is not _Tensor or type(target) is not _Tensor or scores.shape != self._shape:
            return False
        if target.shape != self._length or target.dtype is not _int64 or scores.dtype is not self._dtype:
            return False
        if not scores.is_cpu or not target.is_cpu or not ordinary(scores):
            return False
        at = self._filled
        self._scores[at].copy_(scores.detach())
        self._classes[at].copy_(target)
        return True

    def keep(self) -> None:
        """The batch that was copied last counts."""
        self._filled += 1
        if self._filled == self._room:
            self._count()

    def take(self) -> tuple[int, int]:
        """Samples put into the right class, and samples, of what was kept since this was asked last."""
        self._count()
        right, seen, self._right, self._seen = self._right, self._seen, 0, 0
        return right, seen

    def latest(self) -> tuple[int, int]:
        """The same of the batch that was copied last and is not kept."""
        return self._look(self._filled, self._filled + 1)

    def _count(self) -> None:
        if self._filled:
            right, seen = self._look(0, self._filled)
            self._right += right
            self._seen += seen
            self._filled = 0

    def _look(self, first: int, end: int) -> tuple[int, int]:
        given = self._given[first:end]
        right = (self._found[first:end].argmax(2) == given).sum()
        return int(right), int((given != IGNORED).sum())


_kept: weakref.WeakKeyDictionary[Training, Tally] = weakref.WeakKeyDictionary()


def tally_of(training: Training, scores: Any, target: Any) -> Tally:
    """What counts batches like this one of a training."""
    found = _kept.get(training)
    if found is None or not found.fits(scores, target):
        found = _kept[training] = Tally(scores, target)
    return found
