"""What is written down of a training pass."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from autotrack_torch.derived import TOKENS
from autotrack_torch.passes import Pass, Source

if TYPE_CHECKING:
    from autotrack_torch.training import Training


class Epochs:
    """Counts them: a source of data that comes again begins the next one."""

    def __init__(self) -> None:
        self.count = 0
        self._seen: list[Source] = []
        self._now: list[Source] = []

    def of(self, source: Source) -> int:
        """The epoch that a pass over a source belongs to: a source that has not come yet belongs to the one under way,
        unless epochs without it have been seen."""
        again = any(known.same(source) for known in self._now)
        known_before = any(known.same(source) for known in self._seen)
        if self.count == 0 or again or (not known_before and self.count > 1):
            self.count += 1
            self._now = []
        self._now.append(source)
        self._seen = [known for known in self._seen if not known.same(source)] + [source]
        return self.count - 1

    @property
    def first(self) -> bool:
        """Whether the pass that was counted last is the first one of its epoch."""
        return len(self._now) == 1


class Sizes:
    """The largest batch of each epoch: a curve from the first change on, with the epoch before it."""

    def __init__(self) -> None:
        self._last: tuple[int, int] | None = None
        self._changed = False

    def of(self, pass_: Pass, step: int) -> list[tuple[int, int]]:
        """What is to be written down now that a pass is over: steps and samples."""
        if not pass_.counted or pass_.unsure:
            return []
        before, self._last = self._last, (step, pass_.largest)
        if self._changed:
            return [self._last]
        self._changed = before is not None and before[1] != pass_.largest
        return [before, self._last] if before is not None and self._changed else []


def values_of(training: Training, pass_: Pass, *, first: bool) -> dict[str, float]:
    """Its values by name; those of the first pass of an epoch are the epoch's own."""
    values: dict[str, float] = {}
    for optimized in training.by_name:
        total, weight = pass_.sums.get(optimized, (0.0, 0.0))
        if weight and not pass_.unsure:
            key = training.key("train/loss", optimized)
            values[key if first else f"{key}/{pass_.place.name()}"] = total / weight
    if not first:
        return values
    alike = len({tuple(sums) for sums in pass_.sums.values()}) == 1
    if pass_.hits.seen > 0 and alike:
        values["train/accuracy"] = pass_.hits.right / pass_.hits.seen
    parts = training.shape.parts if training.shape is not None and not training.shape.extensive else ()
    if "train/loss" in values and len(parts) == 1 and not pass_.altered:
        values.update(of_loss("train", parts[0], values["train/loss"], tokens=pass_.tokens and training.keeper.reads))
    seconds = time.perf_counter() - pass_.started
    values["train/epoch_seconds"] = seconds
    values["train/data_seconds"] = pass_.waited
    values["train/step_seconds"] = seconds / pass_.steps
    if seconds > 0 and pass_.counted and not pass_.unsure:
        values["train/samples_per_second"] = pass_.samples / seconds
    return values


def of_window(training: Training, began: float, before: int) -> dict[str, float]:
    """Values by name of the steps since a time and a number of steps, where no loader tells epochs."""
    values: dict[str, float] = {}
    for optimized in training.by_name:
        total, weight = optimized.window
        if weight:
            values[training.key("train/loss", optimized)] = total / weight
        optimized.window = [0.0, 0.0]
    if training.steps > before:
        values["train/step_seconds"] = (training.latest - began) / (training.steps - before)
    return values


def of_loss(split: str, name: str, mean: float, *, tokens: bool) -> dict[str, float]:
    """What follows from the mean of a loss function alone."""
    if name == "mse_loss" and mean >= 0:
        return {f"{split}/rmse": math.sqrt(mean)}
    if name == "l1_loss":
        return {f"{split}/mae": mean}
    if name in TOKENS and tokens and mean < 700:
        return {f"{split}/perplexity": math.exp(mean)}
    return {}
