"""A table in a file, read and written a part at a time, however large it is."""

from __future__ import annotations

import importlib
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from autotrack.exceptions import AutotrackException
from autotrack.models import answers, requests
from autotrack.models.kinds import Kind

ENDINGS = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet", ".json": "json", ".jsonl": "jsonl"}
"""What a file's name says of its form."""

Said = Callable[[int, int], object]
"""Told how many bytes have been read, of how many."""


def form_of(path: Path, given: str | None = None) -> str:
    """The form of a file, by its name unless it was given."""
    form = given or ENDINGS.get(path.suffix.lower())
    if form not in ENDINGS.values():
        raise AutotrackException.invalid(
            f"{path}: a table is csv, parquet, json or jsonl; say which with --content-type if its name does not"
        )
    return str(form)


def read(path: Path, form: str, rows: int, schema: Sequence[Kind] | None, said: Said) -> Iterator[tuple[Any, Any]]:
    """Parts of at most so many rows, each as the data that the model takes and the inference parameters."""
    if not path.is_file():
        raise AutotrackException.missing(f"there is no file {path}")
    size = path.stat().st_size
    try:
        yield from {"csv": _csv, "parquet": _parquet, "json": _json, "jsonl": _jsonl}[form](path, rows, schema, said)
    except (ValueError, UnicodeDecodeError) as error:
        raise AutotrackException.invalid(f"{path} is no {form} file: {error}") from error
    said(size, size)


def _csv(path: Path, rows: int, schema: Sequence[Kind] | None, said: Said) -> Iterator[tuple[Any, Any]]:
    import pandas as pd  # heavy, and only to read tables

    size = path.stat().st_size
    with path.open("rb") as file, pd.read_csv(file, chunksize=rows, dtype=requests.csv_types(schema)) as parts:
        for part in parts:
            yield requests.of_table(part, schema), None
            said(min(file.tell(), size), size)


def _parquet(path: Path, rows: int, schema: Sequence[Kind] | None, said: Said) -> Iterator[tuple[Any, Any]]:
    file = _pyarrow().parquet.ParquetFile(path)
    seen, whole = 0, file.metadata.num_rows
    for part in file.iter_batches(rows):
        yield requests.of_table(part.to_pandas(), schema), None
        seen += len(part)
        said(seen, whole)


def _jsonl(path: Path, rows: int, schema: Sequence[Kind] | None, said: Said) -> Iterator[tuple[Any, Any]]:
    size = path.stat().st_size
    with path.open("rb") as file:
        part: list[Any] = []
        for line in file:
            if line.strip():
                part.append(json.loads(line))
            if len(part) == rows:
                yield requests.of_request({"dataframe_records": part}, schema)
                said(file.tell(), size)
                part = []
        if part:
            yield requests.of_request({"dataframe_records": part}, schema)


def _json(path: Path, rows: int, schema: Sequence[Kind] | None, said: Said) -> Iterator[tuple[Any, Any]]:
    """A request as a server takes it, or a list of rows; the file is read whole."""
    found = json.loads(path.read_bytes())
    if not isinstance(found, list):
        yield requests.of_request(found, schema)
        return
    key = "dataframe_records" if all(isinstance(row, dict) for row in found) else "inputs"
    for at in range(0, len(found), rows):
        yield requests.of_request({key: found[at : at + rows]}, schema)
        said(at, len(found))


class Writer(ABC):
    """Rows go to a file that has its name only when all of them are there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self._partial = path.with_name(f".{path.name}.{os.urandom(4).hex()}.partial")

    def add(self, answer: Any, index: Any = None) -> None:
        """Write the answer to one part."""
        table = answers.table(answer, index)
        self._write(table)
        self.rows += len(table)

    @abstractmethod
    def _write(self, table: Any) -> None: ...

    @abstractmethod
    def _close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        if error is None and self._partial.exists():
            self._partial.replace(self.path)
        else:
            self._partial.unlink(missing_ok=True)


class _Csv(Writer):
    def _write(self, table: Any) -> None:
        table.to_csv(self._partial, mode="a", header=not self.rows, index=False)

    def _close(self) -> None:
        pass


class _Lines(Writer):
    """One JSON object a line."""

    def _write(self, table: Any) -> None:
        with self._partial.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in answers.plain(table))

    def _close(self) -> None:
        pass


class _Json(Writer):
    """What a server answers: the plain predictions, in one document."""

    def add(self, answer: Any, index: Any = None) -> None:  # noqa: ARG002 - the tables' own
        values = answers.plain(answer)
        values = values if isinstance(values, list) else [values]
        with self._partial.open("a", encoding="utf-8") as file:
            for value in values:
                file.write(('{"predictions": [' if not self.rows else ", ") + json.dumps(value))
                self.rows += 1

    def _write(self, table: Any) -> None:
        pass

    def _close(self) -> None:
        with self._partial.open("a", encoding="utf-8") as file:
            file.write("]}\n" if self.rows else '{"predictions": []}\n')


class _Parquet(Writer):
    _file: Any = None

    def _write(self, table: Any) -> None:
        arrow = _pyarrow()
        rows = arrow.Table.from_pandas(table, preserve_index=False)
        if self._file is None:
            self._file = arrow.parquet.ParquetWriter(self._partial, rows.schema)
        self._file.write_table(rows.cast(self._file.schema))

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()


def writer(path: Path, form: str) -> Writer:
    """The writer of a form."""
    kinds: dict[str, type[Writer]] = {"csv": _Csv, "parquet": _Parquet, "json": _Json, "jsonl": _Lines}
    return kinds[form](path)


def _pyarrow() -> Any:
    try:
        importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise AutotrackException.missing("Parquet needs pyarrow: pip install pyarrow") from error
    return importlib.import_module("pyarrow")
