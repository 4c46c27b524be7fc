"""The data that a model learnt from and was evaluated on, as inputs of its run.

Name, columns or shape, size and digest, targets included; nothing is copied, made dense or read from an iterator.
"""

from __future__ import annotations

from typing import Any

from autotrack import data
from autotrack.hooks import DatasetUsed, Run, variable
from autotrack_sklearn.names import UNKNOWN, caller

TRAIN, EVAL = "train", "eval"


def train(run: Run, features: Any, targets: Any) -> None:
    """Record what a model is about to learn from; called from within its fit."""
    dataset = used(features, targets, variable(caller(), features), TRAIN)
    if dataset is not None:
        run.dataset(dataset)


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
