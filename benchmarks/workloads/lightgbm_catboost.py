"""The other two boosting frameworks: 300 rounds, two evaluation sets, two metrics."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.tracker import Tracker
from benchmarks.workload import Evidence, Measured, Row, seconds

ROUNDS = 300
PAIRS, SECONDS = range(2, 10), 4.0
"""So many comparisons, as many as go into so many seconds."""
ROWS = tuple(
    Row(f"{name.lower()} {key}", f"{name}: {title}", compared=key != "bare", limit=limit)
    for name in ("LightGBM", "CatBoost")
    for key, title, limit in (
        ("bare", f"the {ROUNDS} rounds alone", None),
        ("added", "added to the whole training, model included where automatic", None),
        ("fixed", "added to a training of one round", None),
        ("round", "added per round: what grows with the rounds", 20e-6),
    )
)


def measure(tracker: type[Tracker]) -> Measured:
    """Train bare and recorded in turn, where the tracker records the framework by itself."""
    warnings.simplefilter("ignore")
    measured = Measured()
    for framework, train, keys in (
        ("lightgbm", _lightgbm(), ("train-auc", "test-binary_logloss")),
        ("catboost", _catboost(), ("learn-Logloss", "validation-Logloss")),
    ):
        used = tracker()
        try:
            automatic = used.autolog(framework)
        except AttributeError:  # a flavor of models without automatic logging
            automatic = False
        if automatic:
            train(1)  # the first of a process loads what it needs, which is no part of a round
            measured.models += 1
            used.disable(framework)
            _pairs(framework, train, keys, used, measured)
    return measured


def _pairs(
    framework: str, train: Callable[[int], object], keys: tuple[str, ...], used: Tracker, measured: Measured
) -> None:
    bare: dict[int, list[float]] = {1: [], ROUNDS: []}
    whole: dict[int, list[float]] = {1: [], ROUNDS: []}
    until = time.perf_counter() + SECONDS
    while len(whole[1]) < PAIRS.start or (time.perf_counter() < until and len(whole[1]) < PAIRS.stop):
        for rounds in (1, ROUNDS):
            bare[rounds].append(seconds(partial(train, rounds)))
            used.autolog(framework)
            whole[rounds].append(seconds(partial(train, rounds)))
            run = used.latest()
            used.disable(framework)
            measured.evidence += [Evidence(run, key, rounds) for key in keys]
            measured.models += 1
    fixed, added = (min(whole[rounds]) - min(bare[rounds]) for rounds in (1, ROUNDS))  # the undisturbed ones
    figures = {"bare": min(bare[ROUNDS]), "added": added, "fixed": fixed, "round": (added - fixed) / (ROUNDS - 1)}
    measured.figures |= {f"{framework} {key}": value for key, value in figures.items()}


def _data() -> tuple[Any, Any]:
    from sklearn.datasets import load_breast_cancer  # heavy: not in the process that only draws the table

    inputs, labels = load_breast_cancer(return_X_y=True)
    return inputs, labels


def _lightgbm() -> Callable[[int], object]:
    import lightgbm  # heavy: the same

    inputs, labels = _data()
    params = {"objective": "binary", "metric": ["auc", "binary_logloss"], "num_leaves": 4, "num_threads": 1}

    def train(rounds: int) -> object:
        one = lightgbm.Dataset(inputs[:300], labels[:300])
        two = lightgbm.Dataset(inputs[300:], labels[300:], reference=one)
        return lightgbm.train({**params, "verbose": -1}, one, rounds, [one, two], ["train", "test"])

    return train


def _catboost() -> Callable[[int], object]:
    import catboost  # heavy: the same

    inputs, labels = _data()

    def train(rounds: int) -> object:
        model = catboost.CatBoostClassifier(iterations=rounds, depth=2, thread_count=1, verbose=False)
        return model.fit(inputs[:300], labels[:300], eval_set=(inputs[300:], labels[300:]))

    return train
