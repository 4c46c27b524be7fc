"""Metric points as columns, and as the bytes that a database holds of them.

A blob is one byte for its kind, a length, a header in JSON, and then the columns: flags (a byte each), steps, times and
values (eight bytes each, little-endian). The header has the number of points of each series, and the exact texts of
integers that a float64 rounds. A tail holds the columns as they are. A chunk holds one series; its steps and times are
differences to the one before, and each of the eight bytes of a column lies with its like, so that zlib finds little to
keep.
"""

from __future__ import annotations

import json
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import inf
from operator import eq, le, lt, sub
from typing import Any

from autotrack.exceptions import AutotrackException
from autotrack.journal.format import EXACT, FLOAT_STEP, step_of
from autotrack.journal.points import Point as Last
from autotrack.journal.summary import Summary
from autotrack.journal.writer import Key, Point
from autotrack.store.changes import Exact
from autotrack.store.tables import storable

_TAIL, _CHUNK = b"t", b"c"
_WORD = 1 << 64
_NONE = ""

Name = tuple[str, str, str, str]
"""A series: metric, model id, data set name and digest; empty for none."""


@dataclass(slots=True)
class Columns:
    """Points of one series. ``exact`` has the text of a value by its row."""

    flags: list[int] = field(default_factory=list)
    raw_steps: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    exact: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def steps(self) -> Sequence[int | float]:
        """The steps as they were logged."""
        if self._whole:
            return self.raw_steps
        return [step_of(raw, flag) for raw, flag in zip(self.raw_steps, self.flags, strict=True)]

    @property
    def _whole(self) -> bool:
        """Whether all steps are integers."""
        return not any(self.flags) or not any(flag & FLOAT_STEP for flag in self.flags)

    def extend(self, other: Columns) -> None:
        """Add the points of another part of the series."""
        self.exact |= {len(self) + row: text for row, text in other.exact.items()}
        self.flags += other.flags
        self.raw_steps += other.raw_steps
        self.times += other.times
        self.values += other.values

    def chosen(self, rows: Sequence[int]) -> Columns:
        """Some of the points, in the order of ``rows``."""
        exact = {new: self.exact[old] for new, old in enumerate(rows) if old in self.exact} if self.exact else {}
        return Columns(
            [self.flags[row] for row in rows],
            [self.raw_steps[row] for row in rows],
            [self.times[row] for row in rows],
            [self.values[row] for row in rows],
            exact,
        )

    def order(self) -> Sequence[int]:
        """The rows by time, step and value."""
        rows = range(len(self))
        if all(map(lt, self.times, self.times[1:])):
            return rows
        steps = self.steps
        if all(map(eq, steps, steps)) and all(map(eq, self.values, self.values)):
            keys = list(zip(self.times, steps, self.values, strict=True))
            return rows if all(map(le, keys, keys[1:])) else sorted(rows, key=keys.__getitem__)
        # NaN compares with nothing; it goes last among its like.
        return sorted(rows, key=lambda row: (self.times[row], *_rank(steps[row]), *_rank(self.values[row])))

    def ordered(self) -> Columns:
        """The points by time, step and value."""
        rows = self.order()
        return self if isinstance(rows, range) else self.chosen(rows)

    def distinct(self) -> Columns:
        """Each point once, in the order in which they came."""
        if all(map(lt, self.times, self.times[1:])) or all(map(lt, self.raw_steps, self.raw_steps[1:])):
            return self
        first = {self.identity(row): row for row in reversed(range(len(self)))}
        return self if len(first) == len(self) else self.chosen(sorted(first.values()))

    def identity(self, row: int) -> tuple[Any, ...]:
        """What two points that are the same have in common."""
        value = self.values[row]
        return (
            self.times[row], self.raw_steps[row], self.flags[row] & FLOAT_STEP, value if value == value else None,
            self.exact.get(row),
        )  # fmt: skip

    def without(self, known: set[tuple[Any, ...]]) -> Columns:
        """The points that are not among some identities."""
        rows = [row for row in range(len(self)) if self.identity(row) not in known]
        return self if len(rows) == len(self) else self.chosen(rows)

    def last(self, row: int) -> Last:
        """A point, which can be compared by its rank."""
        return Last(self.flags[row], self.raw_steps[row], self.times[row], self.values[row])

    def greatest(self) -> int:
        """The row of the last point by step, time and value."""
        if len(self) == 1 or (self._whole and all(map(lt, self.raw_steps, self.raw_steps[1:]))):
            return len(self) - 1
        return max(range(len(self)), key=lambda row: self.last(row).rank)

    def summary(self) -> Summary:
        """What the points do."""
        steps, values = self.steps, self.values
        if len(values) == 1 and values[0] == values[0]:
            value, step = values[0], float(steps[0])
            return Summary(1, 1, value, value, step, value, step, value, step)
        if not all(map(eq, values, values)) or not all(map(eq, steps, steps)):
            found = Summary()
            for value, step in zip(values, steps, strict=True):
                found.take(value, float(step))
            return found
        low, high, first = min(values), max(values), min(steps)
        return Summary(
            len(values), len(values), sum(values), values[steps.index(first)], float(first),
            low, _lowest_step(steps, values, low), high, _lowest_step(steps, values, high),
        )  # fmt: skip

    @property
    def reach(self) -> tuple[float, float]:
        """The lowest and the highest step as float64, NaN being lowest of all."""
        steps = self.steps
        if not self._whole:
            steps = [step if step == step else -inf for step in steps]
        return float(min(steps)), float(max(steps))


