"""A pass without a step: what is written down of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autotrack_torch.passes import Pass

if TYPE_CHECKING:
    from autotrack_torch.training import Training


def evaluated(training: Training, pass_: Pass, *, nested: bool) -> None:
    """A pass without a step is over: what its loss functions gave, if they are clearly about this model."""
    if pass_.ours is None:
        pass_.ours = training.concerned()
    if not (pass_.ours and pass_.complete and pass_.heard) or pass_.companion or pass_.unsure:
        return
    split = pass_.split()
    alone = len(pass_.heard) == 1
    values: dict[str, float] = {}
    for name, heard in pass_.heard.items():
        if heard.samples:
            once = alone and heard.calls == pass_.taken
            same = once and heard.alike and training.shape is not None and training.shape.parts == (name,)
            values[f"{split}/loss" if same else f"{split}/{name}"] = heard.total / heard.samples
            if once and heard.hits.seen:
                values[f"{split}/accuracy"] = heard.hits.right / heard.hits.seen
    if nested:  # in the midst of a training pass: no epoch is over
        training.run.metrics({f"step/{key}": value for key, value in values.items()}, training.steps)
    else:
        training.run.metrics(values, max(training.epochs - 1, 0) if training.unit == "epoch" else training.steps)
    training.say(f"autotrack.torch.{split}", f"a pass over {pass_.place.name()}, {pass_.place}")
