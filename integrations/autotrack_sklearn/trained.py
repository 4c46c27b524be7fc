"""Which run has trained a model: found from the model for as long as the program has it."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from types import FrameType
from typing import Any

from autotrack.hooks import Run, origin, variable, weak
from autotrack.hooks import remember as trained_in
from autotrack_sklearn.names import UNKNOWN

MOST_CALLS = 1000
"""Values of one metric that are recorded of a run, or of a step of it."""
MOST_NAMED = 1000
"""Data sets of one name that are told apart."""


@dataclass(eq=False)
class Trained:
    """A run and what has been recorded in it after the training. It holds neither model nor data."""

    run: Run
    title: str
    """The class of the model."""
    step: int | None = None
    """Of a training that goes on, how far it is: what is scored meanwhile makes curves."""
    commands: dict[str, str] = field(default_factory=dict)
    """How each value was computed."""
    undecided: list[dict[str, Any]] = field(default_factory=list)
    """Scores that may belong to this run or to another one."""
    evaluated: dict[str, str] = field(default_factory=dict)
    """The data sets that the model was evaluated on, with their digests."""
    with_targets: set[str] = field(default_factory=set)
    """Those of them that are recorded with their targets."""
    _calls: dict[str, Iterator[int]] = field(default_factory=dict)
    _steps: dict[str, int] = field(default_factory=dict)
    _named: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)

    def key(self, metric: str, dataset: str) -> str | None:
        """Under what key the next value of a metric is recorded; ``None`` after too many of them."""
        if self.step is None:
            index = next(self._calls.setdefault(metric, itertools.count()))
            return f"{numbered(metric, index)}_{dataset}" if index < MOST_CALLS else None
        for index in range(MOST_CALLS):
            key = f"{numbered(metric, index)}_{dataset}"
            if self._steps.get(key) != self.step:
                self._steps[key] = self.step
                return key
        return None

    def name(self, data: Any, frame: FrameType | None) -> str:
        """What the program calls some data; another object of the same name is ``name-2`` and so on."""
        name = variable(frame, data) or UNKNOWN
        seen = self._named.setdefault(name, [])
        for index, (key, ref) in enumerate(seen):
            if key == id(data) and (ref is None or ref() is data):
                return numbered(name, index)
        if len(seen) < MOST_NAMED:
            seen.append((id(data), reference(data)))
            return numbered(name, len(seen) - 1)
        return numbered(name, MOST_NAMED)


def numbered(name: str, index: int) -> str:
    """``name`` for the first, ``name-2`` for the next."""
    return name if index == 0 else f"{name}-{index + 1}"


def reference(value: Any) -> Any:
    """A weak reference, ``None`` to what takes none, such as a list."""
    try:
        return weakref.ref(value)
    except TypeError:
        return None


_runs: weakref.WeakValueDictionary[str, Trained] = weakref.WeakValueDictionary()
_models: dict[int, tuple[Any, Trained]] = {}
"""By the ``id`` of a model: keeps what is known of its run for as long as the model is there."""


def remember(model: Any, run: Run) -> Trained:
    """From now on what the model answers and how it scores belongs to this run, and what the best model of a search
    does to the search's."""
    found = _known(run, type(model).__name__)
    for one in _parts(model):
        trained_in(one, run)
        _hold(one, found)
    return found


def _known(run: Run, title: str) -> Trained:
    found = _runs.get(run.run_id)
    if found is None:
        found = _runs[run.run_id] = Trained(run, title)
    return found


def _hold(model: Any, found: Trained) -> None:
    key = id(model)
    try:
        _models[key] = weak(model, partial(_forget, key)), found
    except TypeError:
        return


def _forget(key: int, gone: Any) -> None:
    entry = _models.get(key)
    if entry is not None and entry[0] is gone:
        del _models[key]


def _parts(model: Any) -> Iterator[Any]:
    yield model
    best = getattr(model, "best_estimator_", None)
    if best is not None:
        yield best


def of(model: Any) -> Trained | None:
    """What is known of the model, whichever integration recorded it; ``None`` if its training was not recorded."""
    run = origin(model)
    if run is None:
        return None
    entry = _models.get(id(model))
    if entry is not None and entry[1].run is run and entry[0]() is model:
        return entry[1]
    found = _known(run, type(model).__name__)
    _hold(model, found)
    return found
