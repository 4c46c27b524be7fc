"""What a call to a patched function pays when nothing is to be recorded, in scikit-learn's `fit`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from types import FunctionType
from typing import Any

from benchmarks.tracker import Tracker
from benchmarks.workload import Measured, Row

CALLS, TURNS = 5000, 9
ROWS = (
    Row("bare", "an empty `fit`", compared=False),
    Row("switched_off", "added by autolog() under `AUTOTRACK_DISABLED=1`", limit=1e-6),
    Row("put_back", "added after autolog() and disable()", limit=1e-6),
    Row("inside", "added inside a recorded fit (passed through)", limit=1e-6),
)


def measure(tracker: type[Tracker]) -> Measured:
    """Time an estimator of our own, whose ``fit`` does nothing; autotrack alone patches such a one."""
    if tracker.module != "autotrack":
        return Measured()
    code = f"from {__name__} import switched_off; print(switched_off())"
    off = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "AUTOTRACK_DISABLED": "1"},
    ).stdout.split()
    bare, put_back, inside = _in_turn(tracker())
    return Measured(
        {
            "bare": bare,
            "switched_off": float(off[1]) - float(off[0]),
            "put_back": put_back - bare,
            "inside": inside - bare,
        }
    )


def switched_off() -> str:
    """Seconds of a call before and after autolog() in a process that has autotrack disabled."""
    import autotrack  # in this process alone

    estimator = _estimators()[0]()
    before = min(_per_call(estimator) for _ in range(TURNS))
    autotrack.autolog()
    return f"{before} {min(_per_call(estimator) for _ in range(TURNS))}"


def _in_turn(used: Tracker) -> tuple[float, float, float]:
    """Seconds of a call never patched, put back, and inside a recorded fit."""
    empty, outer = _estimators()
    never, put_back, inside = [], [], []
    for _ in range(TURNS):
        never.append(_per_call(empty()))
        used.autolog()
        if type(vars(empty)["fit"]) is FunctionType:  # a wrapper answers isinstance() like what it wraps
            raise TypeError("autolog() left the estimator unpatched: nothing to measure")
        inside.append(outer().fit().seconds)
        used.disable()
        put_back.append(_per_call(empty()))
    return min(never), min(put_back), min(inside)  # of loops of this length, the undisturbed one


def _estimators() -> tuple[type[Any], type[Any]]:
    from sklearn.base import BaseEstimator  # heavy: not in the process that only draws the table

    class Empty(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
        def fit(self) -> object:
            return self

    class Outer(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
        def fit(self) -> object:
            self.seconds = _per_call(Empty())
            return self

    return Empty, Outer


def _per_call(estimator: Any) -> float:
    begin = time.perf_counter()
    for _ in range(CALLS):
        estimator.fit()
    return (time.perf_counter() - begin) / CALLS
