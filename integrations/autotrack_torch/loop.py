"""What goes on in one thread or task: which pass it is in, what was minimised, and which training that belongs to."""

from __future__ import annotations

import sys
import weakref
from collections import deque
from contextvars import ContextVar
from functools import partial
from threading import get_ident
from typing import Any

import torch
from torch.utils.data import get_worker_info

from autotrack.hooks import inside
from autotrack_torch import naming, owner, passes
from autotrack_torch.derived import CLASSES, right
from autotrack_torch.loss import MARK, Piece, Shape, describe, is_plain, scale
from autotrack_torch.opening import begin
from autotrack_torch.optimized import Optimized
from autotrack_torch.passes import Heard, Hits, Pass
from autotrack_torch.reading import Readings, read, readable
from autotrack_torch.training import Training, evaluated_elsewhere

_loop: ContextVar[Loop | None] = ContextVar("autotrack_torch_loop", default=None)
_over: deque[Training] = deque()
"""Trainings whose thread or task is gone; filled by finalizers, which do nothing else."""
_LEARNT = 3
"""Outside of passes over a loader, so many first steps are looked at closely."""


class Loop:
    """One thread's or task's state between one hook and the next."""

    def __init__(self) -> None:
        self.passes: list[Pass] = []
        """Those under way, oldest first."""
        self.current: Pass | None = None
        self.pending: list[Piece] = []
        """What was minimised since the last step."""
        self.training: Training | None = None
        self.stepping: list[int] = []
        """The optimizers whose ``step`` is running, outermost first; a wrapper's step calls that of another."""
        self.readings = Readings()
        self.shapes: dict[tuple[Any, ...], Shape] = {}
        self.shape: Shape | None = None
        self.plain: type | None = None
        """A kind of graph node that needs no further look."""
        self.unscaled: tuple[weakref.ref[Any], Any] | None = None
        """What ``GradScaler.scale`` gave last, and what it was given."""
        self.scaler: weakref.ref[Any] | None = None
        """A ``GradScaler`` at work, which may leave a step out."""
        self.judged: tuple[weakref.ref[Any], Any, Any] | None = None
        """The result of a loss over classes, samples put into the right one, and samples."""
        self.watched: weakref.ref[Any] | None = None
        """A parameter by whose version one sees whether the model has changed meanwhile."""
        self.unseen: weakref.ref[Any] | None = None
        """An optimizer whose steps do not show, as they are compiled."""
        self.loose_steps = 0
        self.refused: weakref.ref[Any] | None = None
        """An optimizer whose training is not to be recorded."""
        self.collected = passes.collected
        self.thread = get_ident()
        task = _task()
        self.task = weakref.ref(task) if task is not None else None

    def __del__(self) -> None:
        if self.training is not None:
            _over.append(self.training)

    # Passes

    def begin(self, loader: Any, iterator: Any) -> None:
        """The program goes over a loader."""
        if self.collected != passes.collected:
            self.settle()
        before = passes.under_way.get(id(iterator))
        if before is not None:  # a loader with persistent workers has one iterator
            self.end(before, complete=False)
        self.shapes.clear()
        self.plain = None
        self.passes.append(Pass(loader, iterator, self, naming.here()))
        if self.training is not None:
            self.training.keeper.listen()

    def settle(self) -> None:
        """End the passes that the program has left before their loaders were exhausted."""
        self.collected = passes.collected
        for pass_ in [pass_ for pass_ in self.passes if pass_.iterator() is None]:
            self.end(pass_, complete=False)

    def advance(self, pass_: Pass, batch: Any) -> None:
        """The program took a batch."""
        pass_.take(batch)
        if self.stepping:
            self.stepping.clear()
        current = self.current
        if current is pass_:
            return
        if current is not None and current.moved and not pass_.steps:
            pass_.companion = True  # two batches before anything was done with the first
        else:
            self.current = pass_

    def end(self, pass_: Pass, *, complete: bool) -> None:
        """A pass is over: its loader is exhausted, or the program dropped it."""
        if pass_.loop is not self:
            return
        if self.pending and self.pending[-1].over is pass_ and self.pending[-1].version != self._version():
            self._step_unseen()
        pass_.loop = None
        pass_.complete = complete
        if pass_ in self.passes:
            self.passes.remove(pass_)
        if self.current is pass_:
            again = complete and pass_.sizes is not None and pass_.steps and pass_.backwards == pass_.batches
            if again:
                self.passes.append(pass_.again(self))
            stepped = [other for other in self.passes if other.steps or other.replays]
            self.current = stepped[-1] if stepped else None
        training = pass_.training or self.training
        if training is None:
            evaluated_elsewhere(pass_, self.thread)
            return
        left = [piece for piece in self.pending if piece.over is pass_]
        if left and pass_.steps:
            self.pending = [piece for piece in self.pending if piece.over is not pass_]
            self.readings.after(partial(training.leftover, left))
        nested = bool(self.current and self.current.steps)
        self.readings.after(partial(training.passed, pass_, nested=nested))

    # Losses

    def listens(self) -> bool:
        """Whether loss functions are of interest now: of a pass in which an optimizer steps, what is minimised is the
        loss; in any other it is what these functions give."""
        pass_ = self.current
        return not pass_.steps if pass_ is not None else self.loose_steps < _LEARNT

    def hear(self, name: str, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """A loss function was called."""
        pass_ = self.current
        node = result.grad_fn
        reduction = str(kwargs.get("reduction", "mean"))
        hits = None
        if name in CLASSES and pass_ is not None:
            hits = right(args, kwargs, training=pass_.steps > 0)
            self.judged = (weakref.ref(result), *hits) if hits is not None and node is not None else None
        if pass_ is not None and pass_.steps:
            return
        if node is not None:
            node.metadata[MARK] = (name, reduction)
        if pass_ is None:
            return
        heard = pass_.heard.get(name)
        if heard is None:
            heard = pass_.heard[name] = Heard()
        heard.calls += 1
        if hits is not None:
            self.readings.take(hits[0], heard.hits.add_right)
            self.readings.take(hits[1], heard.hits.add_seen)
        n = pass_.n
        if reduction == "none":
            if result.dim() < 1 or result.shape[0] != n:
                return
            with torch.no_grad(), torch._C.DisableTorchFunction():
                result = result.detach().mean()
        elif reduction == "sum" and not pass_.counted:
            return
        if readable(result):
            divisor = n if reduction == "sum" else 1
            self.readings.take(result, lambda value: heard.add(n, value / divisor))

    def minimise(self, root: Any) -> None:
        """``backward`` is about to begin at a tensor."""
        if not readable(root):
            return
        pass_ = self.current
        watched = self.watched() if self.watched is not None else None
        version = watched._version if watched is not None else self._version()
        if pass_ is None:
            if self.loose_steps < _LEARNT:
                self.shapes.clear()
            piece = Piece(None, 0, 0, version)
        else:
            if pass_.replays:
                pass_.replay()
            piece = Piece(pass_, pass_.batches, pass_.n if pass_.counted else 0, version)
            pass_.moved = False
        if self.pending:
            last = self.pending[-1]
            if last.over is pass_ and last.batch == piece.batch:
                if last.version != version:
                    return  # the same batch again with other parameters, as a line search does: the first time counts
                piece.part = True
            elif last.version != version and not self.stepping:
                self._step_unseen()
        node = root.grad_fn
        if self.unscaled is not None:
            known, self.unscaled = self.unscaled, None
            if known[0]() is root:
                root = known[1]  # detached; the node tells which loss it is
                node = node.next_functions[0][0] if node is not None else None
        if node is not None and type(node) is not self.plain:
            self.shape = describe(piece, node, self.shapes)
            if is_plain(piece, node):
                self.plain = type(node)
        self.pending.append(piece)
        if pass_ is not None and not piece.part:
            pass_.backwards += 1
        if self.judged is not None and pass_ is not None:
            self._judge(pass_.hits, root, node)
        if root.is_cpu and not self.readings.waiting:
            piece.value = read(root)
        else:
            self.readings.take(root, piece.set)

    def dropped(self) -> None:
        """Gradients are thrown away before they were used in a step: what they were computed for, in this batch and
        with these parameters, was not training. It may have been if a scaler has refused the step, or if there are
        other optimizers whose gradients they are."""
        scales = self.scaler is not None and self.scaler() is not None
        if self.stepping or scales or len(owner.waiting(self.thread)) + self._optimizers() > 1:
            return
        pass_, version = self.current, self._version()
        batch = pass_.batches if pass_ is not None else 0
        while self.pending:
            last = self.pending[-1]
            if last.over is not pass_ or last.batch != batch or last.version != version:
                break
            self.pending.pop()
            if pass_ is not None and not last.part:
                pass_.backwards -= 1

    def _optimizers(self) -> int:
        return len(self.training.optimizers) if self.training is not None and not self.training.closed else 0

    def _judge(self, hits: Hits, root: Any, node: Any) -> None:
        """What is minimised may be a loss whose classes were counted, as it is or times a constant."""
        judged, self.judged = self.judged, None
        result = judged[0]() if judged is not None else None
        if judged is None or result is None:
            return
        if result is root or (node is not None and result.grad_fn is scale(node)[1]):
            self.readings.take(judged[1], hits.add_right)
            self.readings.take(judged[2], hits.add_seen)

    def scaled(self, scaler: Any, loss: Any, result: Any) -> None:
        """``GradScaler`` gave ``result`` for ``loss``."""
        self.scaler = weakref.ref(scaler)
        if readable(loss) and isinstance(result, torch.Tensor):
            self.unscaled = (weakref.ref(result), loss.detach())

    def _version(self) -> int:
        tensor = self.watched() if self.watched is not None else None
        if tensor is None:
            tensor = owner.newest_parameter(self.thread)
            if tensor is None:
                return 0
            self.watched = weakref.ref(tensor)
        return int(tensor._version)

    # Steps

    def stepped(self, optimizer: Any) -> None:
        """An optimizer has stepped."""
        if inside.get() is not None:
            self.pending.clear()  # the fit around this is recorded already
            return
        if self.collected != passes.collected:
            self.settle()
        training = self.training
        optimized = training.optimizers.get(id(optimizer)) if training is not None and not training.closed else None
        if optimized is None or training is None:
            optimized = self._enrol(optimizer)
            training = self.training
            if optimized is None or training is None:
                self.pending.clear()
                return
        pass_ = self.current
        if pass_ is None:
            self.loose_steps += 1
        pieces = self.pending
        if pieces:
            self.pending = []
        training.stepped(optimized, optimizer, pass_)
        if not self.readings.waiting:
            if pieces:
                training.lost(optimized, pieces, training.steps)
        else:
            self.readings.after(partial(training.lost, optimized, pieces, training.steps))
        if pass_ is not None and pass_.replayed:
            self.end(pass_, complete=True)

    def _step_unseen(self) -> None:
        """The parameters have changed since the last backward pass, and no step was seen: where there is one optimizer
        that could have done it, it has."""
        optimizer = self.unseen() if self.unseen is not None else None
        if optimizer is None:
            built = owner.waiting(self.thread)
            optimizer = built[0].ref() if len(built) == 1 else None
        if optimizer is not None:
            self.unseen = weakref.ref(optimizer)
            self.stepped(optimizer)

    def _enrol(self, optimizer: Any) -> Optimized | None:
        if self.refused is not None and self.refused() is optimizer:
            return None
        training = self.training
        if training is None or not training.takes(optimizer, self.current):
            if training is not None:
                training.close(end=True)
            while _over:
                _over.popleft().close(end=True)
            self.training = training = begin(self, optimizer)
            if training is None:
                self.refused = weakref.ref(optimizer)
                return None
            self.loose_steps = 0
        found = training.enrol(optimizer)
        tensor = owner.parameter(optimizer)
        if tensor is not None:
            self.watched = weakref.ref(tensor)
        return found


def here() -> Loop | None:
    """The state of this thread or task; ``None`` where nothing is to be recorded: in a loader's worker."""
    loop = _loop.get()
    if loop is None or loop.thread != get_ident():  # a thread may be given a copy of another one's context
        if get_worker_info() is not None:
            return None
        loop = Loop()
        _loop.set(loop)
    return loop


def here_in_task() -> Loop | None:
    """The same where something may begin: a task that has inherited the state of what started it gets its own."""
    loop = here()
    task = _task()
    if loop is not None and (loop.task() if loop.task is not None else None) is not task:
        loop = Loop()
        _loop.set(loop)
    return loop


def _task() -> Any:
    asyncio = sys.modules.get("asyncio")
    return None if asyncio is None or asyncio._get_running_loop() is None else asyncio.current_task()


present = _loop.get
"""The state of this thread or task, if there is one yet; it may be another thread's, see `here`."""


def stop() -> None:
    """Nothing more is looked at; what is written down of a training is kept."""
    loop = _loop.get()
    if loop is not None:
        loop.pending.clear()


def forget() -> None:
    """Drop what this thread or task was in the midst of: in a forked child it is the parent's."""
    _over.clear()
    loop = _loop.get()
    if loop is not None:
        loop.training = None
        _loop.set(None)
