"""Which training a step belongs to: the one under way, one that was set aside, or a new one."""

from __future__ import annotations

import weakref
from collections import deque
from typing import TYPE_CHECKING, Any

from autotrack_torch import owner
from autotrack_torch.opening import begin
from autotrack_torch.optimized import HOLD, Optimized, parameters

if TYPE_CHECKING:
    from autotrack_torch.loop import Loop
    from autotrack_torch.loss import Piece
    from autotrack_torch.passes import Pass
    from autotrack_torch.training import Training

ended: deque[Training] = deque()
"""Trainings whose thread or task is gone; filled by finalizers, which do nothing else."""
_ASIDE = 16


def enrol(loop: Loop, optimizer: Any) -> Optimized | None:
    """Take an optimizer that steps into its training; ``None`` where that is not to be recorded."""
    if loop.refused is not None and loop.refused() is optimizer:
        return None
    training = loop.training
    before = next((known for known in loop.aside if id(optimizer) in known.optimizers and not known.closed), None)
    if before is not None:
        loop.aside.remove(before)
        if training is not None:
            loop.aside.append(training)
        loop.training, loop.shape = before, before.shape
        _watch(loop, optimizer)
        return before.optimizers[id(optimizer)]
    if training is None or not _takes(training, optimizer, loop.current, loop.pending):
        following = training is not None and not training.closed
        if training is not None:
            loop.aside.append(training)
        for known in loop.aside[:]:
            if len(loop.aside) > _ASIDE or not _may_go_on(known, optimizer):
                loop.aside.remove(known)
                known.close(end=True)
        while ended:
            ended.popleft().close(end=True)
        if not loop.pending:
            loop.shape = None  # what was minimised before is not what this one does
        loop.training = training = begin(loop, optimizer)
        if training is None:
            loop.refused = weakref.ref(optimizer)
            return None
        loop.loose_steps = 0
        if following:
            kind = type(optimizer).__name__
            training.say("autotrack.torch.run", f"a training of its own: {kind} shares no parameters with the others")
    _watch(loop, optimizer)
    return training.enrol(optimizer)


def _watch(loop: Loop, optimizer: Any) -> None:
    found = owner.watched(optimizer)
    if found is not None:
        loop.watched = found


def _takes(training: Training, optimizer: Any, pass_: Pass | None, pieces: list[Piece]) -> bool:
    """Whether an optimizer that steps for the first time belongs to a training: it steps in the midst of a pass in
    which another has stepped, or trains some of the same parameters, or it was built before the training began and what
    is minimised for one reaches the parameters of both, or there are no passes that could tell."""
    if training.closed:
        return False
    if pass_ is not None and pass_ is training.last_pass:
        return True
    theirs = parameters(optimizer)
    ours = owner.parameters_of(training.keeper.alive())
    for known in training.by_name:
        other = known.ref()
        if other is not None:
            ours |= parameters(other)
    facts = owner.built.get(id(optimizer))
    if theirs & ours:
        return not _anew(training, optimizer, theirs)
    if facts is None or facts.born > training.born:
        return False
    if training.unit == "step" and pass_ is None:
        return training.steps <= HOLD
    key = id(optimizer)
    return key in training.linked or any(
        key in piece.reached and not piece.reached.isdisjoint(training.optimizers) for piece in pieces if piece.reached
    )


def _anew(training: Training, optimizer: Any, theirs: set[int]) -> bool:
    """Whether an optimizer was built after all steps of a training for another model, which has been given some of the
    first one's parameters and not all of them: what an encoder has learnt, say."""
    facts = owner.built.get(id(optimizer))
    if facts is None or any(facts.born < known.last for known in training.by_name):
        return False
    before, models = training.keeper.alive(), owner.models_of(optimizer)
    if not before or not models or any(model is known for model in models for known in before):
        return False
    return not owner.parameters_of(before) <= owner.parameters_of(models) | theirs


def _may_go_on(training: Training, other: Any) -> bool:
    """Whether one may be trained further after another optimizer: both were there when it stepped last."""
    facts = owner.built.get(id(other))
    return bool(training.living()) and facts is not None and any(facts.born < one.last for one in training.by_name)
