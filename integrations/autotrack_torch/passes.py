"""One pass over a data loader: what it yields, and what was done meanwhile."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any

from autotrack.hooks import weak
from autotrack_torch.integration import INTEGRATION, split_of
from autotrack_torch.naming import Place, given

if TYPE_CHECKING:
    from autotrack_torch.loop import Loop
    from autotrack_torch.reading import Readings

under_way: dict[int, Pass] = {}
"""The passes whose iterator lives, by the iterator's ``id``."""
_mistaken: weakref.WeakSet[Any] = weakref.WeakSet()
"""Samplers that were found to tell other sizes of batches than came."""
collected = 0
"""Changes whenever an iterator is collected, so that passes which were left early are looked for."""


class Hits:
    """How many samples were put into the right class."""

    __slots__ = ("right", "seen")

    def __init__(self) -> None:
        self.right = self.seen = 0.0

    def add(self, readings: Readings, right: Any, seen: Any) -> None:
        """So many were, of so many: numbers, or tensors that hold them."""
        if type(right) is int:
            self.right += right
            self.seen += seen
        else:
            readings.take(right, self._add_right)
            readings.take(seen, self._add_seen)

    def drop(self, readings: Readings, right: Any, seen: Any) -> None:
        """They do not count after all."""
        if type(right) is int:
            self.right -= right
            self.seen -= seen
        else:
            readings.take(right, lambda count: self._add_right(-count))
            readings.take(seen, lambda count: self._add_seen(-count))

    def _add_right(self, count: float) -> None:
        self.right += count

    def _add_seen(self, count: float) -> None:
        self.seen += count


class Heard:
    """What one loss function gave during a pass."""

    __slots__ = ("absolute", "alike", "calls", "hits", "samples", "squared", "tokens", "total")

    def __init__(self) -> None:
        self.absolute, self.squared = [0.0, 0.0], [0.0, 0.0]
        """``[sum of n * error, sum of n]`` of a regression."""
        self.tokens = False
        self.calls = 0
        self.alike = True
        """Whether its values are averaged as those of the training are."""
        self.samples = 0
        self.total = 0.0
        self.hits = Hits()

    def add(self, n: int, value: float) -> None:
        """A value per sample, over ``n`` samples."""
        self.samples += n
        self.total += n * value


