"""What a series of points did so far, in a few numbers that merge with those of other parts of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, nan
from typing import Any, TypeVar

K = TypeVar("K")


@dataclass(slots=True)
class Summary:
    """The points of one series, or of a part of it.

    A NaN counts among ``points`` and may be ``first``; ``count``, ``total`` and the extremes leave it out. Steps are
    float64; of equal extremes the one at the lowest step is named. ``minimum`` is above ``maximum`` where there is
    nothing but NaN.
    """

    points: int = 0
    count: int = 0
    total: float = 0.0
    first: float = nan
    first_step: float = inf
    minimum: float = inf
    minimum_step: float = inf
    maximum: float = -inf
    maximum_step: float = inf

    @staticmethod
    def of(value: float, step: float) -> Summary:
        """The summary of one point."""
        if value != value:
            return Summary(1, 0, 0.0, value, step)
        return Summary(1, 1, value, value, step, value, step, value, step)

    def take(self, value: float, step: float) -> None:
        """Add a point."""
        self.merge(Summary.of(value, step))

    def merge(self, other: Summary) -> None:
        """Add another part of the series; the same points twice count twice."""
        if not self.points or other.first_step < self.first_step:
            self.first, self.first_step = other.first, other.first_step
        self.points += other.points
        self.count += other.count
        self.total += other.total
        self.minimum, self.minimum_step = min((self.minimum, self.minimum_step), (other.minimum, other.minimum_step))
        highest, step = min((-self.maximum, self.maximum_step), (-other.maximum, other.maximum_step))
        self.maximum, self.maximum_step = -highest, step


def summaries(ids: Sequence[int], steps: Sequence[float], values: Sequence[float]) -> dict[int, Summary]:
    """The summary of each series of a file's part, given as columns: sequences, or arrays of numpy."""
    if not isinstance(ids, tuple | list):
        return dict(_summaries_fast(sys.modules["numpy"], ids, steps, values))
    found: dict[int, Summary] = {}
    for key_id, step, value in zip(ids, steps, values, strict=True):
        gather(found, key_id, Summary.of(value, step))
    return found


def gather(found: dict[K, Summary], key: K, part: Summary) -> None:
    """Add a part to a series that may be the first one of it; who gave the part lets it go."""
    if (known := found.get(key)) is None:
        found[key] = part
    else:
        known.merge(part)


def _summaries_fast(np: Any, ids: Any, steps: Any, values: Any) -> Iterator[tuple[int, Summary]]:
    if not len(ids):
        return
    order = np.lexsort((steps, ids))  # stable: of equal steps the one written first comes first
    ids, steps, values = ids[order], steps[order].astype("f8"), values[order]
    starts = np.flatnonzero(np.concatenate(([True], ids[1:] != ids[:-1])))
    sizes = np.diff(np.append(starts, len(ids)))
    number = values == values
    with np.errstate(invalid="ignore"):  # the sum of opposite infinities is NaN, and that is what it is
        totals = np.add.reduceat(np.where(number, values, 0.0), starts)
    rows = np.arange(len(ids))
    columns = [ids[starts], sizes, np.add.reduceat(number.astype("i8"), starts), totals, values[starts], steps[starts]]
    for reduced, worst in ((np.minimum, inf), (np.maximum, -inf)):
        extremes = reduced.reduceat(np.where(number, values, worst), starts)
        at = np.minimum.reduceat(np.where(number & (values == np.repeat(extremes, sizes)), rows, len(ids)), starts)
        columns += [extremes, np.append(steps, inf)[at]]
    for key_id, *parts in zip(*(column.tolist() for column in columns), strict=True):
        yield key_id, Summary(*parts)
