"""A trial while it runs: what has been recorded of it so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from autotrack.hooks import Run


class LiveTrial:
    """The run of a trial, and what it holds already: Optuna keeps the first value of each name and step."""

    __slots__ = ("_names", "_steps", "result", "run")

    def __init__(self, run: Run) -> None:
        self.run = run
        self.result: Any = None
        """What the objective returned."""
        self._names: set[str] = set()
        self._steps: set[int] = set()

    def suggested(self, value: Any, name: str, *_: Any, **__: Any) -> None:
        """Take a parameter's value, and the arguments that it was asked for with."""
        if name not in self._names:
            self._names.add(name)
            self.run.params({name: value})

    def reported(self, value: Any, step: Any) -> None:
        """Take an intermediate value, as Optuna takes it."""
        step = int(step)
        if step not in self._steps:
            self._steps.add(step)
            self.run.metric("intermediate_value", float(value), step)

    def complete(self, params: Mapping[str, Any], intermediate: Mapping[int, float]) -> None:
        """Add what Optuna knows of the trial and nobody saw pass, such as parameters that were fixed beforehand."""
        missing = {name: value for name, value in params.items() if name not in self._names}
        if missing:
            self._names.update(missing)
            self.run.params(missing)
        for step, value in intermediate.items():
            self.reported(value, step)


LIVE: WeakKeyDictionary[Any, LiveTrial] = WeakKeyDictionary()
"""By Optuna's trial, those whose objective is running."""
