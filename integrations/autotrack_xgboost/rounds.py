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


class Rounds:
    """Writes the newest value of every evaluation metric, all of a round in one write.

    With the first round come the parameters that XGBoost has filled in, those that are not ``given``.
    """

    def __init__(self, run: Run, given: Mapping[str, Any]) -> None:
        self.last: int | None = None
        """The step of the last round."""
        self.model: Any = None
        self._first = 0
        self._run = run
        self._given = given
        self._log: Mapping[str, Mapping[str, list[Any]]] = {}
        self._series: dict[str, dict[str, _Series]] = {}
        self._curves: list[tuple[str, list[Any]]] = []
        """The metrics that have one number a round: key, and XGBoost's own list."""
        self._count = self._plain_to = 0
        self._before = time.perf_counter()

    def took(self, model: Any, epoch: int, evals_log: Any) -> None:
        """A round is over and evaluated."""
        values: dict[str, Any] = {"round_time": time.perf_counter() - self._before}
        if self.last is None:
            self._begin(model, epoch, evals_log)
        self.last = step = self._first + epoch
        self._count += 1
        if not self._plain(evals_log, values):
            self._collect(evals_log, values, step)
        self._run.metrics(values, step=step)
        self._before = time.perf_counter()

    def _plain(self, evals_log: Any, values: dict[str, Any]) -> bool:
        """Enter the newest values; ``False`` unless each metric has one value for each round, as nearly always."""
        count, series = self._count, 0
        for metrics in evals_log.values():
            series += len(metrics)
        if series != len(self._curves):
            return False
        for key, history in self._curves:
            if len(history) != count:
                return False
            values[key] = history[-1]
        self._plain_to = count
        return True

    def _collect(self, evals_log: Any, values: dict[str, Any], step: int) -> None:
        """The same for metrics that come and go, or several times a round, and for mean and spread."""
        for data, metrics in evals_log.items():
            known = self._series.setdefault(data, {})
            for metric, history in metrics.items():
                one = known.get(metric)
                if one is None:
                    one = known[metric] = _Series(data, metric)
                    if history and type(history[0]) is not tuple:
                        self._curves.append((one.key, history))
                    seen = 0
                else:
                    seen = max(one.count, self._plain_to)
                for value in history[seen:-1]:
                    found: dict[str, Any] = {}
                    one.put(value, found)
                    self._run.metrics(found, step=step)
                if len(history) > seen:
                    one.put(history[-1], values)
                one.count = len(history)

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


@INTEGRATION.guarded(default=False)
class PerRound(TrainingCallback):
    """Takes what XGBoost tells."""

    def __init__(self, rounds: Rounds) -> None:
        super().__init__()
        self._took = rounds.took

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Never stops the training."""
        self._took(model, epoch, evals_log)
        return False


def first_of_all(mine: Any, users: Iterable[Any] | None, taken: list[Any]) -> Iterator[Any]:
    """Mine before the user's, because XGBoost asks no further once one of them says stop; ``taken`` are the user's,
    which may be an iterator, as XGBoost takes them."""
    yield mine
    for callback in users or ():
        taken.append(callback)
        yield callback
