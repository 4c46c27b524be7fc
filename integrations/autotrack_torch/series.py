"""A curve per step that stays short however long the training is, and loses no extreme."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter

WHOLE = 1000
"""So many first points are all kept."""

Point = tuple[int, float, int]
"""``(step, value, time in ms)``"""
_value = itemgetter(1)


class Series:
    """Passes on all of the first thousand points; then, of every group of neighbours, the lowest and the highest, and
    the first that is no number. The groups grow with the curve: at most about 250 points come with each doubling."""

    __slots__ = ("_filled", "_high", "_low", "_odd", "_seen", "_width", "_write")

    def __init__(self, write: Callable[[Sequence[Point]], None]) -> None:
        self._write = write
        self._seen = self._filled = 0
        self._width = 8
        self._low: Point | None = None
        self._high: Point | None = None
        self._odd: Point | None = None

    def add(self, points: Sequence[Point]) -> None:
        """The next points; steps ascend."""
        whole = max(0, min(WHOLE - self._seen, len(points)))
        self._seen += whole
        kept = list(points[:whole])
        at = whole
        while at < len(points):
            some = points[at : at + self._width - self._filled]
            at += len(some)
            self._seen += len(some)
            self._sift(some)
            if self._filled >= self._width:
                kept += self._group()
                self._width = 8 << max(0, (self._seen // WHOLE).bit_length() - 1)
        if kept:
            self._write(kept)

    def _sift(self, points: Sequence[Point]) -> None:
        self._filled += len(points)
        numbers = [point for point in points if point[1] == point[1]]
        if len(numbers) < len(points):
            self._odd = self._odd or next(point for point in points if point[1] != point[1])
        if numbers:
            low, high = min(numbers, key=_value), max(numbers, key=_value)
            self._low = low if self._low is None or low[1] < self._low[1] else self._low
            self._high = high if self._high is None or high[1] > self._high[1] else self._high

    def _group(self) -> list[Point]:
        """What is kept of the group under way."""
        kept = sorted({point for point in (self._low, self._high, self._odd) if point})
        self._low = self._high = self._odd = None
        self._filled = 0
        return kept

    def flush(self) -> None:
        """Pass on what the group under way has so far, as at the end."""
        kept = self._group()
        if kept:
            self._write(kept)
