"""What goes on in one thread or task: which pass it is in, what was minimised, and which training that belongs to."""

from __future__ import annotations

import weakref
from functools import partial
from threading import get_ident
from typing import Any

import torch

from autotrack.hooks import inside
from autotrack_torch import hidden, naming, owner, passes
from autotrack_torch.belonging import ended, enrol
from autotrack_torch.evaluation import evaluated_elsewhere, whose
from autotrack_torch.hearing import judge
from autotrack_torch.loss import Piece, Shape, describe, is_plain
from autotrack_torch.passes import Pass
from autotrack_torch.reach import Gradients, forget, gradients, moved, share, versions
from autotrack_torch.reading import Readings, read, readable
from autotrack_torch.steady import AFTER, Steady, alike, gather
from autotrack_torch.training import Training

_PENDING = 10_000
"""Losses that may wait for a step."""
_LEARNT = 3
"""Outside of passes over a loader, so many first steps are looked at closely."""


class Loop:
    """One thread's or task's state between one hook and the next."""

    def __init__(self, task: Any = None) -> None:
        self.passes: list[Pass] = []
        """Those under way, oldest first."""
        self.current: Pass | None = None
        self.flooded = False
        """Whether more was minimised since the last step than is kept."""
        self.pending: list[Piece] = []
        """What was minimised since the last step."""
        self.training: Training | None = None
        self.shared = False
        """Whether some of it was used by one optimizer, and may be by others."""
        self.undecided: list[tuple[Pass, bool]] = []
        """Passes that have ended with gradients which no step has used yet; and whether in the midst of another."""
        self.aside: list[Training] = []
        """Trainings that may go on: their optimizers are there, as was that of the one which took their place."""
        self.stepping: list[int] = []
        """The optimizers whose ``step`` is running, outermost first; a wrapper's step calls that of another."""
        self.readings = Readings()
        self.shapes: dict[tuple[Any, ...], tuple[Shape, int]] = {}
        self.shape: Shape | None = None
        self.plain: type | None = None
        """A kind of graph node that needs no further look."""
        self.unscaled: tuple[weakref.ref[Any], Any] | None = None
        """What ``GradScaler.scale`` gave last, and what it was given."""
        self.scaler: weakref.ref[Any] | None = None
        """A ``GradScaler`` at work, which may leave a step out."""
        self.judged: tuple[weakref.ref[Any], Any, Any] | None = None
        """The result of a loss over classes, samples put into the right one, and samples."""
        self.watched: owner.Watched | None = None
        """A parameter by whose version one sees whether the model has changed meanwhile."""
        self.unseen: weakref.ref[Any] | None = None
        """An optimizer whose steps do not show, as they are compiled."""
        self.progress = 0
        """The state of that one after its last step, as far as a number tells."""
        self.loose_steps = 0
        self.refused: weakref.ref[Any] | None = None
        """An optimizer whose training is not to be recorded."""
        self.steady: Steady | None = None
        """Gathers the steps that are like those before."""
        self.alike = 0
        """How many in a row were."""
        self.collected = passes.collected
        self.thread = get_ident()
        self.task = weakref.ref(task) if task is not None else None

    def __del__(self) -> None:
        ended.extend(self.aside)
        if self.training is not None:
            ended.append(self.training)

    def pause(self) -> None:
        """Something else than a step like those before happens: be as if each of them had been looked at closely."""
        if self.steady is not None:
            self.alike = 0
            self.steady.leave(self)

    # Passes

    def begin(self, loader: Any, iterator: Any) -> None:
        """The program goes over a loader."""
        self.pause()
        if self.collected != passes.collected:
            self.settle()
        if self.current is not None and self.current.late:
            self.end(self.current, complete=True)
        before = passes.under_way.get(id(iterator))
        if before is not None:  # a loader with persistent workers has one iterator
            self.end(before, complete=False)
        self.shapes.clear()
        self.plain = None
        pass_ = Pass(loader, iterator, self, naming.here())
        current = self.current
        if current is not None and current.moved and not current.joins(pass_.source):
            pass_.inside = (current, current.batches)
        self.passes.append(pass_)
        if self.training is not None:
            self.training.keeper.listen()

    def settle(self, *, stepping: bool = False) -> None:
        """End the passes that the program has left before their loaders were exhausted."""
        self.collected = passes.collected
        for pass_ in [pass_ for pass_ in self.passes if not pass_.late and pass_.iterator() is None]:
            self.end(pass_, complete=False, stepping=stepping)

    def advance(self, pass_: Pass, batch: Any) -> None:
        """The program took a batch."""
        self.pause()
        pass_.take(batch)
        if self.stepping:
            self.stepping.clear()
        if self.shared:
            self._take_back()
        current = self.current
        if current is pass_:
            return
        if (
            current is not None and current.moved and not pass_.steps
            and pass_.inside != (current, current.batches)
        ):  # fmt: skip
            pass_.companion = True  # two batches before anything was done with the first
            current.companions.append(pass_.source)
        else:
            pass_.outer = current
            self.current = pass_

    def end(self, pass_: Pass, *, complete: bool, stepping: bool = False) -> None:
        """A pass is over: its loader is exhausted, or the program dropped it."""
        if pass_.loop is not self:
            return
        self.pause()
        if complete and self.current is pass_ and pass_.lags():
            return
        last = self.pending[-1] if self.pending else None
        open_ = last is not None and last.over is pass_ and last.reached is None and not stepping
        if open_ and last is not None and last.version != self._version():
            hidden.step(self)
        pass_.loop = None
        pass_.complete = complete or pass_.late
        if pass_ in self.passes:
            self.passes.remove(pass_)
        if self.current is pass_:
            again = complete and pass_.sizes is not None and pass_.steps and pass_.backwards == pass_.batches
            if again:
                self.passes.append(pass_.again(self))
            self.current = self._around(pass_)
        pass_.outer = pass_.inside = None
        if self.training is not None:
            whose(self.training, pass_, self.current)
        nested = bool(self.current and self.current.steps)
        left = [piece for piece in self.pending if piece.over is pass_]
        if left and not pass_.steps:
            self.undecided.append((pass_, nested))
            return
        if left and self.training is not None:
            self.pending = [piece for piece in self.pending if piece.over is not pass_]
            self.readings.after(partial((pass_.training or self.training).leftover, left))
        self._over(pass_, nested=nested)

    def _around(self, pass_: Pass) -> Pass | None:
        """The pass that the program is in again when one has ended."""
        outer = pass_.outer
        if outer in self.passes and outer.moved and not pass_.steps:
            return outer  # its batch is still to be used
        stepped = [other for other in self.passes if other.steps or other.replays]
        return stepped[-1] if stepped else None

    def _over(self, pass_: Pass, *, nested: bool) -> None:
        training = pass_.training or self.training
        if training is None:
            evaluated_elsewhere(pass_, self.thread)
        else:
            self.readings.after(partial(training.passed, pass_, nested=nested))

    def decide(self, pieces: list[Piece] | None = None) -> Pass | None:
        """Of passes that ended with gradients which no step had used: one is the training pass of a step that uses
        nothing else, all others are none."""
        found: Pass | None = None
        undecided, self.undecided = self.undecided, []
        for pass_, nested in undecided:
            if pieces and all(piece.over is pass_ for piece in pieces):
                found = pass_
            else:
                self._over(pass_, nested=nested)
        return found

    def undecided_of(self, training: Training) -> None:
        """A training is over: no step of it will use what passes over its model have left."""
        for pass_, nested in [known for known in self.undecided if known[0].ours]:
            self.undecided.remove((pass_, nested))
            training.passed(pass_, nested=nested)

    # Losses

    def listens(self) -> bool:
        """Whether loss functions are of interest now: of a pass in which an optimizer steps, what is minimised is the
        loss; in any other it is what these functions give."""
        pass_ = self.current
        return not pass_.steps if pass_ is not None else self.loose_steps < _LEARNT or not torch.is_grad_enabled()

    def minimise(self, root: Any) -> Gradients | None:
        """``backward`` is about to begin at a tensor. Where there are several optimizers: their gradients so far."""
        if not readable(root):
            return None
        self.pause()
        if self.collected != passes.collected:
            self.settle()
        if self.shared:
            self._take_back()
        if self.current is not None and self.current.late and not self.current.steps:
            self.end(self.current, complete=True)
        pass_ = self.current
        watched = self.watched() if self.watched is not None else None
        version = watched._version if watched is not None else self._version()
        if pass_ is None:
            if self.loose_steps < _LEARNT:
                self.shapes.clear()
                self.plain = None
            piece = Piece(None, 0, 0, version)
        else:
            if pass_.replays:
                pass_.replay()
            piece = Piece(pass_, pass_.batches, pass_.n if pass_.counted else 0, version)
            pass_.moved = False
        before = None
        if len(owner.unstepped) + self._optimizers() > 1:
            before = gradients(self._candidates())
            piece.versions = versions(before)
        if self.pending:
            last = self.pending[-1]
            other = last.version != version if last.reached is None else moved(last, piece)
            if last.over is pass_ and last.batch == piece.batch:
                if other:
                    return None  # the same batch with other parameters, as in a line search: the first time counts
                piece.part = True
                if pass_ is not None:
                    pass_.altered = True
            elif other and not self.stepping and last.reached is None:
                hidden.step(self)
        node = root.grad_fn
        if self.unscaled is not None:
            known, self.unscaled = self.unscaled, None
            if known[0]() is root:
                root, piece.scaled = known[1], True  # detached; the node tells which loss it is
                node = node.next_functions[0][0] if node is not None else None
        if node is not None and type(node) is not self.plain:
            self.shape = describe(piece, node, self.shapes)
            if pass_ is not None and (self.plain is not None or not is_plain(piece, node)):
                pass_.altered = True
            if is_plain(piece, node):
                self.plain = type(node)
        if len(self.pending) >= _PENDING:  # as where nobody steps, or somebody else does
            self.pending.clear()
            self.flooded = True
        self.pending.append(piece)
        if pass_ is not None and not piece.part:
            pass_.backwards += 1
            pass_.use()
        if self.judged is not None and pass_ is not None:
            piece.hits = judge(self, pass_.hits, root, node)
        if root.is_cpu and not self.readings.waiting:
            piece.value = read(root)
        else:
            self.readings.take(root, piece.set)
        return before

    def dropped(self, owner_: Any) -> None:
        """Gradients are thrown away before they were used in a step: what they were computed for, with these
        parameters, was not training. It may have been if a scaler has refused the step."""
        self.pause()
        if self.stepping or self.scales():
            return
        if len(owner.unstepped) + self._optimizers() > 1:
            gone = [piece for piece in self.pending if forget(piece, id(owner_))]
        else:
            version = self._version()
            gone = [piece for piece in self.pending if piece.version == version]
        self.discard(gone)

    def discard(self, gone: list[Piece]) -> None:
        """What was minimised comes to nothing."""
        for piece in gone:
            self.pending.remove(piece)
            if piece.over is not None and not piece.part:
                piece.over.backwards -= 1
            if piece.hits is not None and piece.over is not None:
                piece.over.hits.drop(self.readings, *piece.hits)
        if self.undecided:
            left = {id(piece.over) for piece in self.pending}
            for pass_, nested in self.undecided:
                if id(pass_) not in left:
                    self._over(pass_, nested=nested)
            self.undecided = [known for known in self.undecided if id(known[0]) in left]

    def _optimizers(self) -> int:
        return len(self.training.optimizers) if self.training is not None and not self.training.closed else 0

    def _candidates(self) -> list[Any]:
        """The optimizers that may step next."""
        known = self.training.living() if self.training is not None and not self.training.closed else []
        others = (facts.ref() for facts in owner.waiting(self.thread))
        return known + [other for other in others if other is not None]

    def _take_back(self) -> None:
        """What an optimizer has stepped for is offered to the others until something else is minimised."""
        self.shared = False
        self.pending = [piece for piece in self.pending if not piece.used]

    def scales(self) -> bool:
        """Whether a ``GradScaler`` is at work, which may leave a step out."""
        return self.scaler is not None and self.scaler() is not None

    def scaled(self, scaler: Any, loss: Any, result: Any) -> None:
        """``GradScaler`` gave ``result`` for ``loss``."""
        self.pause()
        self.scaler = weakref.ref(scaler)
        if readable(loss) and isinstance(result, torch.Tensor):
            self.unscaled = (weakref.ref(result), loss.detach())

    def _version(self) -> int:
        tensor = self.watched() if self.watched is not None else None
        if tensor is None:
            self.watched = owner.newest(self.thread)
            if self.watched is None:
                return 0
            tensor = self.watched()
        return int(tensor._version)

    # Steps

    def begin_step(self, optimizer: Any) -> None:
        """An optimizer is about to step."""
        self.pause()
        if id(optimizer) in self.stepping:  # the last one never came to its end
            self.stepping.clear()
        self.stepping.append(id(optimizer))

    def end_step(self, optimizer: Any) -> None:
        """An optimizer's step is over; that of a wrapper around another optimizer's counts as one."""
        self.pause()
        if not self.stepping:
            return
        if self.stepping.pop() != id(optimizer):
            self.stepping.clear()
        if not self.stepping:
            pieces, pass_ = self.pending, self.current
            self.stepped(optimizer)
            self.alike = self.alike + 1 if alike(self, pass_, pieces) else 0
            if self.alike >= AFTER:
                gather(self)

    def stepped(self, optimizer: Any) -> None:
        """An optimizer has stepped."""
        if inside.get() is not None:
            self.pending.clear()  # the fit around this is recorded already
            return
        if self.collected != passes.collected:
            self.settle(stepping=True)
        training = self.training
        optimized = training.optimizers.get(id(optimizer)) if training is not None and not training.closed else None
        if optimized is None or training is None:
            optimized = enrol(self, optimizer)
            training = self.training
            if optimized is None or training is None:
                self.pending.clear()
                return
        pieces = self.pending
        if pieces:
            pieces, self.pending, self.flooded = [] if self.flooded else pieces, [], False
            if pieces and pieces[-1].reached is not None:
                training.linked.update(*(piece.reached for piece in pieces if piece.reached))
                pieces, self.pending = share(pieces, id(optimizer))
                self.shared = True
        past = self.decide(pieces) if self.undecided else None
        pass_ = self.current if past is None else past
        if pass_ is None:
            self.loose_steps += 1
        training.stepped(optimized, optimizer, pass_)
        if pieces and not self.readings.waiting:
            training.lost(optimized, pieces, training.steps)
        elif pieces:
            self.readings.after(partial(training.lost, optimized, pieces, training.steps))
        if past is not None:
            self.readings.after(partial(training.passed, past, nested=False))
        elif pass_ is not None and (pass_.replayed or (pass_.late and pass_.caught_up)):
            self.end(pass_, complete=True)
