"""A curve at any zoom: buckets that lie on one fixed grid, so that parts of a curve can be summed up apart.

A bucket of level k holds the points with floor(x / 2**k) alike, x being the step or the time. A bucket of one level is
two of the level below, whole: what is summed up at a fine level gives every coarser one exactly, whichever points were
summed up together, and in whichever order they came.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from operator import le, lt

from autotrack.exceptions import AutotrackException

AXES = ("step", "time")
MOST = 10_000
"""Buckets of the longest answer."""
CELLS = 128
"""Buckets that a stretch of points is summed up in, for each axis."""
_ONE = -1100
"""The level of points that all have one x: below all others."""

Bucket = list[float]
"""Of the points of a bucket: the lowest x, how many there are, are NaN, and are infinite; and of those that are neither
the first, the last, the least and the greatest value: each with its x, the first and the last also with their place on
the other axis, which tells which of those with one x is meant. NaN where there is none."""
_AT, _COUNT, _NAN, _INFINITE, _FIRST, _LAST, _LEAST, _GREATEST = 0, 1, 2, 3, 4, 7, 10, 12
_ROW = struct.Struct("<14d")


@dataclass(slots=True)
class Buckets:
    """A curve, or a part of it, as columns. ``at`` is where each bucket begins, ``width`` how far it reaches; of values
    the finite ones, NaN where a bucket has none. ``count`` includes NaN and infinite values; points whose place on the
    axis is not finite are left out."""

    axis: str
    width: float = 1.0
    at: list[float] = field(default_factory=list)
    count: list[int] = field(default_factory=list)
    nan: list[int] = field(default_factory=list)
    inf: list[int] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    first_at: list[float] = field(default_factory=list)
    last: list[float] = field(default_factory=list)
    last_at: list[float] = field(default_factory=list)
    minimum: list[float] = field(default_factory=list)
    minimum_at: list[float] = field(default_factory=list)
    maximum: list[float] = field(default_factory=list)
    maximum_at: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of a curve is wanted: from ``start`` to ``end`` on an axis, both included, in at most ``points``
    buckets. Raises for what makes no sense."""

    axis: str = "step"
    start: float | None = None
    end: float | None = None
    points: int = 500

    def __post_init__(self) -> None:
        if self.axis not in AXES:
            raise AutotrackException.invalid(f"{self.axis!r} is no axis of a curve; give step or time")
        if not 2 <= self.points <= MOST:
            raise AutotrackException.invalid(f"{self.points} buckets are asked for; give 2 to {MOST}")
        if any(edge is not None and not math.isfinite(edge) for edge in (self.start, self.end)):
            raise AutotrackException.invalid("a range of a curve begins and ends with numbers")

    @property
    def reach(self) -> tuple[float, float]:
        """The range, as far as infinity where nothing is said."""
        return -math.inf if self.start is None else self.start, math.inf if self.end is None else self.end


Points = tuple[Sequence[float], Sequence[float], Sequence[float]]
"""Steps, times and values."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some points of a curve between two places of an axis: perhaps summed up, and how to read them."""

    low: float
    high: float
    cells: bytes | None
    points: Callable[[], Points]


def level_of(low: float, high: float, most: int) -> int:
    """The finest level at which at most so many buckets lie between two places."""
    if low == high:
        return _ONE
    level = max(-1074, math.frexp(high / most - low / most)[1] - 2)
    while cell(high, level) - cell(low, level) >= most:
        level += 1
    return level


def cell(x: float, level: int) -> int:
    """The number of the bucket of a place."""
    return 0 if level == _ONE else math.floor(math.ldexp(x, -level))


def summed(steps: Sequence[float], times: Sequence[float], values: Sequence[float]) -> list[bytes | None]:
    """A stretch of points summed up for each axis, to be kept; ``None`` where none has a place on it."""
    found: list[bytes | None] = []
    for places in ((steps, times), (times, steps)):
        xs, others, ys = _sorted(*places, values)
        level = level_of(xs[0], xs[-1], CELLS) if xs else _ONE
        found.append(_blob(level, _buckets(xs, others, ys, level)) if xs else None)
    return found


def part_of(steps: Sequence[float], times: Sequence[float], values: Sequence[float], axis: str) -> Part:
    """A stretch of points that has not been summed up."""
    low, high = reach(steps if axis == "step" else times)
    return Part(low, high, None, lambda: (steps, times, values))


def reach(places: Iterable[float]) -> tuple[float, float]:
    """The lowest and the highest place on an axis; of nothing that has one, infinity and its negative."""
    finite = list(filter(math.isfinite, map(float, places)))
    return (min(finite), max(finite)) if finite else (math.inf, -math.inf)


def together(asked: Asked, parts: Iterable[Part]) -> Buckets:
    """Parts of a curve as one."""
    there = [part for part in parts if part.low <= part.high]
    low = max([asked.reach[0], min((part.low for part in there), default=math.inf)])
    high = min([asked.reach[1], max((part.high for part in there), default=-math.inf)])
    if low > high:
        return Buckets(asked.axis)
    level = level_of(low, high, asked.points)
    found: dict[int, Bucket] = {}
    for part in there:
        if part.high < low or part.low > high:
            continue
        if low <= part.low and part.high <= high and part.cells is not None and _level_in(part.cells) <= level:
            buckets = _buckets_in(part.cells)
        else:
            buckets = _of_points(asked, level, *part.points())
        for one in buckets:
            number = cell(one[_AT], level)
            if number in found:
                _merge(found[number], one)
            else:
                found[number] = one
    numbers = sorted(found)
    return _columns(asked.axis, level, numbers, [found[number] for number in numbers])


