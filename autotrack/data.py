"""Data sets as a run records them: a name, a digest, the columns, the size, and where the data came from.

The names are MLflow's. What is looked at is bounded: a small table is hashed whole, a large one by its first and last
rows and by rows spread evenly between them, together with its shape, names and types. The digest of the same data is
the same in every process and on every machine of one byte order.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from autotrack.event import DatasetUsed
from autotrack.exceptions import AutotrackException
from autotrack.models import frames
from autotrack.models.signature import Schema, schema

BYTES = 4 * 1024 * 1024
"""How much of a data set goes into its digest."""


class Dataset:
    """One data set. It keeps a reference to the data, and computes each fact when it is first asked for."""

    def __init__(
        self,
        features: Any,
        *,
        targets: Any = None,
        source: Any = None,
        name: str | None = None,
        digest: str | None = None,
        predictions: str | None = None,
    ) -> None:
        self.features = features
        self.targets = targets
        """The labels, or the name of the column that holds them."""
        self.predictions = predictions
        self.name = name or "dataset"
        self.source_type, self.source = _source(source)
        self._digest = digest

    @property
    def df(self) -> Any:
        """The table, if it is one."""
        return self.features

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits, from the content."""
        return self._digest or digest(self.features, None if isinstance(self.targets, str) else self.targets)

    @cached_property
    def columns(self) -> Schema:
        """The columns or tensors of the features, as in a model's signature."""
        return schema(self.features)

    @cached_property
    def schema(self) -> str:
        """JSON as MLflow keeps it: ``mlflow_colspec`` for a table, ``mlflow_tensorspec`` for arrays."""
        if self.columns[0]["type"] != "tensor":
            return json.dumps({"mlflow_colspec": self.columns}, default=str)
        targets = None if self.targets is None else json.dumps(schema(self.targets), default=str)
        return json.dumps(
            {"mlflow_tensorspec": {"features": json.dumps(self.columns, default=str), "targets": targets}}
        )

    @cached_property
    def profile(self) -> str:
        """JSON with the number of rows and elements, or the shape, elements and bytes of arrays."""
        if self.columns[0]["type"] != "tensor" and not isinstance(self.features, Mapping):
            rows, width = _shape(self.features)
            return json.dumps({"num_rows": rows, "num_elements": rows * width})
        parts = {"features": self.features, "targets": None if isinstance(self.targets, str) else self.targets}
        return json.dumps(
            {
                f"{part}_{fact}": {name: read(value) for name, value in data.items()}
                if isinstance(data, Mapping)
                else read(data)
                for part, data in parts.items()
                if data is not None
                for fact, read in _PROFILE.items()
            }
        )

    def to_dict(self) -> dict[str, str]:
        """The facts as texts, under MLflow's names."""
        return {
            "name": self.name,
            "digest": self.digest,
            "source": self.source,
            "source_type": self.source_type,
            "schema": self.schema,
            "profile": self.profile,
        }

    def used(self, context: str | None = None, tags: Mapping[str, str] | None = None) -> DatasetUsed:
        """The event that a run records; ``context`` is the role, "train" or "eval" by custom."""
        return DatasetUsed(context=context or "", tags=dict(tags or {}), **self.to_dict())

    def __repr__(self) -> str:
        return f"<Dataset {self.name!r} {self.digest}>"


def from_pandas(
    df: Any,
    source: Any = None,
    targets: str | None = None,
    name: str | None = None,
    digest: str | None = None,
    predictions: str | None = None,
) -> Dataset:
    """A pandas data frame; ``targets`` and ``predictions`` name columns of it."""
    for column in (targets, predictions):
        if column is not None and column not in df.columns:
            raise AutotrackException.invalid(f"the data frame has no column {column!r}: it has {list(df.columns)[:20]}")
    return Dataset(df, targets=targets, source=source, name=name, digest=digest, predictions=predictions)


from_polars = from_pandas
"""A polars data frame, otherwise as `from_pandas`."""


def from_numpy(
    features: Any, source: Any = None, targets: Any = None, name: str | None = None, digest: str | None = None
) -> Dataset:
    """An array, or a dict of arrays; ``targets`` likewise. Sparse matrices and tensors are taken as they are."""
    return Dataset(features, targets=targets, source=source, name=name, digest=digest)


from_torch = from_scipy = from_arrow = from_numpy
"""Tensors, sparse matrices and Arrow tables, otherwise as `from_numpy`. A tensor on a device is waited for."""


