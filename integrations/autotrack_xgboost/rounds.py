"""What XGBoost tells at the end of each round."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from xgboost.callback import EarlyStopping, TrainingCallback

from autotrack.hooks import Run
from autotrack_xgboost.config import Config, key_of
from autotrack_xgboost.integration import INTEGRATION


def early(callbacks: Iterable[Any]) -> bool:
    """Whether one of them may stop the training early."""
    return any(isinstance(callback, EarlyStopping) for callback in callbacks)


@INTEGRATION.guarded(default=False)
class PerRound(TrainingCallback):
    """Writes the newest value of every evaluation metric, all of a round in one write.

    With the first round come the parameters that XGBoost has filled in, those that are not ``given``.
    """

    def __init__(self, run: Run, given: Mapping[str, Any]) -> None:
        super().__init__()
        self.last: int | None = None
        """The step of the last round."""
        self.model: Any = None
        self._first = 0
        self._run = run
        self._given = given
        self._log: Mapping[str, Mapping[str, list[Any]]] = {}
        self._series: dict[str, dict[str, _Series]] = {}
        self._before = time.perf_counter()

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Never stops the training."""
        values: dict[str, Any] = {"round_time": time.perf_counter() - self._before}
        if self.last is None:
            self._begin(model, epoch, evals_log)
        self.last = step = self._first + epoch
        series = self._series
        for data, metrics in evals_log.items():
            known = series.get(data)
            if known is None:
                known = series[data] = {}
            for metric, history in metrics.items():
                one = known.get(metric)
                if one is None:
                    one = known[metric] = _Series(data, metric)
                count = len(history)
                if count == one.count + 1:
                    value = history[-1]
                    if type(value) is float:
                        values[one.key] = value
                    else:
                        one.put(value, values)
                else:  # none in this round, or several of one name
                    self._several(one, history[one.count :], step)
                one.count = count
        self._run.metrics(values, step=step)
        self._before = time.perf_counter()
        return False

    def best(self) -> dict[str, Any]:
        """The best round, where XGBoost has looked for it, and the values in it; nothing before the first round."""
        if self.last is None:
            return {}
        found = {"best_iteration": self.model.best_iteration, "stopped_iteration": self.last}
        at = self.model.best_iteration - self._first
        for data, known in self._series.items():
            for metric, one in known.items():
                history = self._log[data][metric]
                if 0 <= at < len(history):
                    one.put(history[at], found, "best_score-")
        return found

    def _begin(self, model: Any, epoch: int, evals_log: Any) -> None:
        # A training that goes on with a model counts its rounds from 0, but names the best by its place in the model.
        self._first = max(0, model.num_boosted_rounds() - 1 - epoch)
        self.model, self._log = model, evals_log
        with INTEGRATION.attempt("parameters"):
            folds = getattr(model, "cvfolds", None)
            self._run.params(Config(folds[0].bst if folds else model).filled_in(self._given))

    def _several(self, one: _Series, values: list[Any], step: int) -> None:
        for value in values:
            found: dict[str, Any] = {}
            one.put(value, found)
            self._run.metrics(found, step=step)


class _Series:
    """One metric of one data set."""

    __slots__ = ("count", "key")

    def __init__(self, data: str, metric: str) -> None:
        self.key = key_of(data, metric)
        self.count = 0

    def put(self, value: Any, found: dict[str, Any], before: str = "") -> None:
        """Enter a value under its key; that of a cross-validation is the folds' mean and how far they differ."""
        if type(value) is tuple:
            found[f"{before}{self.key}-mean"], found[f"{before}{self.key}-std"] = value
        else:
            found[before + self.key] = value


def first_of_all(mine: PerRound, users: Iterable[Any] | None, taken: list[Any]) -> Iterator[Any]:
    """Mine before the user's, because XGBoost asks no further once one of them says stop; ``taken`` are the user's,
    which may be an iterator, as XGBoost takes them."""
    yield mine
    for callback in users or ():
        taken.append(callback)
        yield callback
