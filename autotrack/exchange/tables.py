"""Runs and curves as tables: CSV, JSON lines, and Parquet.

The same runs give the same bytes. Text in a CSV that a spreadsheet would take for a formula gets an apostrophe before
it, which is how spreadsheets themselves write down that it is text.
"""

from __future__ import annotations

import csv
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from autotrack.analysis.finding import column_pages, every_run
from autotrack.client import Client
from autotrack.entities import Metric, Run
from autotrack.exceptions import AutotrackException
from autotrack.values import spelt

ATTRIBUTES = (
    "run_id", "run_name", "experiment_id", "status", "start_time", "end_time", "user_id", "lifecycle_stage",
)  # fmt: skip
POINTS = ("run_id", "key", "step", "timestamp", "value", "model_id", "dataset_name", "dataset_digest")
KINDS = ("metrics", "params", "tags")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for the beginning of a formula."""
_ROWS = 1000
_WHOLE = {"start_time", "end_time", "timestamp"}
Row = Mapping[str, Any]


class Table(ABC):
    """A file of rows."""

    @abstractmethod
    def write(self, rows: Iterable[Row]) -> int:
        """Write rows, each with a value by each column's name; gives how many."""


def columns_of(client: Client, ids: Sequence[str], where: str) -> list[str]:
    """What runs have: their attributes, then every metric, parameter and tag that any of them has."""
    keys: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for run in _runs(client, ids, where):
        for kind in KINDS:
            keys[kind].update(getattr(run.data, kind))
    return [*ATTRIBUTES, *(f"{kind}.{key}" for kind in KINDS for key in sorted(keys[kind]))]


def rows_of(client: Client, ids: Sequence[str], where: str, columns: Sequence[str]) -> Iterator[Row]:
    """The runs as rows, oldest first. A column is spelt as in a filter: ``metrics.loss``, ``best(loss)``."""
    plain = all(column in ATTRIBUTES or _parts(column) is not None for column in columns)
    if plain:
        for run in _runs(client, ids, where):
            yield {column: _value(run, column) for column in columns}
        return
    for page in column_pages(client, ids, columns, where, _ORDER, _ROWS):
        for row in range(len(page.run_ids)):
            yield {column: page.values[column][row] for column in columns}


def points_of(client: Client, ids: Sequence[str], where: str, keys: Sequence[str]) -> Iterator[Row]:
    """All points of the runs as rows, or those of some metrics."""
    for run in _runs(client, ids, where):
        for key in sorted(run.data.metrics):
            if not keys or key in keys:
                for one in client.get_metric_history(run.info.run_id, key):
                    yield _point(run, one)


@contextmanager
def table(place: Path, form: str, columns: Sequence[str]) -> Iterator[Table]:
    """A new file, "csv", "jsonl" or "parquet", that is there once it is complete."""
    if place.exists():
        raise AutotrackException.invalid(f"{place} is there already; name a new file")
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f".{place.name[:80]}.part")
    try:
        with _FORMS[form](beside, columns) as opened:
            yield opened
        beside.replace(place)
    finally:
        beside.unlink(missing_ok=True)


def harmless(value: str) -> str:
    """A text that no spreadsheet takes for a formula. A number is one already, whatever its sign."""
    return f"'{value}" if value.startswith(FORMULA) and spelt(value) is None else value


_ORDER = ["attributes.start_time ASC", "attributes.run_id ASC"]


def _runs(client: Client, ids: Sequence[str], where: str) -> Iterator[Run]:
    return every_run(client, ids, where, _ORDER)


def _parts(column: str) -> tuple[str, str] | None:
    """Kind and key of ``metrics.loss``."""
    kind, dot, key = column.partition(".")
    if not dot or kind not in KINDS or not key:
        return None
    quote = key[0] if key[0] in '`"' and key[-1] == key[0] and len(key) > 1 else ""
    return kind, key[1:-1] if quote else key


