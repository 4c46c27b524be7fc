"""Data sets as a run records them: a name, a digest, the columns, the size, and where the data came from.

The names are MLflow's. What is looked at is bounded: data of up to 16 MiB are hashed whole, larger ones by their first
and last rows and by rows spread evenly between them, together with shape, names and types; such a digest begins with
"sampled-". The digest of the same data is the same in every process and on every machine of one byte order.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from autotrack.capture import filedigest, reads
from autotrack.event import DatasetUsed
from autotrack.exceptions import AutotrackException
from autotrack.models.signature import Schema, schema

BYTES = 16 * 1024 * 1024
"""How much of a data set goes into its digest: 10 to 50 ms."""
SAMPLED = filedigest.SAMPLED
"""What the digest of larger data begins with."""
_ITEMS = 10_000
_WIDE = 1000
"""Columns from which on those of one type are looked at together."""
_SCHEMA = 1_000_000
"""Characters of a schema; an MLflow server takes hardly more."""
_PRINTABLE = (int, float, str, bool, complex, bytes, type(None))
_SLOW = 256
"""An object of Python's costs as much as so many bytes."""


class _Digest:
    __slots__ = ("sampled", "update")

    def __init__(self, update: Callable[[bytes], object]) -> None:
        self.update = update
        self.sampled = False


