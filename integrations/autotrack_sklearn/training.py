"""How well a fitted estimator knows its training data, at a bounded price."""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from numbers import Number
from types import TracebackType
from typing import Any

import numpy as np
import sklearn
from sklearn import metrics
from sklearn.base import ClassifierMixin, RegressorMixin, is_classifier, is_regressor
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing

from autotrack.models.rows import head
from autotrack_sklearn.owncode import effect
from autotrack_sklearn.quiet import quiet

SHARE, LONG = 0.1, 0.01
"""Of the fit's time: of a short one, and of a long one, which nobody wants to take noticeably longer."""
LEAST, MIDDLE = 0.05, 0.1
"""Seconds that are always granted; seconds up to which the larger share is."""
FEW = 200
"""So few rows are predicted without asking what it costs."""
PROBE = 8
"""Of more, so many are tried first."""
SCORING = 4e-6
"""Seconds that the metrics take for a row; predicting is measured, as it differs by orders of magnitude."""
PREDICTING = "predict"
POOL = 100_000
"""Rows that a sample is drawn from: sorting more by class would itself cost too much."""


@dataclass(slots=True)
class Evaluation:
    """What was found, on what, and what could not be computed."""

    metrics: dict[str, Any] = field(default_factory=dict)
    prediction: Any = None
    probabilities: Any = None
    decision: Any = None
    """Of a classifier that tells two classes apart without probabilities, its decision function."""
    targets: Any = None
    """Those of the rows that were predicted, and so is their weight."""
    weight: Any = None
    classes: Any = None
    classifies: bool = False
    remarks: list[str] = field(default_factory=list)
    failures: dict[str, Exception] = field(default_factory=dict)


def evaluate(
    estimator: Any, data: Any, y: Any, weight: Any, pos_label: Any, duration: float, *, altered: bool
) -> Evaluation:
    """The training metrics, of all rows or of a sample that is affordable after a fit of ``duration`` seconds."""
    found = Evaluation()
    rows = _rows(data)
    if altered or rows is None:
        reason = "the fit may have overwritten its data" if altered else "the data can be read only once"
        found.remarks.append(f"none: {reason}")
        return found
    if (is_classifier(estimator) or is_regressor(estimator)) and not hasattr(estimator, "predict"):
        found.remarks.append("none: it has no predict")  # as a search without a refit
        return found
    done = effect(estimator)
    if done is not None:
        found.remarks.append(f"none: the program could tell that it is asked to predict once more: {done}")
        return found
    estimator = quiet(estimator)
    weight = by_row(weight)
    # The arguments below are right by construction; data are checked as ever.
    with _Noted(found, PREDICTING), sklearn.config_context(skip_parameter_validation=True):
        _evaluate(found, estimator, data, y, weight, rows, pos_label, budget(duration))
    return found


def by_row(weight: Any) -> Any:
    """The weights of the rows, if there are several: fits take one number for all, where scores do not."""
    return None if isinstance(weight, Number) else weight


def budget(duration: float) -> float:
    """The seconds that the metrics may cost after a fit of so many."""
    return max(LEAST, min(SHARE * duration, MIDDLE), LONG * duration)


def output(estimator: Any, data: Any) -> Any:
    """What the estimator answers, for its form alone; ``None`` if it predicts nothing or cannot."""
    try:
        if not hasattr(estimator, "predict"):
            return None
        labels = getattr(estimator, "labels_", None)
        if isinstance(labels, np.ndarray):
            return labels
        return quiet(estimator).predict(head(data)) if effect(estimator) is None else None
    except Exception:  # noqa: BLE001 - the user's own estimator and data; the model is kept without a signature
        return None


