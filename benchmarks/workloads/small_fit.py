"""What a fit of milliseconds pays for being recorded: logistic regression on iris."""

from __future__ import annotations

import gc
import warnings
from statistics import median

from benchmarks.tracker import Tracker
from benchmarks.workload import Measured, Row, seconds

BARE, LATER = 30, 4
ROWS = (
    Row("bare", "the fit alone", compared=False),
    Row("first", "added to the first recorded fit of a process, model and signature included"),
    Row("later", "added to each later fit", times={"mlflow": 100}),
)


def measure(tracker: type[Tracker]) -> Measured:
    """Fit bare, then recorded, in one process."""
    from sklearn.datasets import load_iris  # heavy: not in the process that only draws the table
    from sklearn.linear_model import LogisticRegression  # heavy: the same

    inputs, labels = load_iris(return_X_y=True)

    def fit() -> float:
        return seconds(lambda: LogisticRegression(max_iter=200).fit(inputs, labels))

    bare = median(fit() for _ in range(BARE))
    used = tracker()
    warnings.simplefilter("ignore")
    if not used.autolog("sklearn"):
        return Measured({"bare": bare})
    gc.collect()  # else a collection of what the program has loaded falls into one fit or another
    first = fit()
    later = median(fit() for _ in range(LATER))
    return Measured({"bare": bare, "first": first - bare, "later": later - bare}, models=1 + LATER)
