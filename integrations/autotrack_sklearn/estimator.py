"""What an estimator is and is called, from the object alone."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from typing import Any

COPYING = ("copy", "copy_X", "copy_x")
"""Parameters that, when false, let a fit overwrite its training data."""


def trains(estimator: Any) -> bool:
    """Whether fitting makes a model, and not a transformation alone; a search does, whatever it searches."""
    if isinstance(estimator, _searches()):
        return True
    if _has(estimator, "predict") or _has(estimator, "fit_predict") or _predicts(estimator):
        return True
    return not (any(_has(estimator, name) for name in ("transform", "fit_transform", "fit_resample")))


def _has(estimator: Any, name: str) -> bool:
    try:
        return hasattr(estimator, name)
    except Exception:  # noqa: BLE001 - a property of the user's, which may fail in any way before a fit
        return False


def _predicts(estimator: Any) -> bool:
    """What the class says it is: a stack of estimators for one has no `predict` until it is fitted."""
    base = sys.modules["sklearn.base"]
    try:
        return bool(base.is_classifier(estimator) or base.is_regressor(estimator))
    except Exception:  # noqa: BLE001 - tags of the user's, which may fail in any way
        return False


def title(estimator: Any) -> str:
    """The class, followed by what is inside it: ``GridSearchCV Pipeline SVC``."""
    names: list[str] = []
    while estimator is not None and len(names) < 4:
        names.append(type(estimator).__name__)
        estimator = _inner(estimator)
    return " ".join(names)


def _inner(estimator: Any) -> Any:
    # A parameter is an attribute of the same name; only then it pays to read the constructor's signature for it.
    if not {"steps", "estimator"} & getattr(estimator, "__dict__", {}).keys():
        return None
    try:
        given = estimator.get_params(deep=False)
        inner = given["steps"][-1][1] if given.get("steps") else given.get("estimator")
    except Exception:  # noqa: BLE001 - a parameter of the user's that is called the same
        return None
    return inner if hasattr(inner, "get_params") and not isinstance(inner, type) else None


def tags(estimator: Any) -> dict[str, str]:
    """Which class it is."""
    cls = type(estimator)
    return {"estimator_name": cls.__name__, "estimator_class": f"{cls.__module__}.{cls.__name__}"}


def _searches() -> Any:
    return getattr(sys.modules.get("sklearn.model_selection._search"), "BaseSearchCV", ())


def parameters(estimator: Any) -> dict[str, Any]:
    """The parameters, those of nested estimators too; of a grid or random search its
    own alone, as what it searches is said elsewhere."""
    # As MLflow has it: of every other search, deep ones.
    search = sys.modules.get("sklearn.model_selection._search")
    alone = tuple(cls for name in ("GridSearchCV", "RandomizedSearchCV") if (cls := getattr(search, name, None)))
    deep = not isinstance(estimator, alone)
    try:
        return dict(estimator.get_params(deep=deep))
    except Exception:
        if not deep:
            raise
    # One that is nested, a mock for one, cannot say its own: those of the others are there all the same.
    found: dict[str, Any] = dict(estimator.get_params(deep=False))
    for name, value in tuple(found.items()):
        if hasattr(value, "get_params") and not isinstance(value, type):
            with contextlib.suppress(Exception):
                found |= {f"{name}__{key}": inner for key, inner in parameters(value).items()}
    return found


def in_place(parameters: Mapping[str, Any]) -> bool:
    """Whether the fit was allowed to overwrite its training data."""
    return any(value is False and name.rpartition("__")[2] in COPYING for name, value in parameters.items())


def innermost(estimator: Any) -> tuple[Any, Any]:
    """``(steps before it, the estimator that decides)`` of a fitted pipeline, search or whatever wraps one."""
    before = None
    for _ in range(4):
        steps = getattr(estimator, "steps", None)
        if isinstance(steps, list) and steps and hasattr(estimator, "named_steps"):
            before = estimator[:-1] if len(steps) > 1 else None
            inner = steps[-1][1]
        else:
            found = [getattr(estimator, name, None) for name in ("best_estimator_", "regressor_")]
            inner = next((one for one in found if one is not None), None)
        if inner is None or isinstance(inner, str):
            break
        estimator = inner
    return before, estimator
