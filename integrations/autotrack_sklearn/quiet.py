"""An estimator that predicts without printing."""

from __future__ import annotations

import copy
from typing import Any

from sklearn.base import BaseEstimator

DEPTH = 4


def quiet(estimator: Any) -> Any:
    """The estimator itself or, where it or one inside it is ``verbose``, a shallow copy that is not.

    Forests for one report their progress in `predict`. Whatever was learnt is shared with the copy.
    """
    return _quiet(estimator, DEPTH)


def _quiet(thing: Any, depth: int) -> Any:
    if isinstance(thing, (list, tuple)) and depth and len(thing) <= 100:
        inner = [_quiet(item, depth - 1) for item in thing]
        changed = any(new is not old for new, old in zip(inner, thing, strict=True))
        return type(thing)(inner) if changed and type(thing) in (list, tuple) else thing
    if not isinstance(thing, BaseEstimator) or not depth:
        return thing
    state = vars(thing)
    changes = {name: new for name, value in state.items() if (new := _quiet(value, depth - 1)) is not value}
    if state.get("verbose"):
        changes["verbose"] = 0
    if not changes:
        return thing
    silent = copy.copy(thing)
    vars(silent).update(changes)
    return silent