def _value(run: Run, column: str) -> Any:
    found = _parts(column)
    return getattr(run.info, column) if found is None else getattr(run.data, found[0]).get(found[1])


def _point(run: Run, one: Metric) -> Row:
    named = {"model_id": one.model_id, "dataset_name": one.dataset_name, "dataset_digest": one.dataset_digest}
    own = {"run_id": run.info.run_id, "key": one.key, "step": one.step, "timestamp": one.timestamp, "value": one.value}
    return own | named


class _Csv(Table):
    def __init__(self, writer: Any, columns: Sequence[str]) -> None:
        self._writer, self._columns = writer, columns
        self._writer.writerow([harmless(column) for column in columns])

    def write(self, rows: Iterable[Row]) -> int:
        count = 0
        for row in rows:
            self._writer.writerow([_cell(row[column]) for column in self._columns])
            count += 1
        return count


class _Lines(Table):
    def __init__(self, file: Any, columns: Sequence[str]) -> None:
        self._file, self._columns = file, columns

    def write(self, rows: Iterable[Row]) -> int:
        count = 0
        for row in rows:
            cells = {column: _spelt(row[column]) for column in self._columns}
            self._file.write(json.dumps(cells, separators=(",", ":"), allow_nan=False) + "\n")
            count += 1
        return count


class _Parquet(Table):
    def __init__(self, writer: Any, arrow: Any) -> None:
        self._writer, self._arrow = writer, arrow

    def write(self, rows: Iterable[Row]) -> int:
        count = 0
        names = self._writer.schema.names
        for some in _batched(rows):
            arrays = [
                self._arrow.array([_arrow_cell(row[name], field.type) for row in some], type=field.type)
                for name, field in zip(names, self._writer.schema, strict=True)
            ]
            self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._writer.schema))
            count += len(some)
        return count


@contextmanager
def _csv(place: Path, columns: Sequence[str]) -> Iterator[Table]:
    with place.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        yield _Csv(csv.writer(file, lineterminator="\n"), columns)


@contextmanager
def _lines(place: Path, columns: Sequence[str]) -> Iterator[Table]:
    with place.open("w", encoding="ascii") as file:
        yield _Lines(file, columns)


@contextmanager
def _parquet(place: Path, columns: Sequence[str]) -> Iterator[Table]:
    try:
        arrow: Any = import_module("pyarrow")  # heavy, and only for those who want Parquet
        parquet: Any = import_module("pyarrow.parquet")  # the same
    except ImportError:
        raise AutotrackException.invalid("Parquet needs a library; `pip install pyarrow`") from None
    schema = arrow.schema([(column, _type(arrow, column)) for column in columns])
    with parquet.ParquetWriter(place, schema) as writer:
        yield _Parquet(writer, arrow)


_FORMS: Mapping[str, Callable[[Path, Sequence[str]], Any]] = {"csv": _csv, "jsonl": _lines, "parquet": _parquet}


def _type(arrow: Any, column: str) -> Any:
    if column in _WHOLE:
        return arrow.int64()
    number = column in ("step", "value", "duration") or column.startswith("metrics.") or column.endswith(")")
    return arrow.float64() if number else arrow.string()


def _arrow_cell(value: Any, kind: Any) -> Any:
    if value is None:
        return None
    if str(kind) == "string":
        return str(value).encode("utf-8", "backslashreplace").decode()
    try:
        return int(value) if str(kind) == "int64" else float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, float):
        return _spelt(value) if not math.isfinite(value) else repr(value)
    return value if isinstance(value, int) else harmless(str(value))


def _spelt(value: Any) -> Any:
    """JSON has no word for NaN and the infinities: they are texts, as MLflow's protocol has them."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _batched(rows: Iterable[Row]) -> Iterator[list[Row]]:
    some: list[Row] = []
    for row in rows:
        some.append(row)
        if len(some) == _ROWS:
            yield some
            some = []
    if some:
        yield some