def _lowest_step(steps: Sequence[float], values: Sequence[float], value: float) -> float:
    first = values.index(value)
    if values.count(value) == 1:
        return float(steps[first])
    return float(min(step for step, one in zip(steps, values, strict=True) if one == value))


def _rank(value: float) -> tuple[bool, float]:
    return (False, value) if value == value else (True, 0.0)


def by_series(points: Iterable[Point], exact: Iterable[Exact]) -> dict[Name, Columns]:
    """Points as they are logged, as columns of each series. A point that comes twice stays once."""
    of_key: dict[Key, list[Point]] = {}
    points = list(points)
    keys = [point[0] for point in points]
    if keys and keys.count(keys[0]) == len(keys):  # as most batches are
        of_key[keys[0]] = points
    else:
        for key, point in zip(keys, points, strict=True):
            of_key.setdefault(key, []).append(point)
    found: dict[Name, Columns] = {}
    for key, own in of_key.items():
        columns = Columns(
            [point[1] for point in own], [point[2] for point in own], [point[3] for point in own],
            [float(point[4]) for point in own],
        )  # fmt: skip
        found.setdefault(name_of(key), Columns()).extend(columns)
    _give_texts(found, exact)
    for columns in found.values():
        _check(columns)
    return {name: columns.distinct() for name, columns in found.items()}


def name_of(key: Key) -> Name:
    """The series of a key, as the tables hold it."""
    parts = (key, None, None, None) if isinstance(key, str) else key
    metric, model, dataset, digest = (_NONE if part is None else storable(part) for part in parts)
    return metric, model, dataset, digest


def _give_texts(found: Mapping[Name, Columns], exact: Iterable[Exact]) -> None:
    texts: dict[tuple[Name, int], list[tuple[float, str]]] = {}
    for key, step, time, text in exact:
        texts.setdefault((name_of(key), time), []).append((step, text))
    if not texts:
        return
    for name, columns in found.items():
        steps = columns.steps
        for row, flag in enumerate(columns.flags):
            if flag & EXACT:
                for step, text in texts.get((name, columns.times[row]), ()):
                    if step == steps[row] and _near(text) == columns.values[row]:
                        columns.exact[row] = text


def _near(text: str) -> float:
    try:
        return float(int(text, 0))
    except (OverflowError, ValueError):
        return -inf if text.startswith("-") else inf


