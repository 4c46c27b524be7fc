"""What a picture of a model is drawn from: ``training_evidence.json``, made of what is known of the fit anyway.

    {"data": {"rows": 150, "columns": 4, "features": [...], "classes": {"0": 50, …}, "fit_time": 0.01},
     "confusion_matrix": {"labels": [...], "counts": [[…]]},          of a classifier, a row for each true class
     "roc_curve": [{"class", "false_positive_rate", "true_positive_rate", "thresholds", "area"}],
     "precision_recall_curve": [{"class", "precision", "recall", "thresholds", "average_precision"}],
     "calibration": {"class", "predicted", "observed", "rows"},       of bins of equal width
     "residuals": {"histogram", "edges", "quantiles", "predicted", "residual"},
     "importances": {"kind", "of", "features", "values"}}             the strongest first

Nothing is predicted for it: it is of the predictions that the training metrics are of, with their weights. A curve has
at most :data:`POINTS` points of at most :data:`CURVE_ROWS` rows; where rows were left out, "rows" and "of_rows" say so.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from autotrack.hooks import Run
from autotrack_sklearn.importances import importances
from autotrack_sklearn.integration import INTEGRATION
from autotrack_sklearn.training import Evaluation

POINTS = 200
CURVE_ROWS = 10_000
ROWS = 100_000
CLASSES = 50
"""Of a confusion matrix; the most frequent ones."""
CURVES = 10
BINS = 10
NAMES = 1000
FILE = "training_evidence.json"


def record(
    run: Run, estimator: Any, data: Any, targets: Any, seen: Evaluation | None, seconds: float
) -> dict[str, Any]:
    """Keep the evidence of a fit, which is returned; a part that cannot be had costs itself alone."""
    found: dict[str, Any] = {}
    with INTEGRATION.attempt("evidence of the data"):
        found["data"] = _data(data, targets, classifies=is_classifier(estimator)) | {"fit_time": seconds}
    if seen is not None and seen.prediction is not None:
        with INTEGRATION.attempt("evidence of the predictions"):
            found |= _of_predictions(seen)
    with INTEGRATION.attempt("importances"):
        strongest = importances(estimator)
        if strongest is not None:
            found["importances"] = strongest
    run.text(_json(found), FILE)
    return found


def _json(found: dict[str, Any]) -> str:
    """As JSON, which has no word for what is not finite."""
    try:
        return json.dumps(found, default=str, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(found), default=str)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _data(data: Any, targets: Any, *, classifies: bool) -> dict[str, Any]:
    shape = getattr(data, "shape", None)
    if shape is None:
        shape = (len(data),) if hasattr(data, "__len__") else ()
    found: dict[str, Any] = dict(zip(("rows", "columns"), map(int, shape), strict=False))
    names = getattr(data, "column_names", None)  # pyarrow's
    names = getattr(data, "columns", None) if names is None else names
    if names is not None:
        found["features"] = [str(name) for name in names[:NAMES]]
    if targets is None or not hasattr(targets, "__len__") or isinstance(targets, str):
        return found
    sample, rows = _column(*_rows(targets))
    if sample.ndim != 1 or not len(sample):
        return found
    if not classifies and sample.dtype.kind in "fiu":
        known = sample[np.isfinite(sample)]
        if len(known):
            found["target"] = {"min": known.min(), "max": known.max(), "mean": known.mean(), "std": known.std()}
            found["target"] = {name: float(value) for name, value in found["target"].items()}
        return found
    labels, counts = np.unique(sample, return_counts=True)
    if classifies and len(labels) <= NAMES:
        found["classes"] = {str(label): int(count) for label, count in zip(labels, counts, strict=True)}
        found |= _left_out(sample, rows, "class_rows")
    return found


def _rows(values: Any, most: int = ROWS) -> tuple[Any, int]:
    """As an array, of rows that lie evenly in it if they are too many."""
    rows = len(values)
    if isinstance(values, (list, tuple)):
        return np.asarray(values[:: math.ceil(rows / most)] if rows > most else values), rows
    array = values.to_numpy() if hasattr(values, "to_numpy") else np.asarray(values)
    return (array[:: math.ceil(rows / most)] if rows > most else array), rows


def _truth(seen: Evaluation, most: int = ROWS) -> tuple[Any, int]:
    """The targets; those that came as one column are a row of values, as scikit-learn takes them."""
    return _column(*_rows(seen.targets, most))


def _column(values: Any, rows: int) -> tuple[Any, int]:
    return (values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values), rows


def _left_out(sample: Any, rows: int, name: str = "rows") -> dict[str, int]:
    return {} if len(sample) == rows else {name: len(sample), f"of_{name}": rows}


def _of_predictions(seen: Evaluation) -> dict[str, Any]:
    truth, rows = _truth(seen)
    predicted = _rows(seen.prediction)[0]
    weight = None if seen.weight is None else _rows(seen.weight)[0]
    if truth.ndim != 1 or predicted.shape != truth.shape:
        return {}
    if not seen.classifies:
        return {"residuals": _residuals(truth.astype(float), predicted.astype(float)) | _left_out(truth, rows)}
    found: dict[str, Any] = {"confusion_matrix": _confusion(truth, predicted, weight) | _left_out(truth, rows)}
    likely = seen.probabilities
    if isinstance(likely, np.ndarray) and likely.ndim == 2 and seen.classes is not None:
        found |= _curves(seen, likely)
    elif isinstance(seen.decision, np.ndarray) and seen.decision.ndim == 1:
        found |= _decided(seen)
    return found


def _confusion(truth: Any, predicted: Any, weight: Any) -> dict[str, Any]:
    labels, codes = np.unique(np.concatenate([truth, predicted]), return_inverse=True)
    true, guess = codes[: len(truth)], codes[len(truth) :]
    found: dict[str, Any] = {}
    if len(labels) > CLASSES:
        found["of_classes"] = len(labels)
        kept = np.sort(np.argsort(-np.bincount(true, minlength=len(labels)), kind="stable")[:CLASSES])
        places = np.full(len(labels), -1)
        places[kept] = np.arange(CLASSES)
        true, guess, labels = places[true], places[guess], labels[kept]
        inside = (true >= 0) & (guess >= 0)
        true, guess, weight = true[inside], guess[inside], None if weight is None else weight[inside]
    size = len(labels)
    counts = np.bincount(true * size + guess, weight, size * size).reshape(size, size)
    return {"labels": labels.tolist(), "counts": counts.tolist(), **found}


def _curves(seen: Evaluation, likely: Any) -> dict[str, Any]:
    truth, rows = _truth(seen, CURVE_ROWS)
    likely = _rows(likely, CURVE_ROWS)[0]
    weight = None if seen.weight is None else _rows(seen.weight, CURVE_ROWS)[0]
    classes = seen.classes
    if likely.shape[1] != len(classes):
        return {}
    wanted = [1] if len(classes) == 2 else range(min(len(classes), CURVES))
    receiver, precision = [], []
    for column in wanted:
        positive = truth == classes[column]
        if not positive.any() or positive.all():
            continue
        label = classes[column].item() if hasattr(classes[column], "item") else classes[column]
        roc, both = _curve(positive, likely[:, column], weight)
        receiver.append({"class": label, **roc})
        precision.append({"class": label, **both})
    left_out = _left_out(truth, rows)
    found: dict[str, Any] = {
        "roc_curve": [curve | left_out for curve in receiver],
        "precision_recall_curve": [curve | left_out for curve in precision],
    }
    if len(classes) == 2:
        found["calibration"] = _calibration(truth == classes[1], likely[:, 1], weight) | {"class": str(classes[1])}
    else:
        best = likely.argmax(1)
        found["calibration"] = _calibration(truth == classes[best], likely.max(1), weight) | {"class": "most likely"}
    found["calibration"] |= left_out
    return found


def _decided(seen: Evaluation) -> dict[str, Any]:
    """The curves of a classifier that gives no probabilities."""
    truth, rows = _truth(seen, CURVE_ROWS)
    weight = None if seen.weight is None else _rows(seen.weight, CURVE_ROWS)[0]
    positive = truth == seen.classes[1]
    if not positive.any() or positive.all():
        return {}
    roc, both = _curve(positive, _rows(seen.decision, CURVE_ROWS)[0], weight)
    about = {"class": seen.classes[1].item()}, _left_out(truth, rows)
    return {
        "roc_curve": [about[0] | roc | about[1]],
        "precision_recall_curve": [about[0] | both | about[1]],
    }


def _curve(positive: Any, score: Any, weight: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    order = np.argsort(-score, kind="stable")
    score, positive = score[order], positive[order]
    each = np.ones(len(score)) if weight is None else np.asarray(weight, float)[order]
    ends = np.append(np.flatnonzero(np.diff(score)), len(score) - 1)
    hits = np.cumsum(np.where(positive, each, 0.0))[ends]
    misses = np.cumsum(np.where(positive, 0.0, each))[ends]
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = hits / hits[-1]
        fallout = misses / misses[-1]
        precision = np.where(hits + misses > 0, hits / (hits + misses), 1.0)
    at = _corners(hits, misses)
    at = at[np.unique(np.linspace(0, len(at) - 1, min(POINTS - 1, len(at))).astype(np.intp))]
    area = np.sum(np.diff(fallout, prepend=0.0) * (recall + np.append(0.0, recall[:-1])) / 2)
    thresholds = _short(score[ends[at]])
    roc = {
        "false_positive_rate": [0.0, *_short(fallout[at])],
        "true_positive_rate": [0.0, *_short(recall[at])],
        "thresholds": [None, *thresholds],
        "area": float(area),
    }
    average = np.sum(np.diff(recall, prepend=0.0) * precision)
    return roc, {
        "precision": _short(precision[at]),
        "recall": _short(recall[at]),
        "thresholds": thresholds,
        "average_precision": float(average),
    }


def _corners(hits: Any, misses: Any) -> Any:
    """The places where a curve does not go straight on."""
    turns = (np.diff(hits, 2) != 0) | (np.diff(misses, 2) != 0)
    return np.flatnonzero(np.concatenate([[True], turns, [True]])) if len(hits) > 2 else np.arange(len(hits))


def _calibration(positive: Any, score: Any, weight: Any) -> dict[str, Any]:
    each = np.ones(len(score)) if weight is None else np.asarray(weight, float)
    known = np.isfinite(score)
    positive, score, each = positive[known], score[known], each[known]
    bins = np.clip((score * BINS).astype(np.intp), 0, BINS - 1)
    total = np.bincount(bins, each, BINS)
    some = total > 0
    predicted = np.bincount(bins, score * each, BINS)[some] / total[some]
    observed = np.bincount(bins, positive * each, BINS)[some] / total[some]
    return {
        "predicted": _short(predicted),
        "observed": _short(observed),
        "weight": _short(total[some]),
    }


def _residuals(truth: Any, predicted: Any) -> dict[str, Any]:
    residual = truth - predicted
    known = np.isfinite(residual)
    residual, predicted = residual[known], predicted[known]
    if not len(residual):
        return {}
    counts, edges = np.histogram(residual, bins=30)
    at = np.unique(np.linspace(0, len(residual) - 1, min(POINTS, len(residual))).astype(np.intp))
    quantiles = np.quantile(residual, (0.05, 0.25, 0.5, 0.75, 0.95))
    return {
        "histogram": counts.tolist(),
        "edges": edges.tolist(),
        "quantiles": dict(zip(("0.05", "0.25", "0.5", "0.75", "0.95"), quantiles.tolist(), strict=True)),
        "predicted": predicted[at].tolist(),
        "residual": residual[at].tolist(),
    }


def _short(values: Any) -> list[float]:
    rounded: list[float] = np.round(np.asarray(values, float), 6).tolist()
    return rounded
