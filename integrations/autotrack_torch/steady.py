"""Steps like those before them: one batch, one loss that a function gave as it is, one optimizer.

Most steps of most trainings are. What they give is gathered here with next to no work; before anything else happens,
the loop takes it over with `leave` and is as if it had seen every step itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import repeat
from threading import get_ident
from time import perf_counter
from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import has_torch_function_unary

from autotrack_torch import owner, passes
from autotrack_torch.loss import Piece, function_of
from autotrack_torch.passes import Pass
from autotrack_torch.tally import Tally, tally_of

if TYPE_CHECKING:
    from autotrack_torch.loop import Loop
    from autotrack_torch.reading import Readings
    from autotrack_torch.training import Training

AFTER = 4
"""So many steps in a row have to be alike."""
_MOST = 64
_LONGEST = 0.05
"""Seconds for which steps are gathered: what a killed process has not written down of its curve."""

STEPPED, TAKEN, MINIMISED, STEPPING = range(4)

_Tensor = torch.Tensor
_running = torch._C._current_graph_task_id  # pyright: ignore[reportAttributeAccessIssue]  # it has no other name
_NONE = -1
_tracing = torch._C._get_tracing_state
_modes = torch._C._len_torch_dispatch_stack
_transforms = torch._C._are_functorch_transforms_active

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


def gather(loop: Loop) -> None:
    """From now on a loop's steps are gathered, as long as they are like those before them."""
    training, watched, kind = loop.training, loop.watched, loop.plain
    if training is not None and watched is not None and kind is not None:
        loop.steady = training.steady = Steady(loop, training, watched, kind)


