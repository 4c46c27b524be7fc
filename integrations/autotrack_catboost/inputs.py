"""What a training reads: tables, arrays, CatBoost's pools and files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from autotrack import data
from autotrack.hooks import DatasetUsed
from autotrack.models import ModelSignature
from autotrack.models.rows import head
from autotrack.models.signature import Schema, schema

SAMPLE = 1000
"""Rows of a pool whose features go into its digest."""
ENDS = 1024 * 1024
"""Bytes of a file's beginning, and of its end, that go into its digest."""


def inputs(arguments: Mapping[str, Any]) -> Iterator[DatasetUsed]:
    """The training set and the evaluation sets, these under the names that CatBoost gives them."""
    yield _used(arguments["X"], arguments.get("y"), "dataset", "train")
    for name, one in _evaluated(arguments):
        features, targets = one if isinstance(one, tuple) else (one, None)
        yield _used(features, targets, name, "eval")


def sets_of(arguments: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The data sets by the names that CatBoost gives them."""
    sets = {name: [*(one[:1] if isinstance(one, tuple) else ()), one] for name, one in _evaluated(arguments)}
    return {"dataset": [arguments["X"]], **sets}


def _evaluated(arguments: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    sets = arguments.get("eval_set")
    sets = sets if isinstance(sets, list) else [] if sets is None else [sets]
    for at, one in enumerate(sets):
        yield "validation" if len(sets) == 1 else f"validation_{at}", one


def signature(model: Any, features: Any) -> ModelSignature:
    """What the model takes and gives; of a pool or a file CatBoost knows the features, but no longer their types."""
    if isinstance(features, (str, os.PathLike)):
        return ModelSignature(_columns(model.feature_names_, model))
    columns, rows = (
        (_columns(model.feature_names_, model), _rows(features, range(1)))
        if is_pool(features)
        else (_as_given(features), head(features))
    )
    return ModelSignature(columns, None if rows is None else schema(model.predict(rows, thread_count=1)))


def is_pool(thing: Any) -> bool:
    """Whether it is CatBoost's own kind of data set."""
    return hasattr(thing, "num_row") and hasattr(thing, "get_cat_feature_indices")


def _used(features: Any, targets: Any, name: str, context: str) -> DatasetUsed:
    if isinstance(features, (str, os.PathLike)):
        return _file(os.fspath(features), name, context)
    if is_pool(features):
        return _pool(features, name, context)
    return data.Dataset(features, targets=targets, name=name).used(context)


def _pool(pool: Any, name: str, context: str) -> DatasetUsed:
    rows, width, names = pool.num_row(), pool.num_col(), pool.get_feature_names()
    columns = _columns(names or [""] * width, pool)
    part = _rows(pool, range(0, rows, max(1, rows // SAMPLE)))
    numbers = all(column["type"] == "double" for column in columns)
    digest = data.content([rows, *names], pool.get_label(), part.get_features() if part and numbers else None)
    made = data.Dataset([], name=name, digest=digest)
    return DatasetUsed(
        name=name,
        digest=made.digest,
        source_type=made.source_type,
        source=made.source,
        schema=json.dumps({"mlflow_colspec": columns}),
        profile=json.dumps({"num_rows": rows, "num_elements": rows * width}),
        context=context,
    )


def _rows(pool: Any, at: range) -> Any:
    """Some rows of a pool; ``None`` of one that cannot be cut: grouped, quantized."""
    try:
        return pool.slice(list(at))
    except Exception:  # noqa: BLE001 - which of these a pool is, CatBoost tells only in this way
        return None


def _file(path: str, name: str, context: str) -> DatasetUsed:
    """A file that CatBoost reads itself, known by its size, its beginning and its end."""
    with open(path.partition("://")[2] or path, "rb") as file:  # noqa: PTH123 - the path may have CatBoost's scheme
        size = file.seek(0, os.SEEK_END)
        parts: list[Any] = [size]
        for start in (0, max(0, size - ENDS)):
            file.seek(start)
            parts.append(file.read(ENDS))
    return data.Dataset([], source=path, name=name, digest=data.content(parts)).used(context)


def _as_given(features: Any) -> Schema:
    """The columns or tensor of some data. MLflow takes no categorical column for a string, so it is of any type."""
    columns, dtypes = schema(features), getattr(features, "dtypes", ())
    for column, dtype in zip(columns, dtypes, strict=False):
        if str(dtype) == "category":
            column["type"] = "any"
    return columns


def _columns(names: list[str], holder: Any) -> Schema:
    """The features as a pool or a model knows them: numbers, or text where it is category or text."""
    kinds = dict.fromkeys(holder.get_embedding_feature_indices(), "any")
    kinds |= dict.fromkeys([*holder.get_cat_feature_indices(), *holder.get_text_feature_indices()], "string")
    given = any(name not in ("", str(at)) for at, name in enumerate(names))
    return [
        {"type": kinds.get(at, "double"), **({"name": name} if given else {}), "required": True}
        for at, name in enumerate(names)
    ]
