"""Evaluations without a loader: loss functions that are called without gradients between the steps of a training.

What is called between two steps under one name is one evaluation. It is one if the program says so, by a word such as
"val" or "test" at the place of the call or in a variable there, or if the model has been put into its ``eval()`` mode;
a loss that a program merely looks at while it trains is none.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Mapping
from functools import partial
from types import CodeType
from typing import TYPE_CHECKING, Any

import torch

from autotrack_torch import forward, naming, owner
from autotrack_torch.derived import COUNTED, ERRORS, errors, right, weigh
from autotrack_torch.passes import Hits
from autotrack_torch.reading import readable

if TYPE_CHECKING:
    from autotrack_torch.loop import Loop
    from autotrack_torch.training import Training

_tracing = torch._C._get_tracing_state
_EARLY = 8
"""Evaluations before the first step that are kept for it."""


class Estimate:
    """What one loss function gave under one name since the last step."""

    def __init__(self, place: str, other: str) -> None:
        self.place = place
        self.other = other
        """What the program calls the model, if it is another one than the one that is trained."""
        self.total = 0.0
        self.samples = 0
        self.hits = Hits()
        self.absolute, self.squared = [0.0, 0.0], [0.0, 0.0]

    def add(self, n: int, value: float) -> None:
        """A mean over ``n`` samples."""
        self.total += n * value
        self.samples += n


class _Open:
    """The evaluations since the last step."""

    def __init__(self) -> None:
        self.after: tuple[Training | None, int, int] = (None, 0, 0)
        """The training, and how many steps and epochs it had made."""
        self.found: dict[tuple[str, str, str], Estimate] = {}
        self.other = ""
        """Whose the loss before was."""


_around: weakref.WeakKeyDictionary[Training, frozenset[CodeType]] = weakref.WeakKeyDictionary()
"""The functions in which a training's first step was made."""
_open: weakref.WeakKeyDictionary[Loop, _Open] = weakref.WeakKeyDictionary()


def heard(loop: Loop, name: str, reduction: str, result: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """A loss function was called outside of any pass, and nothing comes of it that could be minimised."""
    if torch.is_grad_enabled() or _tracing() is not None:  # a trace has names from the functions that it comes by
        return
    training = loop.training if loop.training is not None and not loop.training.closed else None
    if training is not None:
        last = max(known.last for known in training.by_name)
        if any(facts.born > last for facts in owner.waiting(loop.thread)):
            training = None  # the next one is about to begin
    around = _around.get(training) if training is not None else None
    split, place = naming.told(2, around or frozenset())
    if not split:
        if not _evaluating(loop, training):
            return
        split, place = "val", str(naming.here(2))
    given: Any = args[0] if args else kwargs.get("input")
    n = int(given.shape[0]) if getattr(given, "ndim", 0) else 1
    if reduction == "none":
        result = result.detach().mean()
    if not readable(result):
        return
    loop.pause()
    pending = _open.setdefault(loop, _Open())
    now = (training, training.steps, training.epochs) if training is not None else (None, 0, 0)
    if pending.after != now:
        _write(loop, pending, training)
        pending.after, pending.other = now, ""
    if training is not None and forward.calls():
        pending.other = training.keeper.beside(loop.thread)
        forward.forget()
    if pending.other == "?":
        return
    estimate = pending.found.get((split, name, pending.other))
    if estimate is None:
        if training is not None and not pending.found:
            training.run.before_end.insert(0, partial(flush, weakref.ref(loop)))
        estimate = pending.found[split, name, pending.other] = Estimate(place, pending.other)
    divisor = n if reduction == "sum" else 1
    loop.readings.take(result, lambda value: estimate.add(n, value / divisor))
    hits = right(name, args, kwargs, training=False) if name in COUNTED else None
    if hits is not None:
        estimate.hits.add(loop.readings, *hits)
    if name in ERRORS:
        for error, into in zip(errors(args, kwargs), (estimate.absolute, estimate.squared), strict=False):
            loop.readings.take(error, partial(weigh, into, n))


def began(training: Training) -> None:
    """A training makes its first step here."""
    _around[training] = naming.functions(2)


def flush(loop: weakref.ref[Loop]) -> None:
    """The run is about to end: write what is left."""
    found = loop()
    if found is not None and found in _open:
        found.readings.arrived(wait=True)
        _write(found, _open[found], found.training)


def _write(loop: Loop, pending: _Open, training: Training | None) -> None:
    """Write down the evaluations that are over."""
    (mine, steps, epochs), found = pending.after, pending.found
    if mine is None:  # before the first step: of the training that follows
        mine = training
        if mine is None:
            while len(found) > _EARLY:
                found.pop(next(iter(found)))
            return
    pending.found = {}
    if found and not mine.run.ended:
        loop.readings.after(partial(_record, mine, steps, epochs, found))


def _record(training: Training, steps: int, epochs: int, found: dict[tuple[str, str, str], Estimate]) -> None:
    values: dict[str, float] = {}
    for (split, name, other), estimate in found.items():
        if estimate.samples:
            same = training.shape is not None and training.shape.parts == (name,)
            part = "train_eval" if split == "train" else split
            key = f"{part}/loss" if same else f"{part}/{name}"
            suffix = f"/{other}" if other else ""
            values[f"{key}{suffix}"] = estimate.total / estimate.samples
            if sum((split, other) == (known[0], known[2]) for known in found) == 1:
                values.update({f"{part}/{name}{suffix}": value for name, value in _derived(estimate).items()})
            training.say(f"autotrack.torch.{part}", f"losses without gradients, {estimate.place}")
    step = max(epochs - 1, 0) if training.unit == "epoch" else steps
    training.run.metrics(values, step)


def _derived(estimate: Estimate) -> dict[str, float]:
    values = {}
    if estimate.hits.seen > 0:
        values["accuracy"] = estimate.hits.right / estimate.hits.seen
    if estimate.absolute[1] and estimate.squared[1]:
        values["mae"] = estimate.absolute[0] / estimate.absolute[1]
        values["rmse"] = math.sqrt(estimate.squared[0] / estimate.squared[1])
    return values


def _evaluating(loop: Loop, training: Training | None) -> bool:
    """Whether what is trained, or is about to be, is in the mode in which models are evaluated."""
    if training is not None:
        models = training.keeper.alive()
    else:
        optimizers = [optimizer for facts in owner.waiting(loop.thread) if (optimizer := facts.ref()) is not None]
        models = [model for optimizer in optimizers for model in owner.models_of(optimizer)]
    return bool(models) and not any(model.training for model in models)