class Steady:
    """A loop's steps since the last one that was looked at closely.

    Its methods are called in every step, amid code that has driven ours out of the processor's caches. What counts is
    how little of it is touched: what can wait is left to `gather`, and nothing is called that can be done without.
    """

    __slots__ = (
        "_collected", "_counted", "_done", "_group", "_index", "_kind", "_lr", "_most", "_optimized", "_owner", "_pass",
        "_ready", "_right", "_rows", "_seen", "_sizes", "_until", "_values", "_version", "alone", "at", "due",
        "function", "given", "iterator", "judged", "latest", "optimizer", "readings", "tally", "thread", "training",
        "waited",
    )  # fmt: skip

    def __init__(self, loop: Loop, training: Training, watched: owner.Watched, kind: type) -> None:
        pass_ = loop.current
        self.training = training
        self.thread = loop.thread
        self.readings: Readings = loop.readings
        self._optimized = training.by_name[0]
        self.optimizer: Callable[[], Any] = self._optimized.ref
        self._pass: Any = pass_
        self._counted = pass_ is not None and pass_.counted
        self.alone = pass_ is None
        """Whether there is no pass, so that losses without gradients may be an evaluation."""
        self.iterator: Callable[[], Any] = pass_.iterator if pass_ is not None and pass_.told else _nothing
        """What gives the batches, if nothing has to be asked of a batch."""
        self._kind = kind
        self.function = function_of(self._kind)
        """The loss function whose node that is."""
        self.given: Callable[[], Any] = _nothing
        """What this function gave last, called in a way that makes such a node."""
        self.judged = loop.judged
        """As a loop has it; without numbers where the batch is in the tally."""
        self._done: Any = None
        """The same of what is minimised."""
        self.tally: Tally | None = None
        self._group, self._index = watched.group, watched.index
        self._collected = passes.collected
        self._owner = os.getpid()
        self._ready = TAKEN if pass_ is None else STEPPED
        self.at = self._ready
        """What was seen last of the step under way."""
        self.latest = training.latest
        """When the last step was done."""
        self.due = training.norm_due
        """When the gradients are to be looked at."""
        self.waited = 0.0
        """Seconds that the program has waited for batches."""
        self._until = self.latest + _LONGEST
        self._values: list[float] = []
        """The losses, from the moment they are minimised."""
        self._rows: list[float] = []
        """When the steps were done."""
        self._sizes: list[int] = []
        """How many samples the batches have, from the moment they are taken, where nothing else tells."""
        self._right = self._seen = 0
        self._version = 0
        self._lr: Any = self._optimized.lr
        self._most = training.room(_MOST)

    def judge(self, result: Any, scores: Any, target: Any) -> bool:
        """Whether how often a loss over classes was right will be known, once it is minimised."""
        if self.at >= MINIMISED:
            return False  # what was copied last is still to be kept
        tally = self.tally
        if tally is None:
            tally = self.tally = tally_of(self.training, scores, target)
        if not tally.copy(scores, target):
            return False
        self.judged = (result, None, 0)
        return True

    def take(self, pass_: Pass, batch: Any) -> bool:
        """Whether a batch is the next one of the pass, after a step."""
        if self.at != STEPPED or pass_ is not self._pass:
            return False
        if not pass_.told:
            pass_.count(batch)
            self._sizes.append(pass_.n if self._counted else 1)
        self.at = TAKEN
        return True

    def minimise(self, root: Any) -> bool:
        """Whether what ``backward`` begins at is the loss of that batch, as before."""
        if self.at != TAKEN or type(root) is not _Tensor or self.thread != get_ident():
            return False
        try:
            if self.given() is not root and (type(root.grad_fn) is not self._kind or root.numel() != 1):
                return False
            # Nothing that the program would notice, and no device that would be waited for.
            if not root.is_cpu or _modes() or has_torch_function_unary(root) or _transforms():
                return False
            if _tracing() is not None or _running() != _NONE:
                return False
            if self._collected != passes.collected or owner.unstepped:
                return False
            judged = self.judged
            if judged is not None and (judged[0]() is not root or self._pass is None):
                return False
            version = self.optimizer().param_groups[self._group]["params"][self._index]._version
            value = root.item()
        except Exception:  # noqa: BLE001 - then it is looked at closely
            return False
        self._version = version
        self._values.append(value)
        self._done, self.judged = judged, None
        self.at = MINIMISED
        return True

    def step(self, optimizer: Any) -> bool:
        """Whether it has stepped, and nothing else has meanwhile."""
        if self.at != STEPPING:
            return False
        self.at = self._ready
        if self._done is not None:
            _, right, seen = self._done
            if right is None:
                self.tally.keep()  # type: ignore[union-attr]  # where it is
            elif type(right) is int:
                self._right += right
                self._seen += seen
            else:
                self._pass.hits.add(self.readings, right, seen)
        self._lr = optimizer.param_groups[0]["lr"]
        rows = self._rows
        now = self.latest = perf_counter()
        rows.append(now)
        if now >= self._until or len(rows) >= self._most:
            self.gather()
        return True

    def gather(self) -> None:
        """Hand on what was gathered."""
        training, pass_, rows, count = self.training, self._pass, self._rows, len(self._rows)
        values, self._values = self._values[:count], self._values[count:]
        sizes, self._sizes = self._sizes[:count], self._sizes[count:]
        self._rows = []
        right, seen, self._right, self._seen = self._right, self._seen, 0, 0
        waited, self.waited = self.waited, 0.0
        self._until = self.latest + _LONGEST
        if self._owner != os.getpid():
            return
        if pass_ is not None:
            pass_.waited += waited
            pass_.hits.add(self.readings, right, seen)
            if self.tally is not None:
                pass_.hits.add(self.readings, *self.tally.take())
        if not count:
            return
        if pass_ is not None:
            pass_.steps += count
            pass_.backwards += count
            if pass_.told:
                sizes = pass_.counts(count)
        self._optimized.lr = self._lr
        training.latest = self.latest
        training.gathered(self._optimized, pass_, list(zip(sizes or repeat(1), values, rows, strict=False)))
        self._most = training.room(_MOST)
        self.due = training.norm_due

    def leave(self, loop: Loop) -> None:
        """Nothing more is gathered: the loop goes on from what was seen last."""
        loop.steady = self.training.steady = None
        done = self._resolved(self._done) if self.at >= MINIMISED else None
        loop.judged = self._resolved(self.judged)
        self.gather()
        pass_ = self._pass
        if pass_ is not None:
            if pass_.told and self.at >= TAKEN:
                pass_.count(None)
            pass_.moved = self.at == TAKEN
        if self.at >= MINIMISED:
            piece = Piece(pass_, 0, 0, self._version)
            piece.value = self._values.pop()
            if pass_ is not None:
                piece.batch, piece.n = pass_.batches, pass_.n if pass_.counted else 0
                pass_.backwards += 1
            if done is not None:
                piece.hits = done[1], done[2]
                piece.over.hits.add(self.readings, *piece.hits)
            loop.pending.append(piece)
        if self.at == STEPPING:
            loop.stepping.append(id(self.optimizer()))

    def _resolved(self, judged: Any) -> Any:
        """With the numbers that are in the tally."""
        if judged is None or judged[1] is not None or self.tally is None:
            return judged
        return (judged[0], *self.tally.latest())


def _nothing() -> None:
    """In the place of a weak reference."""
