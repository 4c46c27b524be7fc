"""The data that a model learnt from and was evaluated on, as inputs of its run.

Name, columns or shape, size and digest, targets included; nothing is copied, made dense or read from an iterator.
"""

from __future__ import annotations

from typing import Any

from autotrack import data
from autotrack.hooks import DatasetUsed, Run, variable
from autotrack_sklearn.names import UNKNOWN, caller

TRAIN, EVAL = "train", "eval"
WIDE = 100_000
"""Of more named columns a signature would be longer than many a model."""


def train(run: Run, features: Any, targets: Any) -> None:
    """Record what a model is about to learn from; called from within its fit."""
    dataset = used(features, targets, variable(caller(), features), TRAIN)
    if dataset is not None:
        run.dataset(dataset)


def is_wide(features: Any) -> bool:
    """Whether the data have so many named columns that they are not all told."""
    named = hasattr(features, "columns") or hasattr(features, "column_names")
    shape: Any = getattr(features, "shape", ())
    return named and len(shape) == 2 and shape[1] > WIDE


def used(features: Any, targets: Any, name: str | None, context: str) -> DatasetUsed | None:
    """What is to be recorded of some data; ``None`` where there is nothing to be looked at, as of an iterator."""
    if hasattr(features, "__next__") or not (hasattr(features, "shape") or hasattr(features, "__len__")):
        return None
    if name is None or name.startswith(UNKNOWN):
        name = "dataset"  # as MLflow calls it
    return data.Dataset(features, targets=_readable(targets), name=name).used(context)


def _readable(targets: Any) -> Any:
    """A name alone would stand for a column of the features."""
    return None if isinstance(targets, str) or hasattr(targets, "__next__") else targets