class Pass:
    """From ``iter(loader)`` to the last batch that the program took."""

    __slots__ = (
        "_ahead", "_left", "_next", "_sampler", "_size", "_used", "_uses", "altered", "backwards", "batches",
        "by_hand", "companion", "companions", "complete", "counted", "facts", "given", "heard", "hits",
        "inside", "iterator", "largest", "late", "loop", "moved", "n", "other", "ours", "outer", "place",
        "replays", "samples", "sizes", "source", "started", "steps", "sums", "tokens", "training", "waited",
    )  # fmt: skip

    def __init__(self, loader: Any, iterator: Any, loop: Loop, place: Place) -> None:
        self.loop: Loop | None = loop
        self.place = place
        self.started = time.perf_counter()
        self.batches = 0
        """Batches that the program has taken so far."""
        self.n = 0
        """Samples of the batch in hand."""
        self.largest = 0
        """Samples of the largest batch so far."""
        self.samples = 0
        self.steps = 0
        """Optimizer steps during the pass: with any, it is a training pass."""
        self.moved = False
        """Whether a batch was taken since the last backward pass."""
        self.companion = False
        """Whether its batches go together with those of another pass, as in ``zip(a, b)``."""
        self.companions: list[Source] = []
        """What goes together with it."""
        self.inside: tuple[Pass, int] | None = None
        """The pass, and which of its batches, that was in hand when this one began."""
        self.outer: Pass | None = None
        """The pass that the program was in before this one's first batch."""
        self.complete = False
        self.ours: bool | None = None
        """Whether it was about the model that is trained."""
        self.other = ""
        """What the program calls the model that it was about, if that is another one."""
        self.late = False
        """Whether its loader is exhausted, and the last batch is still to come: something in between is one ahead."""
        self._ahead = True
        """Whether the program has been one batch behind what was taken, so far."""
        self._next = self._used = self._uses = 0
        self.backwards = 0
        """Batches that ``backward`` was called for."""
        self.sizes: list[int] | None = [] if place.cycled else None
        """Samples of each batch, where the batches are used again without the loader."""
        self.replays = False
        self.given = given(loader) or split_of(place.name())
        self.training: Any = None
        """Whose steps were done in it."""
        self.altered = False
        """Whether what is minimised is not just what one loss function gives."""
        self.by_hand = False
        """Whether parameters were changed in it, after something was minimised, otherwise than by an optimizer."""
        self.tokens = False
        """Whether there are more classes to be found than samples, as in a text."""
        self.waited = 0.0
        """Seconds that the program has waited for batches."""
        self.sums: dict[Any, list[float]] = {}
        """Per optimizer ``[sum of n * loss, sum of n]``."""
        self.hits = Hits()
        """Of what was minimised."""
        self.heard: dict[str, Heard] = {}
        """The loss functions that were called while no optimizer had stepped, by name."""
        self.counted = False
        """Whether ``n`` counts samples: a loader without batches yields what it likes."""
        self.source = Source(loader, (place.file, place.line))
        self._size: int | None = None
        self._left: int | None = None
        self._sampler: Callable[[], Any] = _nothing
        """What has told the sizes of the batches."""
        self.facts: dict[str, Any] = {}
        with INTEGRATION.attempt("data loader"):
            self._look(loader)
        key = id(iterator)
        self.iterator: Callable[[], Any] = weak(iterator, partial(_gone, key))
        under_way[key] = self

    def split(self) -> str:
        """The part of the data that is evaluated."""
        found = self.given or self.place.split()
        return "train_eval" if found == "train" else found

    def again(self, loop: Loop) -> Pass:
        """The pass that follows a complete one without the loader: ``itertools.cycle`` has kept the batches."""
        assert self.sizes is not None
        other = copy(self)
        other.loop, other.iterator, other.replays = loop, _always, True
        other.started, other.batches, other.n, other.samples, other.steps = time.perf_counter(), 0, 0, 0, 0
        other.waited = 0.0
        other.sums, other.heard, other.hits, other.backwards = {}, {}, Hits(), 0
        other.moved = other.complete = other._ahead = False
        return other

    def replay(self) -> None:
        """The program goes on with the next kept batch."""
        sizes = self.sizes or [0]
        self.n = sizes[self.batches % len(sizes)]
        self.batches += 1
        self.samples += self.n

    @property
    def replayed(self) -> bool:
        """Whether all kept batches were used."""
        return self.replays and self.sizes is not None and self.batches >= len(self.sizes)

    def use(self) -> None:
        """Something is computed with the batch in hand."""
        if self._used != self.batches:
            self._used = self.batches
            self._uses += 1

    def lags(self) -> bool:
        """The loader is exhausted. Whether there is still a batch to come: each one was taken, by something in between
        such as a prefetcher, before the one before it was used."""
        if self.late or not self._ahead or self.batches < 2 or self.batches - self._uses != 1 or self.sizes is not None:
            return False
        self.late = self.moved = True
        self.batches += 1
        self.n = self._next
        return True

    @property
    def caught_up(self) -> bool:
        """Whether the batch that was still to come has come."""
        return self._used == self.batches

    @property
    def unsure(self) -> bool:
        """Whether it is not known how large the batches were that the losses belong to."""
        return (self.late and not self.caught_up and self._next != self._size) or self._mistold

    @property
    def _mistold(self) -> bool:
        """Whether other batches have come than the sampler had told: its length is wrong, or the size was changed."""
        left = self._left
        wrong = left is not None and (left < 0 or (self.complete and self.unfinished))
        sampler = self._sampler()
        if wrong and sampler is not None:
            _mistaken.add(sampler)
        return wrong

    @property
    def taken(self) -> int:
        """Batches that were taken from the loader."""
        return self.batches - self.late

    def joins(self, source: Source) -> bool:
        """Whether what begins goes together with this pass, as what has ended did."""
        return any(known.same(source) for known in self.companions)

    @property
    def unfinished(self) -> bool:
        """Whether the program has left batches, as far as is known."""
        left = self._left
        return left is not None and left >= (self._size or 1 if self.facts.get("drop_last") else 1)

    def take(self, batch: Any) -> None:
        """The program took the next batch."""
        if self._ahead and self.batches and self.batches - self._uses != 1:
            self._ahead = False
        self.moved = True
        n = self.count(batch)
        if self._ahead:
            self.n, self._next = (self._next if self.batches > 1 else n), n
        if self.sizes is not None:
            self.sizes.append(n)

    def count(self, batch: Any) -> int:
        """How many samples the batch has that the program has taken."""
        self.batches += 1
        left = self._left
        if left is not None:
            n = max(1, min(self._size or 1, left))
            self._left = left - n
        elif self._size is None:
            n = first_dimension(batch) or 1
        else:
            n = first_dimension(batch)
            n = n if 0 < n < self._size else self._size
        self.n = n
        self.samples += n
        self.largest = max(self.largest, n)
        return n

    @property
    def told(self) -> bool:
        """Whether the sizes of the batches are known without a look at them."""
        return self._left is not None

    def counts(self, batches: int) -> list[int]:
        """How many samples each of the next batches has, which the program has taken; where this is told."""
        if self._left is None or self._left < batches * (self._size or 1):
            return [self.count(None) for _ in range(batches)]
        self.n = self.largest = self._size or 1
        self.batches += batches
        self.samples += batches * self.n
        self._left -= batches * self.n
        return [self.n] * batches

    @property
    def plain(self) -> bool:
        """Whether each batch is used before the next one is taken, and no other pass has to do with this one."""
        return not (self._ahead or self.late or self.replays or self.companion or self.companions) and not self.sizes

    def _look(self, loader: Any) -> None:
        from torch.utils import data  # the framework, which the loader comes from

        size, batches, dataset = loader.batch_size, loader.batch_sampler, loader.dataset
        self._size = size
        self.counted = size is not None or batches is not None
        self.facts = {"batch_size": size, "dataset": type(dataset).__name__}
        if type(batches) is data.BatchSampler:
            self._size = self.facts["batch_size"] = batches.batch_size  # the program may have set it since
            self.facts["shuffle"] = isinstance(batches.sampler, data.RandomSampler)
            self.facts["drop_last"] = batches.drop_last
            if batches not in _mistaken:
                self._sampler = weakref.ref(batches)
                with suppress(TypeError):
                    self._left = len(batches.sampler)  # type: ignore[arg-type]  # a sampler may have a length
        if not isinstance(dataset, data.IterableDataset) and hasattr(dataset, "__len__"):
            self.facts["train_samples"] = len(dataset)
        self.facts["num_workers"] = loader.num_workers


