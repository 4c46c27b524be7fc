"""Ten thousand fits of about a millisecond: a decision tree on iris."""

from __future__ import annotations

import time
import warnings
from statistics import median
from typing import Any

from benchmarks.tracker import Tracker
from benchmarks.workload import Measured, Row, scaled

FITS, BLOCK = 10_000, 100
PEERS_FITS, PEERS_BLOCK = 6, 2
"""A tracker that takes seconds for each is asked less often."""
ROWS = (
    Row("bare", "the fit alone", compared=False),
    Row("by_hand", "its training metrics by hand, by scikit-learn's functions", compared=False),
    Row("without", "added to each, training metrics and model off (processor time, mean)", limit=1e-3),
    Row("with", "added to each, model off (processor time, mean)"),
    Row("multiple", "… as a multiple of those metrics by hand", unit="x", limit=1.2),
)


def measure(tracker: type[Tracker]) -> Measured:
    """Blocks of fits, bare and recorded in turn, so that what grows with the runs in a store is in the figures."""
    warnings.simplefilter("ignore")
    work = _Work()
    used = tracker()
    if not used.autolog("sklearn"):
        return Measured({"bare": median(work.fits(BLOCK) for _ in range(9))})
    work.fits(1)
    used.disable("sklearn")
    ours = used.module == "autotrack"
    fits, block = (scaled(FITS), BLOCK) if ours else (PEERS_FITS, PEERS_BLOCK)
    added: dict[str, list[float]] = {"with": [], **({"without": []} if ours else {})}
    bare, by_hand = [], []
    for _ in range(max(1, fits // block // len(added))):
        bare.append(work.fits(block))
        by_hand.append(work.by_hand(block))
        for key, each in added.items():
            used.autolog("sklearn")
            if ours:
                used.api.sklearn.autolog(log_models=False, log_training_metrics=key == "with")
            else:
                used.api.sklearn.autolog(log_models=False)
            each.append(work.fits(block) - bare[-1])
            used.disable("sklearn")
    figures = {"bare": median(bare), "by_hand": median(by_hand)}
    figures |= {key: median(each) for key, each in added.items()}
    figures["multiple"] = median(a / b for a, b in zip(added["with"], by_hand, strict=True))
    return Measured(figures)


class _Work:
    """The fit, and what a user writes to have the same metrics."""

    def __init__(self) -> None:
        from sklearn import metrics  # heavy: not in the process that only draws the table
        from sklearn.datasets import load_iris  # heavy: the same
        from sklearn.tree import DecisionTreeClassifier  # heavy: the same

        self.metrics: Any = metrics
        self.kind: Any = DecisionTreeClassifier
        self.data, self.target = load_iris(return_X_y=True)
        self.model = self.kind(max_depth=3).fit(self.data, self.target)

    def fits(self, count: int) -> float:
        """The processor's seconds for one: under a neighbour's load a clock would also count the waiting."""
        begin = time.process_time()
        for _ in range(count):
            self.kind(max_depth=3).fit(self.data, self.target)
        return (time.process_time() - begin) / count

    def by_hand(self, count: int) -> float:
        """The same for the metrics that autologging computes, of a model that has been fitted."""
        metrics, data, target = self.metrics, self.data, self.target
        begin = time.process_time()
        for _ in range(count):
            predicted, likely = self.model.predict(data), self.model.predict_proba(data)
            metrics.precision_score(target, predicted, average="weighted")
            metrics.recall_score(target, predicted, average="weighted")
            metrics.f1_score(target, predicted, average="weighted")
            metrics.accuracy_score(target, predicted)
            metrics.log_loss(target, likely)
            metrics.roc_auc_score(target, likely, average="weighted", multi_class="ovo")
            self.model.score(data, target)
        return (time.process_time() - begin) / count
