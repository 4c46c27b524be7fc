"""A framework small enough to see through: a model is the mean of its data, a loss a round is its distance."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any


class Model:
    """Fitted by ``fit``, or by ``train`` and its kin."""

    def __init__(self, rate: float = 0.5) -> None:
        self.rate = rate
        self.mean = 0.0
        self.losses: list[float] = []

    def fit(self, data: Sequence[float], rounds: int = 3, callbacks: Sequence[Callable[..., Any]] = ()) -> Model:
        """Each round goes a part of the way to the mean of the data."""
        for number in range(rounds):
            self.advance(data)
            for callback in callbacks:
                callback(number, self.losses[-1])
        return self

    def advance(self, data: Sequence[float]) -> None:
        """One round."""
        target = sum(data) / len(data)
        self.mean += self.rate * (target - self.mean)
        self.losses.append(abs(target - self.mean))

    def predict(self) -> float:
        """What the model says."""
        return self.mean

    @classmethod
    def default(cls, data: Sequence[float]) -> Model:
        """A fitted model with the default rate."""
        return cls().fit(data)

    @staticmethod
    def average(data: Sequence[float]) -> float:
        """What a model would end at."""
        return sum(data) / len(data)


class Slow(Model):
    """Has a ``fit`` of its own that calls its base's."""

    def fit(self, data: Sequence[float], rounds: int = 3, callbacks: Sequence[Callable[..., Any]] = ()) -> Model:
        """Takes twice as many rounds."""
        return super().fit(data, rounds * 2, callbacks)


class Search(Model):
    """Fits other models in its own fit."""

    def fit(self, data: Sequence[float], rounds: int = 3, callbacks: Sequence[Callable[..., Any]] = ()) -> Model:
        """Keeps the best rate of three."""
        tried = [Model(rate).fit(data, rounds, callbacks) for rate in (0.1, 0.5, 0.9)]
        best = min(tried, key=lambda model: model.losses[-1])
        self.rate, self.mean, self.losses = best.rate, best.mean, best.losses
        return self


def train(
    params: dict[str, Any], data: Sequence[float], *, rounds: int = 3, callbacks: Sequence[Callable[..., Any]] = ()
) -> Model:
    """Like ``Model.fit``, as a function."""
    model = Model(**params)
    for number in range(rounds):
        model.advance(data)
        for callback in callbacks:
            callback(number, model.losses[-1])
    return model


async def train_async(params: dict[str, Any], data: Sequence[float], pause: Callable[[], Any]) -> Model:
    """Like ``train``, pausing between rounds."""
    model = Model(**params)
    for _ in range(3):
        model.advance(data)
        await pause()
    return model


def train_steps(params: dict[str, Any], data: Sequence[float]) -> Iterator[float]:
    """Gives the loss after each round; what is sent becomes the rate; the result is the model."""
    model = Model(**params)
    for _ in range(3):
        model.advance(data)
        rate = yield model.losses[-1]
        model.rate = rate or model.rate
    return model


async def train_stream(params: dict[str, Any], data: Sequence[float], pause: Callable[[], Any]) -> AsyncIterator[float]:
    """Gives the loss after each round."""
    model = Model(**params)
    for _ in range(3):
        model.advance(data)
        await pause()
        yield model.losses[-1]


class Optimizer:
    """Called often."""

    def __init__(self) -> None:
        self.steps = 0

    def step(self, size: float = 1.0) -> int:
        """Counts; a step of nothing is an error."""
        if not size:
            raise ValueError("a step of nothing")
        self.steps += 1
        return self.steps


class Loader:
    """Iterates over its batches."""

    def __init__(self, batches: int) -> None:
        self.left = batches

    def __iter__(self) -> Loader:
        return self

    def __next__(self) -> int:
        if not self.left:
            raise StopIteration
        self.left -= 1
        return self.left
