"""Steps like those before them: one batch, one loss that a function gave as it is, one optimizer.

Most steps of most trainings are. What they give is gathered here with next to no work; before anything else happens,
the loop takes it over with `leave` and is as if it had seen every step itself.
"""

from __future__ import annotations

import os
from time import perf_counter
from typing import TYPE_CHECKING, Any

import torch

from autotrack_torch import owner, passes
from autotrack_torch.loss import Piece
from autotrack_torch.passes import Pass
from autotrack_torch.reading import at_hand

if TYPE_CHECKING:
    from autotrack_torch.loop import Loop
    from autotrack_torch.training import Training

AFTER = 4
"""So many steps in a row have to be alike."""
_MOST = 64
_LONGEST = 0.05
"""Seconds for which steps are gathered: what a killed process has not written down of its curve."""

STEPPED, TAKEN, MINIMISED, STEPPING = range(4)

Row = tuple[int, float, float]
"""``(samples, loss, when)`` of a step, in seconds of ``perf_counter``."""


def alike(loop: Loop, pass_: Pass | None, pieces: list[Piece]) -> bool:
    """Whether the step that was made for something minimised in a pass is of the usual kind."""
    training = loop.training
    piece = pieces[0] if len(pieces) == 1 else None
    if training is None or piece is None or not training.settled or loop.plain is None:
        return False
    if piece.value is None or piece.extensive or piece.factor != 1.0 or piece.part or piece.reached is not None:
        return False
    if loop.pending or loop.undecided or loop.shared or loop.scales() or loop.readings.waiting:
        return False
    return loop.current is pass_ is piece.over and (pass_ is None or pass_.plain)


class Steady:
    """A loop's steps since the last one that was looked at closely."""

    __slots__ = (
        "_collected", "_counted", "_group", "_index", "_kind", "_lr", "_most", "_optimized", "_optimizer", "_owner",
        "_pass", "_ready", "_rows", "_until", "_value", "_version", "at", "training",
    )  # fmt: skip

    def __init__(self, loop: Loop, training: Training, watched: owner.Watched) -> None:
        self.training = training
        self._optimized = training.by_name[0]
        self._optimizer = self._optimized.ref
        self._pass: Any = loop.current
        self._counted = loop.current is not None and loop.current.counted
        self._kind = loop.plain
        self._group, self._index = watched.group, watched.index
        self._collected = passes.collected
        self._owner = os.getpid()
        self._ready = TAKEN if loop.current is None else STEPPED
        self.at = self._ready
        """What was seen last of the step under way."""
        self._until = training.latest + _LONGEST
        self._rows: list[Row] = []
        self._value = 0.0
        self._version = 0
        self._lr: Any = self._optimized.lr
        self._most = training.room(_MOST)

    def take(self, pass_: Pass, batch: Any) -> bool:
        """Whether a batch is the next one of the pass, after a step."""
        if self.at != STEPPED or pass_ is not self._pass:
            return False
        pass_.count(batch)
        self.at = TAKEN
        return True

    def minimise(self, loop: Loop, root: Any) -> bool:
        """Whether what ``backward`` begins at is the loss of that batch, as before."""
        if self.at != TAKEN or type(root) is not torch.Tensor or type(root.grad_fn) is not self._kind:
            return False
        optimizer = self._optimizer()
        if optimizer is None or self._collected != passes.collected or owner.unstepped or not at_hand(root):
            return False
        if loop.judged is not None and not self._judge(loop, root):
            return False
        self._version = optimizer.param_groups[self._group]["params"][self._index]._version
        self._value = root.item()
        self.at = MINIMISED
        return True

    def _judge(self, loop: Loop, root: Any) -> bool:
        """Whether the classes that were counted are those of this loss."""
        judged = loop.judged
        if judged is None or self._pass is None or judged[0]() is not root:
            return False
        loop.judged = None
        self._pass.hits.add(loop.readings, judged[1], judged[2])
        return True

    def begin(self, optimizer: Any) -> bool:
        """Whether the optimizer that is about to step is the one that did before."""
        if self.at != MINIMISED or self._optimizer() is not optimizer:
            return False
        self.at = STEPPING
        return True

    def step(self, optimizer: Any) -> bool:
        """Whether it has stepped, and nothing else has meanwhile."""
        if self.at != STEPPING:
            return False
        self.at = self._ready
        now = self.training.latest = perf_counter()
        self._rows.append((self._pass.n if self._counted else 1, self._value, now))
        self._lr = optimizer.param_groups[0]["lr"]
        if now >= self._until or len(self._rows) >= self._most:
            self.gather()
        return True

    def gather(self) -> None:
        """Hand on what was gathered."""
        rows, self._rows = self._rows, []
        self._until = self.training.latest + _LONGEST
        if not rows or self._owner != os.getpid():
            return
        if self._pass is not None:
            self._pass.steps += len(rows)
            self._pass.backwards += len(rows)
        self._optimized.lr = self._lr
        self.training.gathered(self._optimized, self._pass, rows)
        self._most = self.training.room(_MOST)

    def leave(self, loop: Loop) -> None:
        """Nothing more is gathered: the loop goes on from what was seen last."""
        loop.steady = self.training.steady = None
        self.gather()
        pass_ = self._pass
        if pass_ is not None:
            pass_.moved = self.at == TAKEN
        if self.at >= MINIMISED:
            piece = Piece(pass_, 0, 0, self._version)
            piece.value = self._value
            if pass_ is not None:
                piece.batch, piece.n = pass_.batches, pass_.n if pass_.counted else 0
                pass_.backwards += 1
            loop.pending.append(piece)
        if self.at == STEPPING:
            loop.stepping.append(id(self._optimizer()))