class Dataset:
    """One data set as it is now: the digest is taken when it is made. It keeps a reference to the data."""

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
        self.source_type, self.source = _source(reads.source_of(features) if source is None else source)
        self.digest = digest or content(features, None if isinstance(targets, str) else targets)
        """16 hexadecimal digits, from the content; after "sampled-" if not from all of it."""

    @property
    def df(self) -> Any:
        """The table, if it is one."""
        return self.features

    @cached_property
    def columns(self) -> Schema:
        """The columns or tensors of the features, as in a model's signature."""
        return schema(self.features)

    @cached_property
    def schema(self) -> str:
        """JSON as MLflow keeps it: ``mlflow_colspec`` for a table, ``mlflow_tensorspec`` for arrays. Of a table with
        more columns than fit in a megabyte the first ones, and ``columns``, how many there are."""
        if self.columns[0]["type"] != "tensor":
            texts, left = [], _SCHEMA
            for column in self.columns:
                texts.append(json.dumps(column, default=str))
                left -= len(texts[-1]) + 2
                if left < 0:
                    return f'{{"mlflow_colspec": [{", ".join(texts[:-1])}], "columns": {len(self.columns)}}}'
            return f'{{"mlflow_colspec": [{", ".join(texts)}]}}'
        targets = None if self.targets is None else json.dumps(schema(self.targets), default=str)
        return json.dumps(
            {"mlflow_tensorspec": {"features": json.dumps(self.columns, default=str), "targets": targets}}
        )

    @cached_property
    def profile(self) -> str:
        """JSON with the number of rows and elements, or the shape, elements and bytes of arrays."""
        if self.columns[0]["type"] != "tensor" and not _named(self.features):
            rows, width = _shape(self.features)
            return json.dumps({"num_rows": rows, "num_elements": rows * width})
        parts = {"features": self.features, "targets": None if isinstance(self.targets, str) else self.targets}
        return json.dumps(
            {
                f"{part}_{fact}": {name: read(value) for name, value in data.items()} if _named(data) else read(data)
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


def content(*parts: Any) -> str:
    """A digest of data, of bounded cost; the parts that are ``None`` do not count. It begins with "sampled-" unless
    it is of all the data."""
    sha = hashlib.sha256()
    digest = _Digest(sha.update)
    for part in (part for part in parts if part is not None):
        _feed(digest, part, BYTES)
    return (SAMPLED if digest.sampled else "") + sha.hexdigest()[:16]


def _feed(digest: _Digest, data: Any, budget: int) -> None:
    if isinstance(data, Mapping):
        for name, value in data.items():
            digest.update(_bytes(f"{name}:"))
            _feed(digest, value, budget // max(1, len(data)))
    elif (columns := _columns(data)) is not None:
        digest.update(_bytes(f"{len(data)} rows {[(str(name), str(dtype)) for name, dtype, _ in columns]}"))
        for _, dtype, values in columns:
            _feed_column(digest, values, dtype, budget // len(columns))
    elif hasattr(data, "indptr") and hasattr(data, "indices"):  # a sparse matrix: its three arrays
        digest.update(_bytes(f"{type(data).__name__} {data.shape}"))
        for part, share in ((data.data, 2), (data.indices, 3), (data.indptr, 6)):
            _feed(digest, part, budget // share)
    elif hasattr(data, "tocoo"):
        digest.update(_bytes(f"{type(data).__name__} {data.shape} {data.nnz}"))
        if not hasattr(data, "col") and data.nnz * _SLOW > budget:
            digest.sampled = True  # by its size alone: its entries would have to be copied
            return
        entries = data.tocoo()
        for part in (entries.data, entries.row, entries.col):
            _feed(digest, part, budget // 3)
    elif hasattr(data, "shape") and hasattr(data, "dtype"):
        digest.update(_bytes(f"{tuple(data.shape)} {data.dtype}"))
        count = data.shape[0] if len(data.shape) else 0
        # An array of objects keeps only their addresses, 8 bytes each.
        size = _nbytes(data) * (_SLOW // 8 if getattr(data.dtype, "hasobject", False) else 1)
        for rows in _samples(digest, data, count, size // max(1, count), budget):
            _feed_array(digest, rows)
    elif isinstance(data, (list, tuple)):
        digest.update(_bytes(f"{len(data)} items"))
        width = len(data[0]) if data and isinstance(data[0], (list, tuple)) else 1
        for items in _samples(digest, data, len(data), _SLOW * width, budget):
            digest.update(_bytes(repr([_plain(item) for item in items])))
    else:
        digest.update(_bytes(f"{type(data).__name__} {getattr(data, 'shape', '')}"))


def _feed_column(digest: _Digest, values: Any, dtype: Any, budget: int) -> None:
    width = (8 if _is_number(dtype) else _SLOW) * (len(values.columns) if hasattr(values, "columns") else 1)
    for rows in _samples(digest, getattr(values, "iloc", values), len(values), width, budget):
        _feed_array(digest, rows.to_numpy())


def _is_number(dtype: Any) -> bool:
    """Whether a column of this type becomes an array of numbers, by a type of numpy's, polars' or pyarrow's."""
    if type(dtype).__module__.startswith("numpy"):
        return dtype.kind in "biufmM"
    if hasattr(dtype, "is_numeric"):
        return bool(dtype.is_numeric())
    return str(dtype).startswith(("int", "uint", "float", "double"))


def _feed_array(digest: _Digest, rows: Any) -> None:
    import numpy as np  # heavy, and here only for data that brought it along

    if hasattr(rows, "detach"):
        rows = rows.detach().cpu()
        rows = rows.float() if "bfloat" in str(rows.dtype) else rows
    array = np.ascontiguousarray(rows)
    if array.dtype.hasobject:
        digest.update(_bytes(repr([_plain(item) for item in array.ravel().tolist()])))
    else:
        digest.update(array.tobytes())


def _columns(table: Any) -> list[tuple[Any, Any, Any]] | None:
    """Name, type and values of each column; ``None`` for what is no table."""
    if hasattr(table, "get_columns"):  # polars
        return [(column.name, column.dtype, column) for column in table.get_columns()]
    if hasattr(table, "column_names"):  # pyarrow
        return list(zip(table.column_names, table.schema.types, table.columns, strict=True))
    if not hasattr(table, "to_numpy"):
        return None
    if not hasattr(table, "columns"):  # a series of pandas or polars, or an array of pyarrow's, which has no name
        return [(getattr(table, "name", None), getattr(table, "dtype", None) or table.type, table)]
    types = list(table.dtypes)
    if len({str(dtype) for dtype in set(types)}) == 1 and getattr(types[0], "kind", "O") in "biuf":
        # One block of numbers: thousands of columns cost no more than one.
        return [(table.columns.tolist(), types[0], table)]
    if len(types) > _WIDE:
        names = table.columns.tolist()
        return [([names[at] for at in block.columns], dtype, block) for dtype, block in _blocks(table, types)]
    return [(name, types[at], table.iloc[:, at]) for at, name in enumerate(table.columns)]


class _Block:
    """Some columns of a table, of which rows are taken before anything is copied."""

    def __init__(self, table: Any, places: list[int]) -> None:
        self._table = table
        self.columns = places

    def __len__(self) -> int:
        return len(self._table)

    def __getitem__(self, rows: slice) -> Any:
        return self._table.iloc[rows].iloc[:, self.columns]


def _blocks(table: Any, types: list[Any]) -> Iterator[tuple[Any, _Block]]:
    """The columns of a table by their type."""
    places: dict[Any, list[int]] = {}
    for at, dtype in enumerate(types):
        places.setdefault(dtype, []).append(at)
    for dtype, found in places.items():
        yield dtype, _Block(table, found)


def _samples(digest: _Digest, data: Any, count: int, width: int, budget: int) -> list[Any]:
    """All rows if they fit in the budget of bytes, else the first, the last, and rows spread between them."""
    third = max(1, budget // max(1, width) // 3)
    if count <= 3 * third:
        return [data[:] if count else data]
    digest.sampled = True
    return [data[:third], data[count - third :], data[:: count // third]]


def _plain(item: Any) -> Any:
    """What prints the same in every process; of anything else, its type."""
    kind = type(item)
    if kind in _PRINTABLE:
        return str(item)
    if hasattr(item, "tolist"):  # a scalar or an array of numpy's
        item = item.tolist()
    if isinstance(item, (list, tuple)):
        return [_plain(part) for part in item[:_ITEMS]]
    if isinstance(item, dict):
        return {str(key): _plain(value) for key, value in item.items()}
    if type(item) in _PRINTABLE or any(cls.__module__ in ("datetime", "decimal") for cls in kind.__mro__):
        return str(item)
    return kind.__name__


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _shape(table: Any) -> tuple[int, int]:
    shape = getattr(table, "shape", None)
    if shape is None:
        return (len(table) if hasattr(table, "__len__") else 0), 1
    return int(shape[0]), int(shape[1]) if len(shape) > 1 else 1


def _dimensions(data: Any) -> list[int]:
    shape = getattr(data, "shape", None)
    if shape is None:  # a list, such as of labels
        return [len(data)] if hasattr(data, "__len__") else []
    return [int(length) for length in shape]


def _size(data: Any) -> int:
    return math.prod(_dimensions(data))


def _nbytes(data: Any) -> int:
    if hasattr(data, "indptr"):
        return int(data.data.nbytes + data.indices.nbytes + data.indptr.nbytes)
    return int(getattr(data, "nbytes", 0))


def _named(data: Any) -> bool:
    """Whether it is several arrays by name; one kind of scipy's sparse matrices is a mapping too, from places."""
    return isinstance(data, Mapping) and not hasattr(data, "shape")


_PROFILE: Mapping[str, Callable[[Any], Any]] = {
    "shape": _dimensions,
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
