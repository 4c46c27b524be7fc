"""What a training reads. Nothing is converted or made dense, and of XGBoost's matrices a sample is looked at."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from autotrack import data
from autotrack.hooks import DatasetUsed
from autotrack.models.signature import Schema, schema

ROWS = 1000
CELLS = 1_000_000
"""So many rows, and values in them, go into a matrix's digest."""
CLASSES = 100
"""Up to so many, labels that are whole numbers are counted."""
WIDEST = 10_000
"""Columns of an example."""


def inputs(arguments: Mapping[str, Any], fit: Mapping[str, Any] | None) -> Iterator[DatasetUsed]:
    """The training set and the evaluation sets of a call of ``train`` or ``cv``, inside an estimator's ``fit`` too.

    The training set, if it is evaluated too, comes once.
    """
    train = arguments["dtrain"]
    given: dict[str, Any] = dict(fit or {})
    yield used(train, "dataset", "train", (given.get("X"), given.get("y")))
    raw, sets = _listed(given.get("eval_set")), _listed(arguments.get("evals"))
    for at, (matrix, name) in enumerate(sets):
        if matrix is not train:
            yield used(matrix, name, "eval", raw[at][:2] if at < len(raw) else (None, None))


def sets_of(fit: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The data sets of an estimator's ``fit``, by the names that XGBoost gives them."""
    sets = _listed(fit.get("eval_set"))
    pairs = {f"validation_{at}": [one[0], one] for at, one in enumerate(sets) if isinstance(one, (list, tuple)) and one}
    return {"dataset": [fit["X"]], **pairs}


def _listed(sets: Any) -> list[Any]:
    """Of an iterator nothing, as it is XGBoost's to use up."""
    return list(sets) if isinstance(sets, (list, tuple)) else []


def used(matrix: Any, name: str, context: str, raw: tuple[Any, Any] = (None, None)) -> DatasetUsed:
    """A data set as a matrix of XGBoost's tells it; ``raw`` are the features and labels that it was made from, if
    they are there."""
    labels = matrix.get_label()
    features, targets = raw
    if getattr(features, "shape", (None,))[0] == matrix.num_row() and not _on_gpu(features):
        whole = data.Dataset(features, targets=targets, name=name)
        profile, form = json.loads(whole.profile), whole.schema
    else:
        whole = data.Dataset([], name=name, digest=_digest(matrix, labels))
        rows, width = matrix.num_row(), matrix.num_col()
        profile = {"num_rows": rows, "num_elements": rows * width}
        form = json.dumps({"mlflow_colspec": schema(matrix)})
    profile |= {"missing_share": _missing(matrix), **_labels(labels)}
    return DatasetUsed(
        name=name,
        digest=whole.digest,
        source_type=whole.source_type,
        source=whole.source,
        schema=form,
        profile=json.dumps(profile),
        context=context,
    )


def columns(features: Any) -> Schema:
    """The columns or tensor that a model takes. A signature has no word for a categorical column, so it is of any
    type."""
    found = schema(features)
    for column, dtype in zip(found, getattr(features, "dtypes", ()), strict=False):
        if str(dtype).lower().startswith("categor"):
            column["type"] = "any"
    return found


def first_rows(matrix: Any, count: int) -> Any:
    """The first rows of a matrix as an array, or as a table if its columns have names. Raises where XGBoost no longer
    has the rows, as it has not in a ``QuantileDMatrix``."""
    import numpy as np  # heavy, and loaded by XGBoost

    if matrix.num_col() > WIDEST:
        raise ValueError(f"an example of {matrix.num_col()} columns is too wide")
    part = matrix.slice(list(range(min(count, matrix.num_row()))), allow_groups=True).get_data().tocoo()
    rows = np.full(part.shape, np.nan, np.float32)
    rows[part.row, part.col] = part.data
    if not matrix.feature_names:
        return rows
    import pandas as pd  # heavy: only for an example with names

    return pd.DataFrame(rows, columns=matrix.feature_names)


def _on_gpu(features: Any) -> bool:
    """Whether looking at the data would fetch them from a GPU."""
    return type(features).__module__.partition(".")[0] in ("cudf", "cupy")


def _digest(matrix: Any, labels: Any) -> str:
    rows, nonmissing = matrix.num_row(), matrix.num_nonmissing()
    facts = [rows, matrix.num_col(), nonmissing, *(matrix.feature_names or ()), *(matrix.feature_types or ())]
    share = max(1, min(ROWS, CELLS * rows // max(1, nonmissing)))
    found = data.content(facts, labels, _sample(matrix, range(0, rows, -(-rows // share) or 1)))
    return found if found.startswith(data.SAMPLED) or rows <= share else data.SAMPLED + found


def _sample(matrix: Any, rows: range) -> Any:
    """Some rows as a sparse matrix; where XGBoost has only bins of the values, or pages of them on a disk, the bounds
    of the bins; ``None`` if there are none either."""
    try:
        return matrix.slice(list(rows), allow_groups=True).get_data()
    except Exception:  # noqa: BLE001 - which of these a matrix can do, XGBoost tells only in this way
        try:
            return dict(enumerate(matrix.get_quantile_cut())) if hasattr(matrix, "ref") else None
        except Exception:  # noqa: BLE001 - as above
            return None


def _missing(matrix: Any) -> float:
    cells = matrix.num_row() * matrix.num_col()
    return round(1 - matrix.num_nonmissing() / cells, 6) if cells else 0.0


def _labels(labels: Any) -> dict[str, Any]:
    """How often each class occurs, of other labels how they spread."""
    import numpy as np  # heavy, and loaded by XGBoost

    labels = np.asarray(labels.get() if hasattr(labels, "get") else labels).ravel()
    labels = labels[np.isfinite(labels)]
    if not labels.size:
        return {}
    low, high = float(labels.min()), float(labels.max())
    if low >= 0 and high < CLASSES and bool((labels == np.floor(labels)).all()):
        counts = np.bincount(labels.astype(np.int64))
        return {"labels": {str(label): int(count) for label, count in enumerate(counts) if count}}
    return {"labels": {"min": low, "max": high, "mean": float(labels.mean(dtype=np.float64))}}