def _evaluate(
    found: Evaluation, estimator: Any, data: Any, y: Any, weight: Any, rows: int, pos_label: Any, seconds: float
) -> None:
    count = rows
    if rows > FEW and hasattr(estimator, "predict"):
        calls = 2 if is_classifier(estimator) and (hasattr(estimator, "predict_proba") or _decides(estimator)) else 1
        count = _affordable(lambda at: estimator.predict(_safe_indexing(data, at)), calls, rows, seconds)
    if count < rows:
        classes = is_classifier(estimator)
        at = _sample(y, rows, count, stratified=classes)
        data, y = _safe_indexing(data, at), _safe_indexing(y, at)
        weight = None if weight is None else _safe_indexing(weight, at)
        found.remarks.append(f"{'stratified ' if classes else ''}sample of {len(at)} of {rows} rows")
    _score(found, estimator, data, y, weight, pos_label)


def _rows(data: Any) -> int | None:
    shape = getattr(data, "shape", None)
    if shape:
        return int(shape[0])
    return len(data) if hasattr(data, "__len__") else None


def _predict(estimator: Any, data: Any) -> tuple[Any, Any]:
    """The prediction and, of a classifier that has them, the probabilities."""
    likely = is_classifier(estimator) and hasattr(estimator, "predict_proba")
    return estimator.predict(data), estimator.predict_proba(data) if likely else None


def _decides(estimator: Any) -> bool:
    classes = getattr(estimator, "classes_", None)
    return isinstance(classes, np.ndarray) and classes.shape == (2,) and hasattr(estimator, "decision_function")


def _affordable(predict: Callable[[Any], object], calls: int, rows: int, seconds: float) -> int:
    """How many rows can be predicted, by so many calls, and scored in so many seconds; tried on a few rows, then more.

    A call costs something and each row costs something; two sizes tell them apart.
    """
    size, spent = PROBE, 0.0
    before: tuple[int, float] | None = None
    while True:
        started = time.perf_counter()
        predict(np.linspace(0, rows - 1, size).astype(np.intp))
        took = time.perf_counter() - started
        spent += took
        # One size alone blames the rows for what the call costs, which is on the safe side.
        rate = took / size if before is None else max(0.0, took - before[1]) / (size - before[0])
        fixed = took - rate * size
        if calls * (fixed + rate * rows) + SCORING * rows <= seconds and (before is None or size * 100 >= rows):
            return rows
        bigger = min(size * (8 if took < seconds / 8 else 2), rows)
        # The first call may cost more than any other, so what it took is no reason to stop.
        if bigger == rows or (before is not None and spent + fixed + rate * bigger > seconds):
            return min(rows, max(size, int((seconds - calls * fixed) / (calls * rate + SCORING))))
        before, size = (size, took), bigger


def _sample(y: Any, rows: int, count: int, *, stratified: bool) -> Any:
    """The positions of so many rows: evenly spaced or, if stratified, evenly spaced within each class."""
    if not stratified:
        return np.linspace(0, rows - 1, count).astype(np.intp)
    pool = np.linspace(0, rows - 1, min(rows, POOL)).astype(np.intp)
    classes = np.asarray(_safe_indexing(y, pool))
    if classes.ndim != 1:
        return np.linspace(0, rows - 1, count).astype(np.intp)
    order = np.argsort(classes, kind="stable")
    spaced = order[np.linspace(0, len(order) - 1, min(count, len(order))).astype(np.intp)]
    firsts = np.unique(classes[order], return_index=True)[1]
    return np.unique(pool[np.concatenate([spaced, order[firsts]])])


