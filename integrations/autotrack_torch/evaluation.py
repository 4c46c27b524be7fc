"""A pass without a step: what is written down of it."""

from __future__ import annotations

import math
import weakref
from typing import TYPE_CHECKING

from autotrack_torch import owner
from autotrack_torch.epoch import of_loss
from autotrack_torch.explained import of_split
from autotrack_torch.passes import Pass, Source

if TYPE_CHECKING:
    from autotrack_torch.training import Training

trainings: weakref.WeakSet[Training] = weakref.WeakSet()
"""Those that are recorded."""
_parts: weakref.WeakKeyDictionary[Training, dict[str, list[tuple[Source, tuple[int, int]]]]] = (
    weakref.WeakKeyDictionary()
)
"""What was evaluated under each name, and when last, in epochs and steps."""
_scored: weakref.WeakKeyDictionary[Training, list[tuple[Source, tuple[int, int], object]]] = weakref.WeakKeyDictionary()
"""What was evaluated since the last step, and with which weights first."""
OTHER = "other_weights"
_MOST = 8
"""Parts of the data with one name that are told apart."""


def whose(training: Training, pass_: Pass, around: Pass | None) -> None:
    """A pass has ended: note whether it was about this training's model, as far as one can see. It may be about
    another one if this one is gone, or an optimizer was built for the next."""
    keeper = training.keeper
    if not pass_.steps:
        concerned, gone = keeper.concerned(), keeper.known and not keeper.alive()
        mine = not gone and not any(facts.born > training.moved_on for facts in owner.waiting(training.thread))
        pass_.ours = mine and concerned
        if pass_.ours:
            pass_.other = _swapped(training, pass_, keeper.weights())
        elif mine:
            pass_.other = keeper.beside(training.thread).strip("?")
    if around is None or not around.steps:
        keeper.stay()


def _swapped(training: Training, pass_: Pass, weights: object) -> str:
    """`OTHER`, if the same data were evaluated before with other weights of the same model, and neither a step nor
    `load_state_dict` came between: an average, say, that was put there for a while."""
    now = training.steps, training.keeper.loads
    known = _scored.setdefault(training, [])
    known[:] = [found for found in known if found[1] == now][-_MOST:]
    before = next((found[2] for found in known if found[0].same(pass_.source)), weights)
    known.append((pass_.source, now, before))
    return OTHER if before != weights else ""


def evaluated(training: Training, pass_: Pass, *, nested: bool) -> None:
    """A pass without a step is over: what its loss functions gave, if they are clearly about this model."""
    if pass_.ours is None:
        whose(training, pass_, None)
    if not ((pass_.ours or pass_.other) and pass_.complete and pass_.heard) or pass_.companion or pass_.unsure:
        return
    if pass_.by_hand:
        return
    split = _numbered(training, pass_)
    alone = len(pass_.heard) == 1
    values: dict[str, float] = {}
    for name, heard in pass_.heard.items():
        if heard.samples:
            once = alone and heard.calls == pass_.taken
            same = once and heard.alike and training.shape is not None and training.shape.parts == (name,)
            values[f"{split}/loss" if same else f"{split}/{name}"] = heard.total / heard.samples
            words = same and heard.tokens and training.keeper.reads
            if words and training.shape is not None and not training.shape.extensive:
                values.update(of_loss(split, name, heard.total / heard.samples, tokens=True))
            if once and heard.absolute[1] and heard.squared[1]:
                values[f"{split}/mae"] = heard.absolute[0] / heard.absolute[1]
                values[f"{split}/rmse"] = math.sqrt(heard.squared[0] / heard.squared[1])
            if once and heard.hits.seen > 0:
                values[f"{split}/accuracy"] = heard.hits.right / heard.hits.seen
    if pass_.other:
        values = {f"{key}/{pass_.other}": value for key, value in values.items()}
    if nested:  # in the midst of a training pass: no epoch is over
        training.run.metrics({f"step/{key}": value for key, value in values.items()}, training.steps)
    else:
        step = max(training.epochs - 1, 0) if training.unit == "epoch" else training.steps
        training.run.metrics(values, step)
        loss = values.get("val/loss", math.nan)
        if training.unit == "epoch" and not loss >= (training.best or (math.inf, 0))[0] and not math.isnan(loss):
            training.best = loss, step
            if training.latest <= pass_.started:  # else the weights are others by now: its values came late
                training.keeper.improved(step)
    said_of = f" of {pass_.other}, another model than the one that is trained" if pass_.other else ""
    if pass_.other == OTHER:
        said_of = ", with other weights than before and no step between"
    said = f"autotrack.torch.{split}" + (f".{pass_.other}" if pass_.other else "")
    training.say(said, f"a pass over {pass_.place.name()}, {pass_.place}{said_of}; {of_split(pass_)}")
    _note_data(training, pass_, split)


def _numbered(training: Training, pass_: Pass) -> str:
    """The name of the part of the data, with a number where another part of that name was evaluated after the same
    epoch."""
    split = pass_.split()
    if pass_.given:
        return split
    now = training.epochs, training.steps
    known = _parts.setdefault(training, {}).setdefault(split, [])
    for at, (source, when) in enumerate(known):
        # The same data, or others in the place of those that were evaluated in an epoch before.
        if source.same(pass_.source) or (when != now and not any(held.same(pass_.source) for held, _ in known)):
            known[at] = pass_.source, now
            return f"{split}{at + 1}" if at else split
    if len(known) < _MOST:
        known.append((pass_.source, now))
    return f"{split}{len(known)}" if len(known) > 1 else split


def _note_data(training: Training, pass_: Pass, split: str) -> None:
    known = f"samples.{split}"
    if known not in training.noted and not training.run.ended:
        training.noted.add(known)
        if "train_samples" in pass_.facts:
            training.run.params({f"{split}_samples": pass_.facts["train_samples"]})
        from autotrack_torch.datasets import note  # needs torch, which evaluates

        note(training, pass_, split)


def evaluated_elsewhere(pass_: Pass, thread: int) -> None:
    """An evaluation where nothing is trained, as in a notebook's next cell: of the one training of this thread."""
    if pass_.heard:
        found = [training for training in list(trainings) if not training.closed and training.thread == thread]
        if len(found) == 1:
            found[0].passed(pass_, nested=False)
