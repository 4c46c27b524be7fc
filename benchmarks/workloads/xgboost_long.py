"""A training of ten seconds, and one on a sparse matrix that would have 400 MB if it were dense."""

from __future__ import annotations

import resource
import time
import warnings
from typing import Any

from benchmarks.tracker import Tracker
from benchmarks.workload import Evidence, Measured, Row

LONG = 10.0
"""Seconds of processor time that the training takes alone."""
PARTS = 1
"""So many trainings bare and as many recorded have those seconds together."""
SIDE = 10_000
ROWS = (
    Row("bare", "the ten seconds alone, processor time", compared=False),
    Row("share", "added by recording it, processor time, as a share of that", unit="x", limit=0.01),
    Row("memory", "added to the peak of memory by the sparse matrix, by `train` and by an estimator", unit="MB"),
)


def measure(tracker: type[Tracker]) -> Measured:
    """In processor time, as a share of one percent is less than what a neighbour's load does to the wall's."""
    warnings.simplefilter("ignore")
    import numpy as np  # heavy: not in the process that only draws the table
    import scipy.sparse  # heavy: the same
    import xgboost  # heavy: the same

    used = tracker()
    if not used.autolog("xgboost"):
        return Measured()
    random = np.random.default_rng(0)
    inputs = random.normal(size=(20_000, 30))
    labels = (inputs[:, 0] + random.normal(size=20_000) > 0).astype(int)
    one, two = xgboost.DMatrix(inputs[:15_000], labels[:15_000]), xgboost.DMatrix(inputs[15_000:], labels[15_000:])
    settings = {"objective": "binary:logistic", "nthread": 1, "eval_metric": ["logloss", "auc"]}

    def train(rounds: int) -> float:
        begin = time.process_time()
        xgboost.train(settings, one, rounds, evals=[(one, "train"), (two, "test")], verbose_eval=False)
        return time.process_time() - begin

    train(1)  # what a process loads once
    used.disable("xgboost")
    measured = Measured(models=1)
    rounds = max(1, round(20 * LONG / PARTS / train(20)))
    bare = recorded = 0.0
    for _ in range(PARTS):
        bare += train(rounds)
        used.autolog("xgboost")
        recorded += train(rounds)
        measured.evidence.append(Evidence(used.latest(), "test-auc", rounds))
        measured.models += 1
        used.disable("xgboost")
    measured.figures |= {"bare": bare, "share": recorded / bare - 1}

    places = random.integers(0, SIDE, 30_000), random.integers(0, SIDE, 30_000)
    wide: Any = scipy.sparse.csr_matrix((np.ones(30_000, np.float32), places), (SIDE, SIDE))
    target = np.arange(SIDE) % 2

    def peak() -> int:
        matrix = xgboost.DMatrix(wide, target)
        xgboost.train({"nthread": 1, "max_depth": 1}, matrix, num_boost_round=1)
        xgboost.XGBClassifier(n_estimators=1, n_jobs=1, max_depth=1).fit(wide, target)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    before = peak()
    used.autolog("xgboost")
    after = peak()
    measured.models += 2
    measured.figures["memory"] = (after - before) / 1024
    return measured
