"""Cross-validation is one run: its scores by fold, their mean and deviation, curves along what was varied.

The run is named after the function and what is fitted (``cross_val_score Pipeline SVC``), and holds the estimator's
parameters and, as ``cross_val_score__cv``, the function's. By fold, counted from 0:

- ``cross_validate``, ``cross_val_score``: ``test_score`` or ``test_<scorer>``, ``train_…`` where asked for,
  ``fit_time`` and ``score_time``, each also as ``mean_…`` and ``std_…``.

Along their own axis, as ``mean_test_score``, ``std_test_score``, ``split0_test_score``, … and the same for ``train``:

- ``learning_curve``: by the number of training rows;
- ``validation_curve``: by the parameter's value, or by its place where the values are not all numbers.

And ``permutation_test_score``: ``test_score``, ``pvalue`` and ``permutation_score`` by permutation;
``cross_val_predict``: how good its predictions are as a whole, ``cv_accuracy_score`` or ``cv_r2_score`` and the like.

What is fitted for it is a part of it, and makes no run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any

from autotrack.hooks import Call, Run, Steps, aside
from autotrack_sklearn import partial_fits
from autotrack_sklearn.convergence import Listening
from autotrack_sklearn.estimator import parameters, tags, title
from autotrack_sklearn.integration import INTEGRATION

NOT_SETTINGS = frozenset(
    ("X", "estimator", "fit_params", "groups", "n_jobs", "params", "pre_dispatch", "return_estimator",
     "return_indices", "return_times", "verbose", "y")
)  # fmt: skip
"""Arguments that are data, or that change nothing about the scores."""

SCORING = 4e-6
"""Seconds that the scores of predictions take for a row."""
LEAST = 0.05
SHARE = 0.1


FUNCTIONS = tuple(
    # Inside the wrapper that checks arguments, so that names which the program imported earlier count too.
    f"sklearn.model_selection._validation:{name}[func]"
    for name in (
        "cross_validate", "cross_val_score", "cross_val_predict", "learning_curve", "validation_curve",
        "permutation_test_score",
    )
)  # fmt: skip


def cross_validation(call: Call) -> Steps:
    """Record what is validated and how, then the scores; `cross_val_score` has `cross_validate` find them."""
    name, given = call.function.__name__, call.arguments
    if call.outer is not None:
        if call.outer.function.__name__ != "cross_val_score":  # a fit that validates within
            return
        by_fold(call.run, (yield))
        return
    partial_fits.pass_by()
    estimator, run = given["estimator"], call.run
    run.trained(f"{name} {title(estimator)}")
    run.tags({**tags(estimator), "autotrack.sklearn.function": name})
    with INTEGRATION.attempt("parameters"):
        settings = {f"{name}__{key}": _setting(value) for key, value in given.items() if key not in NOT_SETTINGS}
        run.params({**parameters(estimator), **settings})
    with Listening(call) as heard:
        result = yield
    if heard.messages:
        run.tags(heard.tags())
    _RECORDERS[name](call, result)


def by_fold(run: Run, result: Mapping[str, Any]) -> None:
    """The scores and times of `cross_validate`, and what is made of them."""
    found = {key: values for key, values in result.items() if key.startswith(("fit_", "score_", "test_", "train_"))}
    along(run, found, count())
    summary(run, found)


def along(run: Run, curves: Mapping[str, Sequence[Any]], axis: Any) -> None:
    """Points of several curves at the places that an axis names."""
    for place, values in zip(axis, zip(*curves.values(), strict=True), strict=False):
        run.metrics(dict(zip(curves, values, strict=True)), step=place)


def summary(run: Run, found: Mapping[str, Sequence[Any]]) -> None:
    """Mean and standard deviation, as scikit-learn's searches have them."""
    import numpy as np  # heavy, and loaded by scikit-learn

    made: dict[str, Any] = {}
    for key, values in found.items():
        made |= {f"mean_{key}": np.mean(values), f"std_{key}": np.std(values)}
    run.metrics(made)


