"""A thousand boosting rounds, two evaluation sets, four metrics: eight values a round."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from statistics import median
from typing import Any

from benchmarks.tracker import LogMany, Tracker
from benchmarks.workload import Evidence, Measured, Row, quantile, seconds

ROUNDS = 1000
PAIRS, SECONDS = range(2, 12), 5.0
"""So many comparisons, as many as go into so many seconds: the cheaper the tracker, the less is noise."""
SETS = ("train", "test")
METRICS = ("logloss", "error", "auc", "aucpr")
ROWS = (
    Row("bare", f"the {ROUNDS} rounds alone", compared=False),
    Row("added", "added to the whole training, model included where automatic"),
    Row("fixed", "added to a training of one round"),
    Row("round", "added per round: what grows with the rounds", limit=20e-6),
    Row("typical", "… between two rounds, lower quartile: without what comes after the last", limit=20e-6),
)


def measure(tracker: type[Tracker]) -> Measured:
    """Train bare and recorded in turn; a training of one round tells what does not grow with the rounds."""
    warnings.simplefilter("ignore")
    work = _Work()
    plain = work.matrices()
    work.train(plain, ROUNDS, [])
    used = tracker()
    automatic = used.autolog("xgboost")
    seen = work.matrices()  # MLflow notices only those that are made after its autolog()
    used.disable("xgboost")

    def recorded(rounds: int) -> str | None:
        if automatic:
            work.train(seen, rounds, [])
            return None
        run = used.open()
        work.train(seen, rounds, used.xgboost_callbacks() or work.by_hand(used.batch_logger()))
        used.close()
        return run

    used.autolog("xgboost")
    recorded(1)  # the first of a process loads what it needs, which is no part of a round
    used.disable("xgboost")

    measured = Measured()
    bare: dict[int, list[float]] = {1: [], ROUNDS: []}
    whole: dict[int, list[float]] = {1: [], ROUNDS: []}
    alone: list[float] = []
    beside: list[float] = []
    until = time.perf_counter() + SECONDS
    while len(whole[1]) < PAIRS.start or (time.perf_counter() < until and len(whole[1]) < PAIRS.stop):
        for rounds in (1, ROUNDS):
            bare[rounds].append(seconds(partial(work.train, plain, rounds, [])))
            alone.append(work.round)
            used.autolog("xgboost")
            begin = time.perf_counter()
            run = recorded(rounds)
            whole[rounds].append(time.perf_counter() - begin)
            beside.append(work.round)
            run = run or used.latest()
            used.disable("xgboost")
            measured.evidence += [Evidence(run, f"{name}-{each}", rounds) for name in SETS for each in METRICS]
    measured.models = 1 + 2 * len(whole[1]) if automatic else 0
    fixed, added = (min(whole[rounds]) - min(bare[rounds]) for rounds in (1, ROUNDS))  # the undisturbed ones
    measured.figures |= {"bare": min(bare[ROUNDS]), "added": added, "fixed": fixed}
    measured.figures["round"] = (added - fixed) / (ROUNDS - 1)
    measured.figures["typical"] = median(b - a for a, b in zip(alone[1::2], beside[1::2], strict=True))
    return measured


class _Work:
    """The training, on real data cut into two sets."""

    def __init__(self) -> None:
        import xgboost  # heavy: not in the process that only draws the table
        from sklearn.datasets import load_breast_cancer  # heavy: the same

        self.xgboost: Any = xgboost
        self.inputs, self.labels = load_breast_cancer(return_X_y=True)
        self.round = 0.0
        """Seconds between two rounds of the last training, the lower quartile."""

    def matrices(self) -> list[tuple[Any, str]]:
        """Both sets, new."""
        parts = (slice(300), slice(300, None))
        made = [self.xgboost.DMatrix(self.inputs[part], self.labels[part]) for part in parts]
        return list(zip(made, SETS, strict=True))

    def train(self, sets: list[tuple[Any, str]], rounds: int, callbacks: list[Any]) -> None:
        """Boost so many rounds, every set evaluated in each."""
        settings = {"objective": "binary:logistic", "max_depth": 2, "eta": 0.01, "nthread": 1}
        settings["eval_metric"] = list(METRICS)
        ends: list[float] = []
        stamp = self._callback(lambda _step, _history: ends.append(time.perf_counter()))
        callbacks = [*callbacks, stamp]
        self.xgboost.train(settings, sets[0][0], rounds, evals=sets, verbose_eval=False, callbacks=callbacks)
        self.round = quantile([b - a for a, b in pairwise(ends)] or [0.0], 0.25)

    def by_hand(self, log: LogMany) -> list[Any]:
        """What a user writes whose tracker has no callback for XGBoost."""

        def each(step: int, history: dict[str, Any]) -> None:
            log({f"{name}-{key}": curve[-1] for name, own in history.items() for key, curve in own.items()}, step)

        return [self._callback(each)]

    def _callback(self, each: Callable[[int, dict[str, Any]], object]) -> Any:
        def after_iteration(_self: Any, _model: Any, epoch: int, history: dict[str, Any]) -> bool:
            each(epoch, history)
            return False

        members = {"after_iteration": after_iteration}
        return type("EachRound", (self.xgboost.callback.TrainingCallback,), members)()
