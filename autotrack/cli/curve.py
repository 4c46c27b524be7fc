"""A metric's history drawn with characters.

``draw`` turns series of ``(step, value)`` points into lines of text: with Braille dots where the terminal can
show them, with plain ASCII where it cannot. Needs nothing but the standard library.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

NARROWEST, WIDEST = 40, 120
"""The columns that a drawing takes at least and at most, whatever is asked for."""

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of a Braille character for each of its 4 rows and 2 columns of dots."""
_BRAILLE = 0x2800
_NO_SERIES = -1
_MARKS = "*o+x#@%&"
"""One mark a series where series cannot be told apart by colour."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One series to draw, in any order of steps. Values may be NaN or infinite."""

    label: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Style:
    """What the terminal can show."""

    unicode: bool = True
    color: bool = False
    """Whether the caller paints each series, so that several may share the same dots."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a drawing: text in pieces, each with the series that it belongs to, or -1."""

    pieces: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        return "".join(text for text, _ in self.pieces).rstrip()


@dataclass(slots=True)
class _Canvas:
    """Cells of characters, each made of ``across`` x ``down`` dots; row 0 is at the top."""

    columns: int
    rows: int
    across: int
    down: int
    cells: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    marks: dict[tuple[int, int], tuple[str, int]] = field(default_factory=dict)

    def dot(self, x: int, y: int, series: int) -> None:
        cell = (x // self.across, y // self.down)
        bits = _DOTS[y % self.down][x % self.across]
        self.cells[cell] = (self.cells.get(cell, (0, 0))[0] | bits, series)


@dataclass(frozen=True, slots=True)
class _Scale:
    """Places values of ``low..high`` on ``0..dots - 1``."""

    low: float
    high: float
    dots: int

    @classmethod
    def around(cls, values: Collection[float], dots: int) -> _Scale:
        low, high = min(values, default=0.0), max(values, default=1.0)
        if low == high:  # a constant runs through the middle
            pad = abs(low) / 10 or 0.5
            return cls(low - pad, high + pad, dots)
        return cls(low, high, dots)

    def place(self, value: float) -> int:
        # Halves, because the range itself may be larger than a float64.
        part = (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return min(self.dots - 1, max(0, round(part * (self.dots - 1))))

    def at(self, part: float) -> float:
        return self.low * (1 - part) + self.high * part


def draw(curves: Sequence[Curve], *, width: int = 80, height: int = 10, style: Style = Style()) -> list[Line]:
    """The curves in one frame, with axes and, for several, a legend.

    ``width`` counts every column, the axis labels included, and is kept within 40..120; ``height`` counts the
    rows of the frame. A value that is no finite number stands at the edge where it belongs: +Inf at the top,
    -Inf at the bottom, NaN on the axis below its step.
    """
    width, height = max(NARROWEST, min(WIDEST, width)), max(2, height)
    # A step that is no finite number has no place on the axis.
    series = [sorted((p for p in c.points if math.isfinite(p[0])), key=lambda p: p[0]) for c in curves]
    finite = [value for points in series for _, value in points if math.isfinite(value)]
    dotted = style.unicode and (style.color or len(curves) == 1)
    across, down = (2, 4) if dotted else (1, 1)
    vertical = _Scale.around(finite, height * down)
    labels = _row_labels(vertical, height) if finite else [""] * height
    gutter = max(map(len, labels))
    columns = width - gutter - 2
    steps = {step for points in series for step, _ in points}
    horizontal = _Scale.around(steps, columns * across)
    canvas = _Canvas(columns, height, across, down)
    odd: dict[int, int] = {}
    seen: set[str] = set()
    for index, points in enumerate(series):
        mark = _MARKS[index % len(_MARKS)]
        for x, y in _trace(points, horizontal, vertical):
            if dotted:
                canvas.dot(x, y, index)
            else:
                canvas.marks[x, y] = (mark, index)
        for step, value in points:
            if not math.isfinite(value):
                seen.add(_word(value))
                column = horizontal.place(step) // across
                if math.isnan(value):
                    odd[column] = index
                else:
                    canvas.marks[column, 0 if value > 0 else height - 1] = (_sign(value, style), index)
    lines = list(_frame(canvas, labels, gutter, style))
    lines += _floor(horizontal, _step_labels(steps), odd, gutter, columns, across, style)
    lines += _legend(curves, seen, width, dotted, style)
    return lines


def _trace(points: Sequence[tuple[float, float]], horizontal: _Scale, vertical: _Scale) -> Iterator[tuple[int, int]]:
    """The dots of one series: its points joined by straight lines, open where a value is not finite."""
    before: tuple[int, int] | None = None
    bottom = vertical.dots - 1
    for column in _columns(points, horizontal):
        for value in column.values:
            here = (column.x, bottom - vertical.place(value))
            yield from _segment(before or here, here)
            before = here
        if column.open:
            before = None


@dataclass(slots=True)
class _Column:
    """The points that share a column: the first, the extremes and the last tell all that can be seen."""

    x: int
    values: list[float]
    open: bool = False
    """Whether a value that is not finite follows."""


def _columns(points: Sequence[tuple[float, float]], horizontal: _Scale) -> Iterator[_Column]:
    column = _Column(-1, [])
    for step, value in points:
        x = horizontal.place(step)
        if x != column.x:
            if column.x >= 0:
                yield column
            column = _Column(x, [])
        if not math.isfinite(value):
            column.open = True
            continue
        column.open = False
        column.values.append(value)
        if len(column.values) > 4:
            first, last = column.values[0], column.values[-1]
            column.values = [first, min(column.values), max(column.values), last]
    if column.x >= 0:
        yield column


def _segment(start: tuple[int, int], end: tuple[int, int]) -> Iterator[tuple[int, int]]:
    (x0, y0), (x1, y1) = start, end
    steps = max(abs(x1 - x0), abs(y1 - y0), 1)
    for i in range(steps + 1):
        yield x0 + round((x1 - x0) * i / steps), y0 + round((y1 - y0) * i / steps)


def _frame(canvas: _Canvas, labels: Sequence[str], gutter: int, style: Style) -> Iterator[Line]:
    for y in range(canvas.rows):
        bar = ("┤" if labels[y] else "│") if style.unicode else ("+" if labels[y] else "|")
        pieces: list[tuple[str, int]] = [(f"{labels[y]:>{gutter}} {bar}", _NO_SERIES)]
        for x in range(canvas.columns):
            bits, owner = canvas.cells.get((x, y), (0, _NO_SERIES))
            char, owner = canvas.marks.get((x, y), (chr(_BRAILLE | bits) if bits else " ", owner))
            if pieces[-1][1] == owner:
                pieces[-1] = (pieces[-1][0] + char, owner)
            else:
                pieces.append((char, owner))
        yield Line(tuple(pieces))


def _floor(
    horizontal: _Scale,
    steps: Sequence[float],
    odd: dict[int, int],
    gutter: int,
    columns: int,
    across: int,
    style: Style,
) -> Iterator[Line]:
    corner, dash = ("└", "─") if style.unicode else ("+", "-")
    pieces: list[tuple[str, int]] = [(" " * (gutter + 1) + corner, _NO_SERIES)]
    pieces += [(_sign(math.nan, style), odd[x]) if x in odd else (dash, _NO_SERIES) for x in range(columns)]
    yield Line(tuple(pieces))
    row = [" "] * columns
    for step in steps:
        label = _number(step)
        x = max(0, min(columns - len(label), horizontal.place(step) // across - len(label) // 2))
        if all(cell == " " for cell in row[max(0, x - 1) : x + len(label) + 1]):
            row[x : x + len(label)] = label
    yield Line(((" " * (gutter + 2) + "".join(row), _NO_SERIES),))


def _legend(curves: Sequence[Curve], seen: set[str], width: int, dotted: bool, style: Style) -> Iterator[Line]:
    entries = []
    if len(curves) > 1:
        for index, curve in enumerate(curves):
            mark = "⠤⠤" if dotted else _MARKS[index % len(_MARKS)]
            entries.append((f"{mark} {curve.label}", index))
    signs = {"NaN": math.nan, "+Inf": math.inf, "-Inf": -math.inf}
    entries += [(f"{_sign(signs[word], style)} {word}", _NO_SERIES) for word in signs if word in seen]
    pieces: list[tuple[str, int]] = []
    used = 0
    for text, index in entries:
        if pieces and used + len(text) + 3 > width:
            yield Line(tuple(pieces))
            pieces, used = [], 0
        pieces += [("   " if pieces else "  ", _NO_SERIES), (text, index)]
        used += len(text) + 3
    if pieces:
        yield Line(tuple(pieces))


def _step_labels(steps: Collection[float]) -> list[float]:
    """The steps that the axis names: first, last, and the middle if there is such a step."""
    if not steps:
        return []
    low, high = min(steps), max(steps)
    middle = low + (high - low) / 2
    if all(float(step).is_integer() for step in steps):
        middle = low if high - low < 2 else round(middle)
    return list(dict.fromkeys((low, high, middle)))


def _row_labels(vertical: _Scale, height: int) -> list[str]:
    """The values of the top, the bottom and some rows between, told apart by as few digits as that takes."""
    every = next((n for n in (4, 3, 2, 5, 1) if (height - 1) % n == 0 and height > n), height - 1)
    wanted = {row: vertical.at(1 - row / (height - 1)) for row in range(0, height, every)}
    texts: dict[int, str] = {}
    for digits in range(3, 17):
        texts = {row: _number(value, digits) for row, value in wanted.items()}
        if len(set(texts.values())) == len(texts):
            break
    return [texts.get(row, "") for row in range(height)]


def _number(value: float, digits: int = 4) -> str:
    text = f"{value:.{digits}g}"
    if "e" in text and 1e-4 <= abs(value) < 1e7:
        return str(round(value))
    return text.replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")


def _word(value: float) -> str:
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def _sign(value: float, style: Style) -> str:
    if math.isnan(value):
        return "\N{MULTIPLICATION SIGN}" if style.unicode else "!"
    return ("↑" if value > 0 else "↓") if style.unicode else ("^" if value > 0 else "v")
