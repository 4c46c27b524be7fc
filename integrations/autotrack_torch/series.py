"""A curve per step that stays short however long the training is, and loses no extreme."""

from __future__ import annotations

from collections.abc import Callable

WHOLE = 1000
"""So many first points are all kept."""


class Series:
    """Passes on all of the first thousand points; then, of every group of neighbours, the lowest and the highest, and
    the first that is no number. The groups grow with the curve: at most about 250 points come with each doubling."""

    __slots__ = ("_filled", "_high", "_low", "_odd", "_seen", "_width", "_write")

    def __init__(self, write: Callable[[int, float], None]) -> None:
        self._write = write
        self._seen = self._filled = 0
        self._width = 8
        self._low: tuple[int, float] | None = None
        self._high: tuple[int, float] | None = None
        self._odd: tuple[int, float] | None = None

    def add(self, step: int, value: float) -> None:
        """The next point; steps ascend."""
        seen = self._seen = self._seen + 1
        if seen <= WHOLE:
            self._write(step, value)
            return
        if value != value:
            self._odd = self._odd or (step, value)
        elif self._low is None or self._high is None:
            self._low = self._high = (step, value)
        elif value < self._low[1]:
            self._low = (step, value)
        elif value > self._high[1]:
            self._high = (step, value)
        self._filled += 1
        if self._filled >= self._width:
            self.flush()
            self._width = 8 << max(0, (seen // WHOLE).bit_length() - 1)

    def flush(self) -> None:
        """Pass on what the group under way has so far, as at the end."""
        for point in sorted({point for point in (self._low, self._high, self._odd) if point}):
            self._write(*point)
        self._low = self._high = self._odd = None
        self._filled = 0
