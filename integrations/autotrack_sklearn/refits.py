"""Which fit of an estimator this is: the first, another one, or one that goes on where the last one stopped."""

from __future__ import annotations

from typing import Any

from autotrack.hooks import Run, weak

PREFIX = "autotrack.sklearn."


class _Past:
    __slots__ = ("count", "ref", "run_id")

    def __init__(self, estimator: Any, key: int) -> None:
        self.ref = weak(estimator, lambda _: _fitted.pop(key, None))
        self.count = 0
        self.run_id = ""


_fitted: dict[int, _Past] = {}
"""The estimators that are alive and were fitted while recorded, by ``id``."""


def fitted_before(estimator: Any) -> bool:
    """Whether a fit of this very object was recorded."""
    past = _fitted.get(id(estimator))
    return past is not None and past.ref() is estimator


def continues(estimator: Any) -> bool:
    """Whether a fit goes on with what an earlier one has learnt."""
    return getattr(estimator, "warm_start", False) is True and fitted_before(estimator)


def count(estimator: Any, run: Run) -> None:
    """Another training of this estimator begins in this run, which says so from the second one on."""
    key = id(estimator)
    past = _fitted.get(key)
    if past is None or past.ref() is not estimator:
        past = _fitted[key] = _Past(estimator, key)
    past.count += 1
    if past.count > 1:
        tags = {f"{PREFIX}fit_number": str(past.count), f"{PREFIX}previous_run_id": past.run_id}
        if getattr(estimator, "warm_start", False) is True:
            tags[f"{PREFIX}warm_start"] = "true"
        run.tags(tags)
    past.run_id = run.run_id