def _score(found: Evaluation, estimator: Any, data: Any, y: Any, weight: Any, pos_label: Any) -> None:
    compute: Iterator[tuple[tuple[str, ...], Callable[[], Any]]] = iter(())
    standard = None
    found.targets, found.weight = y, weight
    if is_classifier(estimator):
        found.prediction, found.probabilities = _predict(estimator, data)
        found.classes, found.classifies = getattr(estimator, "classes_", None), True
        if found.probabilities is None and _decides(estimator):
            with _Noted(found, "decision_function"):
                found.decision = estimator.decision_function(data)
        compute, standard = _of_classes(y, found.prediction, found.probabilities, weight, pos_label), "accuracy_score"
    elif is_regressor(estimator):
        found.prediction = estimator.predict(data)
        compute, standard = _of_numbers(y, found.prediction, weight), "r2_score"
    if found.prediction is not None and not hasattr(found.prediction, "__len__"):
        found.remarks.append(f"no prediction of each row: it is of type {type(found.prediction).__name__}")
        found.prediction, compute = None, iter(())
    for names, function in compute:
        with _Noted(found, names[0]):
            found.metrics.update(zip((f"training_{name}" for name in names), _values(function()), strict=True))
    if f"training_{standard}" in found.metrics and _scores_as_usual(estimator):
        found.metrics["training_score"] = found.metrics[f"training_{standard}"]
    elif hasattr(estimator, "score"):
        done = effect(estimator, scoring=True)
        if done is not None:
            found.remarks.append(f"no score: the program could tell that it is asked once more: {done}")
            return
        with _Noted(found, "score"):
            weights = {} if weight is None or not _takes_weight(estimator) else {"sample_weight": weight}
            found.metrics["training_score"] = estimator.score(data, y, **weights)


def _values(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)


def _of_classes(
    y: Any, predicted: Any, probabilities: Any, weight: Any, pos_label: Any
) -> Iterator[tuple[tuple[str, ...], Callable[[], Any]]]:
    average: dict[str, Any] = {"average": "weighted"}
    if pos_label is not None:
        average = {"average": "binary", "pos_label": pos_label}
    # One call for the three: each of their own functions would do this and keep a third.
    yield (
        ("precision_score", "recall_score", "f1_score"),
        lambda: metrics.precision_recall_fscore_support(y, predicted, sample_weight=weight, **average)[:3],
    )
    yield ("accuracy_score",), lambda: metrics.accuracy_score(y, predicted, sample_weight=weight)
    if probabilities is None or isinstance(probabilities, list):  # a list: one array for each of several targets
        return
    yield ("log_loss",), lambda: metrics.log_loss(y, probabilities, sample_weight=weight)
    likely = probabilities[:, 1] if probabilities.shape[1] == 2 else probabilities
    yield (
        ("roc_auc",),
        lambda: metrics.roc_auc_score(y, likely, average="weighted", sample_weight=weight, multi_class="ovo"),
    )


def _of_numbers(y: Any, predicted: Any, weight: Any) -> Iterator[tuple[tuple[str, ...], Callable[[], Any]]]:
    def errors() -> tuple[Any, Any]:
        squared = metrics.mean_squared_error(y, predicted, sample_weight=weight)
        return squared, np.sqrt(squared)

    yield ("mean_squared_error", "root_mean_squared_error"), errors
    yield ("mean_absolute_error",), lambda: metrics.mean_absolute_error(y, predicted, sample_weight=weight)
    yield ("r2_score",), lambda: metrics.r2_score(y, predicted, sample_weight=weight)


def _scores_as_usual(estimator: Any) -> bool:
    """Whether ``score`` is accuracy or R² of ``predict`` by scikit-learn's own definition."""
    # Statically, so that it holds for a method that somebody has wrapped.
    score = inspect.getattr_static(type(estimator), "score", None)
    if score is None:
        return False
    if score in (vars(ClassifierMixin)["score"], vars(RegressorMixin)["score"]):
        return True
    if score is vars(Pipeline)["score"]:
        return _scores_as_usual(estimator.steps[-1][1])
    search = getattr(sys.modules.get("sklearn.model_selection._search"), "BaseSearchCV", None)
    if search is not None and score is vars(search)["score"] and estimator.scoring is None:
        return _scores_as_usual(estimator.best_estimator_)
    return False


def _takes_weight(estimator: Any) -> bool:
    return "sample_weight" in inspect.signature(estimator.score).parameters


class _Noted:
    """What fails in here is the data's or the estimator's affair: it costs this value and is told to the user."""

    def __init__(self, found: Evaluation, name: str) -> None:
        self._found = found
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        if isinstance(error, ValueError) and self._name != PREDICTING:  # a metric that is not made for such data
            self._found.remarks.append(f"no {self._name}: {error}")
        else:
            self._found.failures[self._name] = error
        return True
