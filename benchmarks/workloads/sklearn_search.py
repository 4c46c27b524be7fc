"""A grid search of 500 candidates, two folds each, of trees on iris."""

from __future__ import annotations

import warnings
from statistics import median
from typing import Any

from benchmarks.tracker import Tracker
from benchmarks.workload import Measured, Row, scaled, seconds

CANDIDATES, PAIRS = 500, 2
ROWS = (
    Row("bare", "the search alone", compared=False),
    Row("added", "added by a record of it, models included", times={"mlflow": 5}),
    Row("share", "the search with the record, as a multiple of the search alone", unit="x"),
)


def measure(tracker: type[Tracker]) -> Measured:
    """Search bare and recorded in turn."""
    warnings.simplefilter("ignore")
    search = _search()
    used = tracker()
    if not used.autolog("sklearn"):
        return Measured({"bare": seconds(search)})
    used.disable("sklearn")
    bare, added = [], []
    for _ in range(PAIRS):
        bare.append(seconds(search))
        used.autolog("sklearn")
        added.append(seconds(search) - bare[-1])
        used.disable("sklearn")
    figures = {"bare": median(bare), "added": median(added)}
    return Measured(figures | {"share": median((a + b) / b for a, b in zip(added, bare, strict=True))})


def _search() -> Any:
    from sklearn.datasets import load_iris  # heavy: not in the process that only draws the table
    from sklearn.model_selection import GridSearchCV  # heavy: the same
    from sklearn.tree import DecisionTreeClassifier  # heavy: the same

    data, target = load_iris(return_X_y=True)
    grid = {"max_depth": [1, 2, 3, 4, 5], "min_samples_leaf": list(range(1, scaled(CANDIDATES) // 5 + 1))}
    return lambda: GridSearchCV(DecisionTreeClassifier(random_state=0), grid, cv=2).fit(data, target)