def axis_of(values: Any) -> Any:
    """The values themselves where each is a number, else their places."""
    if not hasattr(values, "__len__"):  # an iterator, which is used up
        return count()
    kept = values.tolist() if hasattr(values, "tolist") else list(values)
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in kept)
    return kept if numbers else count()


def _setting(value: Any) -> Any:
    # Folds that were made beforehand are arrays of row numbers.
    return f"{len(value)} values" if isinstance(value, list | tuple) and len(value) > 50 else _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple) and value and isinstance(value[0], list | tuple):
        return f"{len(value)} folds"
    if callable(value) and hasattr(value, "__name__"):
        return value.__name__
    listed = getattr(value, "tolist", None)  # an array of numpy's
    return value if listed is None else listed()


def _validated(call: Call, result: Any) -> None:
    by_fold(call.run, result)


def _scored(_call: Call, _result: Any) -> None:
    """`cross_validate` has recorded it, and the times with it."""


def _learned(call: Call, result: Any) -> None:
    names = ("train_score", "test_score", "fit_time", "score_time")
    curves: dict[str, Any] = dict(zip(names, result[1:], strict=False))
    _curves(call.run, curves, result[0].tolist())


def _varied(call: Call, result: Any) -> None:
    curves: dict[str, Any] = dict(zip(("train_score", "test_score"), result, strict=True))
    _curves(call.run, curves, axis_of(call.arguments["param_range"]))


def _curves(run: Run, tables: Mapping[str, Any], axis: Any) -> None:
    """Each table has a row for each place on the axis and a column for each fold."""
    curves: dict[str, Any] = {}
    for key, table in tables.items():
        curves |= {f"mean_{key}": table.mean(axis=1), f"std_{key}": table.std(axis=1)}
    for key, table in tables.items():
        curves |= {f"split{fold}_{key}": column for fold, column in enumerate(table.T)}
    along(run, curves, axis)


def _permuted(call: Call, result: Any) -> None:
    score, permuted, pvalue = result
    call.run.metrics({"test_score": score, "pvalue": pvalue})
    along(call.run, {"permutation_score": permuted}, count())
    summary(call.run, {"permutation_score": permuted})


def _predicted(call: Call, result: Any) -> None:
    y, given = call.arguments["y"], call.arguments
    rows = 0 if y is None else y.shape[0] if hasattr(y, "shape") else len(y)  # a sparse matrix has no len()
    if not rows or rows * SCORING > max(LEAST, SHARE * call.duration):
        return
    found: dict[str, Any] = {}
    with aside():
        for name, score in _scores(given["estimator"], given["method"], y, result):
            try:
                found[f"cv_{name}"] = score()
            except ValueError:  # a score that is not made for such targets
                continue
    call.run.metrics(found)


def _scores(estimator: Any, method: str, y: Any, predicted: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    from sklearn import metrics  # the framework, which has just predicted
    from sklearn.base import is_classifier, is_regressor  # the same

    if is_classifier(estimator) and method == "predict":
        yield "accuracy_score", partial(metrics.accuracy_score, y, predicted)
        for function in (metrics.precision_score, metrics.recall_score, metrics.f1_score):
            yield function.__name__, partial(function, y, predicted, average="weighted")
    elif is_classifier(estimator) and method == "predict_proba" and not isinstance(predicted, list):
        likely = predicted[:, 1] if predicted.shape[1] == 2 else predicted
        yield "log_loss", partial(metrics.log_loss, y, predicted)
        yield "roc_auc", partial(metrics.roc_auc_score, y, likely, average="weighted", multi_class="ovo")
    elif is_regressor(estimator) and method == "predict":
        yield "mean_squared_error", partial(metrics.mean_squared_error, y, predicted)
        yield "root_mean_squared_error", lambda: metrics.mean_squared_error(y, predicted) ** 0.5
        yield "mean_absolute_error", partial(metrics.mean_absolute_error, y, predicted)
        yield "r2_score", partial(metrics.r2_score, y, predicted)


_RECORDERS: dict[str, Callable[[Call, Any], None]] = {
    "cross_validate": _validated,
    "cross_val_score": _scored,
    "cross_val_predict": _predicted,
    "learning_curve": _learned,
    "validation_curve": _varied,
    "permutation_test_score": _permuted,
}