def _columns(axis: str, level: int, numbers: Sequence[int], rows: Sequence[Bucket]) -> Buckets:
    one = level == _ONE
    width = 1.0 if one else math.ldexp(1.0, level)
    at = [row[_AT] for row in rows] if one else [math.ldexp(number, level) for number in numbers]
    count, nan, inf = ([int(row[place]) for row in rows] for place in (_COUNT, _NAN, _INFINITE))
    places = [place + more for place in (_FIRST, _LAST, _LEAST, _GREATEST) for more in (0, 1)]
    return Buckets(axis, width, at, count, nan, inf, *([row[place] for row in rows] for place in places))


def _level_in(blob: bytes) -> int:
    return int.from_bytes(blob[:2], "little", signed=True)


def _buckets_in(blob: bytes) -> list[Bucket]:
    return list(map(list, _ROW.iter_unpack(zlib.decompress(blob[2:]))))


def _of_points(
    asked: Asked, level: int, steps: Sequence[float], times: Sequence[float], values: Sequence[float]
) -> list[Bucket]:
    """The points of a stretch that lie in the range."""
    xs, others = (steps, times) if asked.axis == "step" else (times, steps)
    xs, others, values = _sorted(xs, others, values)
    low, high = asked.reach
    if xs and (xs[0] < low or xs[-1] > high):
        rows = [row for row, x in enumerate(xs) if low <= x <= high]
        xs, others, values = ([column[row] for row in rows] for column in (xs, others, values))
    return _buckets(xs, others, values, level)


def _sorted(
    xs: Sequence[float], others: Sequence[float], values: Sequence[float]
) -> tuple[list[float], list[float], list[float]]:
    """Points by their place on the axis, then on the other one, then by value; those without a place left out."""
    xs, others, values = list(map(float, xs)), list(map(float, others)), list(values)
    if not all(map(math.isfinite, xs)):
        rows = [row for row, x in enumerate(xs) if math.isfinite(x)]
        xs, others, values = ([column[row] for row in rows] for column in (xs, others, values))
    if all(map(lt, xs, xs[1:])) or all(map(lt, zip(xs, others, strict=True), zip(xs[1:], others[1:], strict=True))):
        return xs, others, values
    keys = list(zip(xs, map(_rank, others), map(_rank, values), strict=True))
    if all(map(le, keys, keys[1:])):
        return xs, others, values
    order = sorted(range(len(xs)), key=keys.__getitem__)
    return [xs[row] for row in order], [others[row] for row in order], [values[row] for row in order]


def _rank(number: float) -> tuple[bool, float]:
    # NaN compares with nothing; it goes last among its like.
    return (False, number) if number == number else (True, 0.0)


def _buckets(xs: Sequence[float], others: Sequence[float], values: Sequence[float], level: int) -> list[Bucket]:
    """The buckets of sorted points."""
    found: list[Bucket] = []
    begin = 0
    while begin < len(xs):
        end = _end(xs, begin, level)
        part = values[begin:end]
        bucket = [xs[begin], float(end - begin), 0.0, 0.0]
        if math.isfinite(sum(part)) or all(map(math.isfinite, part)):
            rows: Sequence[int] = range(begin, end)
        else:
            rows = [row for row in range(begin, end) if math.isfinite(values[row])]
            bucket[_NAN] = float(sum(value != value for value in part))
            bucket[_INFINITE] = float(end - begin - len(rows)) - bucket[_NAN]
            part = [values[row] for row in rows]
        if rows:
            first, last = rows[0], rows[-1]
            least, greatest = (rows[part.index(value)] for value in (min(part), max(part)))
            bucket += [values[first], xs[first], others[first], values[last], xs[last], others[last]]
            bucket += [values[least], xs[least], values[greatest], xs[greatest]]
        else:
            bucket += [math.nan] * 10
        found.append(bucket)
        begin = end
    return found


def _end(xs: Sequence[float], begin: int, level: int) -> int:
    """Where the points end that share a bucket with the one at ``begin``; looked for by doubling, then by halving."""
    number = cell(xs[begin], level)
    stride = 1
    while begin + stride < len(xs) and cell(xs[begin + stride], level) == number:
        stride *= 2
    low, high = begin + stride // 2, min(begin + stride, len(xs))
    while high - low > 1:
        middle = (low + high) // 2
        if cell(xs[middle], level) == number:
            low = middle
        else:
            high = middle
    return high


def _merge(into: Bucket, other: Bucket) -> None:
    into[_AT] = min(into[_AT], other[_AT])
    for place in (_COUNT, _NAN, _INFINITE):
        into[place] += other[place]
    if other[_FIRST] != other[_FIRST]:
        return
    if into[_FIRST] != into[_FIRST]:
        into[_FIRST:] = other[_FIRST:]
        return
    if _place(other, _FIRST) < _place(into, _FIRST):
        into[_FIRST:_LAST] = other[_FIRST:_LAST]
    if _place(other, _LAST) > _place(into, _LAST):
        into[_LAST:_LEAST] = other[_LAST:_LEAST]
    if (other[_LEAST], other[_LEAST + 1]) < (into[_LEAST], into[_LEAST + 1]):
        into[_LEAST:_GREATEST] = other[_LEAST:_GREATEST]
    if (-other[_GREATEST], other[_GREATEST + 1]) < (-into[_GREATEST], into[_GREATEST + 1]):
        into[_GREATEST:] = other[_GREATEST:]


def _place(bucket: Bucket, which: int) -> tuple[float, tuple[bool, float], float]:
    return bucket[which + 1], _rank(bucket[which + 2]), bucket[which]


def _blob(level: int, buckets: Iterable[Bucket]) -> bytes:
    return level.to_bytes(2, "little", signed=True) + zlib.compress(b"".join(_ROW.pack(*one) for one in buckets), 1)