def _check(columns: Columns) -> None:
    for what, numbers in (("timestamp", columns.times), ("step", columns.raw_steps)):
        if not (min(numbers) >= -_WORD // 2 and max(numbers) < _WORD // 2):
            raise AutotrackException.invalid(f"a {what} does not fit into 64 bits")


def tail_blob(series: Mapping[Name, Columns]) -> bytes:
    """Points of several series as they came."""
    head: list[Any] = []
    whole = Columns()
    for name, columns in series.items():
        one: list[Any] = [*name, len(columns)]
        if columns.exact:
            one.append([[row, text] for row, text in columns.exact.items()])
        head.append(one)
        whole.extend(columns)
    steps, times, values = array("q", whole.raw_steps), array("q", whole.times), array("d", whole.values)
    return b"".join((_head(_TAIL, head), bytes(whole.flags), _bytes(steps), _bytes(times), _bytes(values)))


def from_tail(data: bytes, wanted: str | None = None) -> Iterator[tuple[Name, Columns]]:
    """The series of such a blob, all or those of one metric."""
    if wanted is not None and json.dumps(wanted).encode() not in data:
        return
    head, at = _read_head(data)
    total = sum(one[4] for one in head)
    flags = data[at : at + total]
    steps, times, values = (_array(kind, data, at + total + 8 * total * n, total) for n, kind in enumerate("qqd"))
    row = 0
    for metric, model, dataset, digest, count, *rest in head:
        end = row + count
        if wanted is None or metric == wanted:
            exact = dict(map(tuple, rest[0])) if rest else {}
            yield (
                (metric, model, dataset, digest),
                Columns(
                    list(flags[row:end]), steps[row:end].tolist(), times[row:end].tolist(), values[row:end].tolist(),
                    exact,
                ),
            )  # fmt: skip
        row = end


def chunk_blob(columns: Columns) -> bytes:
    """Points of one series, compressed."""
    head = [len(columns), [[row, text] for row, text in columns.exact.items()]]
    parts = [bytes(columns.flags)]
    for column in (_differences(columns.raw_steps), _differences(columns.times), array("d", columns.values)):
        raw = _bytes(column)
        parts += [raw[place::8] for place in range(8)]
    return _head(_CHUNK, head) + zlib.compress(b"".join(parts), 1)


def from_chunk(data: bytes) -> Columns:
    """The points of such a blob."""
    (count, exact), at = _read_head(data)
    raw = zlib.decompress(data[at:])
    columns = []
    for number, kind in enumerate("qqd"):
        start = count + 8 * count * number
        together = bytearray(8 * count)
        for place in range(8):
            together[place::8] = raw[start + place * count : start + (place + 1) * count]
        columns.append(_array(kind, bytes(together), 0, count))
    steps, times = (list(accumulate(column)) for column in columns[:2])
    if any(not -_WORD // 2 <= edge < _WORD // 2 for column in (steps, times) for edge in _edges(column)):
        steps, times = ([_wrapped(number) for number in column] for column in (steps, times))
    return Columns(list(raw[:count]), steps, times, columns[2].tolist(), {int(row): text for row, text in exact})


def _differences(column: Sequence[int]) -> array[int]:
    if not column:
        return array("q")
    found = [column[0], *map(sub, column[1:], column)]
    try:
        return array("q", found)
    except OverflowError:
        return array("q", map(_wrapped, found))


def _wrapped(number: int) -> int:
    """A number as 64 bits hold it: what overflows comes back right when the differences are added up."""
    return (number + _WORD // 2) % _WORD - _WORD // 2


def _edges(column: list[int]) -> tuple[int, ...]:
    return (min(column), max(column)) if column else ()


def _head(kind: bytes, head: Any) -> bytes:
    text = json.dumps(head, separators=(",", ":")).encode("ascii")
    return kind + len(text).to_bytes(4, "little") + text


def _read_head(data: bytes) -> tuple[Any, int]:
    at = 5 + int.from_bytes(data[1:5], "little")
    return json.loads(data[5:at]), at


def _bytes(column: array[Any]) -> bytes:
    if sys.byteorder == "big":
        column = array(column.typecode, column)
        column.byteswap()
    return column.tobytes()


def _array(kind: str, data: bytes, start: int, count: int) -> array[Any]:
    found: array[Any] = array(kind)
    found.frombytes(data[start : start + 8 * count])
    if sys.byteorder == "big":
        found.byteswap()
    return found