def digest(*parts: Any) -> str:
    """A digest of data, of bounded cost; the parts that are ``None`` do not count."""
    sha = hashlib.sha256()
    given = [part for part in parts if part is not None]
    for part in given:
        _feed(sha.update, part, BYTES // len(given))
    return sha.hexdigest()[:16]


def _feed(update: Callable[[bytes], object], data: Any, budget: int) -> None:
    if isinstance(data, Mapping):
        for name, value in data.items():
            update(f"{name}:".encode("utf-8", "surrogatepass"))
            _feed(update, value, budget // max(1, len(data)))
    elif frames.columns_of(data) is not None:
        _feed_table(update, data, budget)
    elif hasattr(data, "indptr") and hasattr(data, "indices"):  # a sparse matrix: its three arrays
        update(f"{type(data).__name__} {data.shape}".encode())
        for part in (data.data, data.indices, data.indptr):
            _feed(update, part, budget // 3)
    elif hasattr(data, "detach"):
        rows = _rows(data, budget, data.element_size() * (data[:1].numel() if data.dim() else 1))
        _feed_array(
            update, rows.detach().cpu().float() if "bfloat" in str(data.dtype) else rows.detach().cpu(), data.shape
        )
    elif hasattr(data, "dtype") and hasattr(data, "shape"):
        _feed_array(update, _rows(data, budget, data[:1].nbytes if data.shape else 0), data.shape)
    elif isinstance(data, (list, tuple)):
        update(f"{len(data)} items".encode())
        update(repr(_rows(data, budget, 64)).encode("utf-8", "surrogatepass"))
    else:
        update(f"{type(data).__name__} {getattr(data, 'shape', '')}".encode())


def _feed_array(update: Callable[[bytes], object], rows: Any, shape: Any) -> None:
    import numpy as np  # heavy, and here only for data that brought it along

    array = np.ascontiguousarray(rows)
    update(f"{array.dtype.str} {tuple(shape)}".encode())
    update(repr(array.tolist()).encode("utf-8", "surrogatepass") if array.dtype.hasobject else array.data.cast("B"))


def _feed_table(update: Callable[[bytes], object], table: Any, budget: int) -> None:
    """Names and types of the columns, and of the sampled rows each column's values."""
    columns = frames.columns_of(table) or {}
    count = len(table)
    update(f"{count} rows".encode())
    for name, (dtype, values) in columns.items():
        update(f"{name!r} {dtype}".encode("utf-8", "surrogatepass"))
        rows = _rows(values, budget // max(1, len(columns)), 16)
        array = rows.to_numpy()
        if array.dtype.hasobject:
            update("\0".join(map(str, array.tolist())).encode("utf-8", "surrogatepass"))
        else:
            _feed_array(update, array, array.shape)


def _rows(data: Any, budget: int, width: int) -> Any:
    """All rows if they fit in the budget of bytes, else as many as fit: first, last, and evenly spread ones."""
    count = len(data) if getattr(data, "shape", None) != () else 0
    fit = max(3, budget // max(1, width))
    if count <= fit:
        return data
    third = fit // 3
    step = count // third
    chosen = sorted({*range(third), *range(count - third, count), *range(0, count, step)})
    if isinstance(data, (list, tuple)):
        return [data[at] for at in chosen]
    take = getattr(data, "iloc", data)
    return (
        take[chosen]
        if not hasattr(data, "take") or hasattr(data, "iloc") or hasattr(data, "nbytes")
        else data.take(chosen)
    )


def _shape(table: Any) -> tuple[int, int]:
    shape = getattr(table, "shape", None)
    if shape is None:
        return (len(table) if hasattr(table, "__len__") else 0), 1
    return int(shape[0]), int(shape[1]) if len(shape) > 1 else 1


def _size(data: Any) -> int:
    size = 1
    for length in data.shape:
        size *= int(length)
    return size


def _nbytes(data: Any) -> int:
    if hasattr(data, "indptr"):
        return int(data.data.nbytes + data.indices.nbytes + data.indptr.nbytes)
    return int(getattr(data, "nbytes", 0))


_PROFILE: Mapping[str, Callable[[Any], Any]] = {
    "shape": lambda data: [int(length) for length in data.shape],
    "size": _size,
    "nbytes": _nbytes,
}


def _source(source: Any) -> tuple[str, str]:
    """MLflow's type of a source, and the source itself as JSON."""
    if source is None:
        script = sys.argv[0] if sys.argv else ""
        return "code", json.dumps({"tags": {"mlflow.source.name": script, "mlflow.source.type": "LOCAL"}})
    if hasattr(source, "to_json") and hasattr(source, "_get_source_type"):  # one of MLflow's own
        return str(source._get_source_type()), str(source.to_json())
    text = str(source)
    scheme = text.partition("://")[0].lower() if "://" in text else ""
    if scheme in ("http", "https"):
        return "http", json.dumps({"url": text})
    if scheme in ("", "file"):
        return "local", json.dumps({"uri": text if scheme else str(Path(text).expanduser())})
    return scheme, json.dumps({"uri": text})
