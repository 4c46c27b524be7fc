"""What an estimator remembers of its own training: curves and final numbers, under its own names for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from autotrack.hooks import Run

HISTORIES = (
    "loss_curve_", "validation_scores_", "train_score_", "validation_score_", "oob_scores_", "oob_improvement_",
    "estimator_errors_", "lower_bounds_", "scores_",
)  # fmt: skip
"""Attributes that hold one number for each iteration, stage or estimator."""
RESULTS = (
    "n_iter_", "best_loss_", "best_validation_score_", "oob_score_", "inertia_", "lower_bound_",
    "kl_divergence_", "stress_",
)  # fmt: skip
"""Attributes that hold one number, or one for each class or target: then the largest counts."""
INNER = ("best_estimator_", "regressor_", "estimator_")
DEPTH = 4


def chain(estimator: Any) -> Iterator[Any]:
    """The estimator and, of one that hands its work to another, that other: a pipeline's last step, the best of a
    search, the model inside a wrapper."""
    for _ in range(DEPTH):
        yield estimator
        state = _state(estimator)
        inner = next((state[name] for name in INNER if name in state), None)
        if inner is None and isinstance(state.get("steps"), list) and state["steps"]:
            inner = state["steps"][-1][1]
        if not hasattr(inner, "fit"):
            return
        estimator = inner


def curves(estimator: Any) -> dict[str, list[Any]]:
    """Each curve's values, from iteration 0 on."""
    for part in chain(estimator):
        state = _state(part)
        found = {name.rstrip("_"): values for name in HISTORIES if (values := _numbers(state.get(name))) is not None}
        if "scores_" in state and "compute_score" not in state:  # scores of features or of folds, not of iterations
            found.pop("scores", None)
        if found:
            return found
    return {}


def results(estimator: Any) -> dict[str, Any]:
    """The final numbers."""
    for part in chain(estimator):
        state = _state(part)
        found = {name.rstrip("_"): value for name in RESULTS if (value := _number(state.get(name))) is not None}
        if found:
            return found
    return {}


def axes(estimator: Any) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """Curves along an axis of their own: ``(places, curves)``."""
    for part in chain(estimator):
        state = _state(part)
        scored = state.get("cv_results_")
        if isinstance(scored, Mapping) and "n_features" in scored and "params" not in scored:  # RFECV
            columns = {name: values for name, given in scored.items() if (values := _numbers(given)) is not None}
            yield columns.pop("n_features"), columns
        errors: Any = state.get("mse_path_")
        alphas: Any = state.get("alphas_")
        if getattr(errors, "ndim", 0) == 2 and getattr(alphas, "shape", None) == errors.shape[:1]:  # LassoCV
            yield alphas.tolist(), {"mean_mse_path": errors.mean(axis=1), "std_mse_path": errors.std(axis=1)}


def lengths(estimator: Any) -> dict[str, int]:
    """How long the curves of an earlier fit are; one with ``warm_start`` goes on with them."""
    return {name: len(values) for name, values in curves(estimator).items()}


def record(run: Run, estimator: Any, before: Mapping[str, int]) -> None:
    """Record the curves, except for what they held ``before`` the fit."""
    found = curves(estimator)
    for step in range(max(map(len, found.values()), default=0)):
        here = {name: values[step] for name, values in found.items() if before.get(name, 0) <= step < len(values)}
        if here:
            run.metrics(here, step=step)
    for places, values in axes(estimator):
        for place, at in zip(places, zip(*values.values(), strict=True), strict=True):
            run.metrics(dict(zip(values, at, strict=True)), step=place)


def _state(estimator: Any) -> dict[str, Any]:
    # Not `getattr`: what is computed on demand may be expensive, or not there.
    return getattr(estimator, "__dict__", {})


def _numbers(value: Any) -> list[Any] | None:
    """One number for each step, or nothing."""
    if getattr(value, "ndim", None) == 1 and value.dtype.kind in "fiu":
        value = value.tolist()
    if isinstance(value, list) and value and all(isinstance(item, int | float) for item in value):
        return [float(item) for item in value]
    return None


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if kind and kind in "fiu":
        return value.max().item() if value.size else None
    if isinstance(value, list) and value and all(isinstance(item, int | float) for item in value):
        return max(value)
    return None