class Source:
    """What a pass goes over: the same data set, or one like it in its place."""

    __slots__ = ("_kind", "_length", "_ref", "_where")

    def __init__(self, loader: Any, where: tuple[str, int]) -> None:
        self._where = where
        dataset = loader.dataset
        try:
            self._ref: weakref.ref[Any] = weakref.ref(dataset)
        except TypeError:
            self._ref, dataset = weakref.ref(loader), loader  # a list takes no weak reference
        self._kind = type(dataset)
        try:
            self._length = len(dataset)
        except Exception:  # noqa: BLE001 - the program's own class; a length is only one sign among several
            self._length = -1

    def same(self, other: Source) -> bool:
        """Whether ``other``, seen later, is the same, or has taken this one's place after it was dropped."""
        mine = self._ref()
        if mine is not None:
            return mine is other._ref()
        return self._kind is other._kind and (self._length == other._length or self._where == other._where)


def first_dimension(batch: Any, depth: int = 4) -> int:
    """The length of the first tensor in a batch; 0 if there is none."""
    shape = getattr(batch, "shape", None)
    if shape is not None:
        return int(shape[0]) if len(shape) else 0
    if depth and isinstance(batch, Mapping):
        batch = list(batch.values())
    if depth and isinstance(batch, list | tuple):
        for item in batch:
            found = first_dimension(item, depth - 1)
            if found:
                return found
    return 0


def _always() -> bool:
    return True


def _nothing() -> None:
    """In the place of a weak reference."""


def _gone(key: int, ref: Any) -> None:
    global collected
    collected += 1
    found = under_way.get(key)
    if found is not None and found.iterator is ref:
        del under_way[key]
