"""The evidence of a fit as pictures, for those who ask for them: ``autolog(log_plots=True)``.

``training_confusion_matrix.png``, ``training_roc_curve.png``, ``training_precision_recall_curve.png`` (MLflow's names),
``training_calibration_curve.png``, ``training_residuals.png`` and ``training_importances.png``, of what there is. They
are drawn from ``training_evidence.json``, so nothing is predicted for them. The program's own figures and its
backend stay as they are; the style is the program's.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from autotrack.hooks import Run
from autotrack_sklearn.integration import INTEGRATION

SHOWN = 20
"""Features in the picture of the importances."""
LABELLED = 12
"""Classes whose numbers of rows are written into the matrix."""


def record(run: Run, evidence: dict[str, Any]) -> None:
    """Draw what there is; a picture that cannot be drawn costs itself alone."""
    for key, (name, draw) in _PICTURES.items():
        if found := evidence.get(key):
            with INTEGRATION.attempt(f"picture of {key}"):
                run.text(_png(draw, found), f"training_{name}.png")


def _png(draw: Callable[[Any, Any], None], found: Any) -> bytes:
    from matplotlib.figure import Figure  # loads matplotlib: a second, for those who ask for pictures

    # Not pyplot, which would keep the figure and choose a backend for the program.
    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    draw(figure.subplots(), found)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100)
    return file.getvalue()


def _confusion(axes: Any, found: dict[str, Any]) -> None:
    labels, counts = list(map(str, found["labels"])), found["counts"]
    picture = axes.imshow(counts, cmap="Blues")
    axes.figure.colorbar(picture, ax=axes)
    axes.set(xlabel="predicted", ylabel="true", title="Confusion matrix of the training data")
    if len(labels) <= LABELLED:
        places = range(len(labels))
        axes.set_xticks(places, labels, rotation=45, ha="right")
        axes.set_yticks(places, labels)
        middle = max(map(max, counts)) / 2
        for row, column in ((row, column) for row in places for column in places):
            value = counts[row][column]
            axes.text(column, row, f"{value:g}", ha="center", va="center", color="white" if value > middle else "black")


def _receiver(axes: Any, found: list[dict[str, Any]]) -> None:
    for curve in found:
        label = f"{curve['class']} (area {curve['area']:.4f})"
        axes.plot(curve["false_positive_rate"], curve["true_positive_rate"], label=label)
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", linewidth=1)
    axes.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC curve of the training data")
    axes.legend(loc="lower right")


def _precision(axes: Any, found: list[dict[str, Any]]) -> None:
    for curve in found:
        label = f"{curve['class']} (average {curve['average_precision']:.4f})"
        axes.plot(curve["recall"], curve["precision"], label=label, drawstyle="steps-pre")
    axes.set(xlabel="recall", ylabel="precision", title="Precision-recall curve of the training data")
    axes.legend(loc="lower left")


def _calibration(axes: Any, found: dict[str, Any]) -> None:
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", linewidth=1)
    axes.plot(found["predicted"], found["observed"], marker="o", label=found["class"])
    axes.set(xlabel="predicted probability", ylabel="observed share", title="Calibration on the training data")
    axes.legend(loc="upper left")


def _residuals(axes: Any, found: dict[str, Any]) -> None:
    axes.scatter(found["predicted"], found["residual"], s=12)
    axes.axhline(0, color="grey", linestyle=":", linewidth=1)
    axes.set(xlabel="predicted", ylabel="true - predicted", title="Residuals of the training data")


def _importances(axes: Any, found: dict[str, Any]) -> None:
    names, values = found["features"][:SHOWN][::-1], found["values"]
    if values and isinstance(values[0], list):  # of several classes: how strong at most
        values = [max(map(abs, column)) for column in zip(*values, strict=True)]
    axes.barh(range(len(names)), values[:SHOWN][::-1])
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel=found["kind"])


_PICTURES: dict[str, tuple[str, Callable[[Any, Any], None]]] = {
    "confusion_matrix": ("confusion_matrix", _confusion),
    "roc_curve": ("roc_curve", _receiver),
    "precision_recall_curve": ("precision_recall_curve", _precision),
    "calibration": ("calibration_curve", _calibration),
    "residuals": ("residuals", _residuals),
    "importances": ("importances", _importances),
}
