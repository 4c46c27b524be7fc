"""Drawings as SVG that stands inside a page and takes its colours from there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from autotrack.analysis.wording import clean, number

if TYPE_CHECKING:
    from autotrack.analysis.importance import Importance
    from autotrack.analysis.reports.curves import Panel
    from autotrack.analysis.reports.facts import Spread

WIDTH, HEIGHT = 460, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 10, 10, 24
_ROW, _NAMES, _FIGURES = 22, 150, 96
_DECADES = 50
"""The ratio of the greatest to the least value from which positive numbers are drawn on a logarithmic axis."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Puts values of ``low..high`` between two places of a drawing."""

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    @classmethod
    def around(cls, values: Sequence[float], start: float, stop: float, *, log: bool = False) -> Axis:
        """One on which all of these values have a place; those of parameters may be told apart by their logarithms."""
        low, high = min(values), max(values)
        if log and low > 0 and high / low >= _DECADES:
            return cls(math.log10(low), math.log10(high), start, stop, log=True)
        if low == high:
            low, high = low - (abs(low) / 10 or 0.5), high + (abs(high) / 10 or 0.5)
        return cls(low, high, start, stop)

    def at(self, value: float) -> float:
        """The place of a value."""
        where = math.log10(value) if self.log else value
        # Halves, as the range itself may be larger than a float.
        part = (where / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return round(self.start + part * (self.stop - self.start), 1)

    def ticks(self, count: int) -> list[float]:
        """At most about so many round values."""
        if self.log:
            powers = range(math.ceil(self.low - 1e-9), math.floor(self.high + 1e-9) + 1)
            every = max(1, math.ceil(len(powers) / count))
            return [10.0**power for power in powers[::every]] or [10**self.low, 10**self.high]
        span = self.high / count - self.low / count
        if not math.isfinite(span) or span <= 0:
            return [self.low, self.high]
        size = 10.0 ** math.floor(math.log10(span))
        step = next(size * of for of in (1, 2, 5, 10) if size * of >= span * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        found = [round(step * n, 12 - math.floor(math.log10(step))) for n in range(first, first + 2 * count + 2)]
        return [value for value in found if value <= self.high + step * 1e-6]


def curves(panel: Panel) -> Markup:
    """A line for each run over its steps, the best run on top; gaps where a value was not finite."""
    steps = [at for one in panel.curves for at, _ in one.points if math.isfinite(at)]
    values = [value for one in panel.curves for _, value in one.points if value is not None]
    if not steps or not values:
        return Markup("")
    across = Axis.around(steps, _LEFT, WIDTH - _RIGHT)
    up = Axis.around(values, HEIGHT - _BOTTOM, _TOP)
    parts = [*_frame(across, up)]
    for one in reversed(panel.curves):
        title = Markup("<title>{}</title>").format(clean(one.name))
        for piece in _pieces(one.points):
            if len(piece) == 1:
                parts.append(
                    Markup('<circle class="c{}" cx="{}" cy="{}" r="2.5">{}</circle>').format(
                        one.colour, across.at(piece[0][0]), up.at(piece[0][1]), title
                    )
                )
            else:
                line = " ".join(f"{across.at(at)},{up.at(value)}" for at, value in piece)
                parts.append(Markup('<polyline class="l{}" points="{}">{}</polyline>').format(one.colour, line, title))
    return _drawing(WIDTH, HEIGHT, f"{panel.metric} over the steps", parts)


def spread(one: Spread, metric: str) -> Markup:
    """A point for each run: the metric by one parameter."""
    if not one.points:
        return Markup("")
    up = Axis.around([value for _, value in one.points], HEIGHT - _BOTTOM, _TOP)
    places = [at for at, _ in one.points]
    if one.names:
        across = Axis(-0.5, len(one.names) - 0.5, _LEFT, WIDTH - _RIGHT)
        room = max(3, int((WIDTH - _LEFT - _RIGHT) / len(one.names) / 6.5))
        marks: list[tuple[float, str]] = [(float(place), _short(name, room)) for place, name in enumerate(one.names)]
    else:
        across = Axis.around(places, _LEFT + 8, WIDTH - _RIGHT - 8, log=True)
        marks = [(value, number(value)) for value in across.ticks(6)]
    parts = [*_frame(across, up, marks)]
    parts += [
        Markup('<circle class="dot" cx="{}" cy="{}" r="3.2"><title>{}</title></circle>').format(
            across.at(at), up.at(value), number(value)
        )
        for at, value in one.points
    ]
    return _drawing(WIDTH, HEIGHT, f"{metric} by {one.parameter}", parts)


def bars(found: Importance, count: int = 12) -> Markup:
    """A bar for each parameter as long as it mattered, with a line as long as that is uncertain."""
    weights = found.weights[:count]
    widest = max((one.permutation + one.permutation_std for one in weights), default=0.0) or 1.0
    across = Axis(0.0, widest, _NAMES, 2 * WIDTH - _FIGURES)
    parts: list[Markup] = []
    for place, one in enumerate(weights):
        middle = place * _ROW + _ROW / 2
        low, high = (across.at(max(0.0, one.permutation + way * one.permutation_std)) for way in (-1, 1))
        parts += [
            Markup('<text class="name" x="{}" y="{}">{}<title>{}</title></text>').format(
                _NAMES - 10, middle + 4, _short(one.parameter, 22), clean(one.parameter)
            ),
            Markup('<rect class="bar" x="{}" y="{}" width="{}" height="12" rx="2"/>').format(
                _NAMES, middle - 6, max(1.0, round(across.at(one.permutation) - _NAMES, 1))
            ),
            Markup('<path class="error" d="M{0},{2}H{1}M{0},{3}v8M{1},{3}v8"/>').format(low, high, middle, middle - 4),
            Markup('<text class="figure" x="{}" y="{}">{:.2f} ± {:.2f}</text>').format(
                2 * WIDTH, middle + 4, one.permutation, one.permutation_std
            ),
        ]
    return _drawing(2 * WIDTH, len(weights) * _ROW, f"what mattered for {found.metric}", parts)


def sparkline(points: Sequence[tuple[float, float | None]], width: int = 24) -> str:
    """A curve in one line of text."""
    values = [value for _, value in points if value is not None]
    if not values:
        return ""
    picked = (
        [values[round(n * (len(values) - 1) / (width - 1))] for n in range(width)] if len(values) > width else values
    )
    low, high = min(picked), max(picked)
    levels = [int((value / 2 - low / 2) / ((high / 2 - low / 2) or 1.0) * 7.999) for value in picked]
    return "".join("▁▂▃▄▅▆▇█"[level] for level in levels)


def _pieces(points: Sequence[tuple[float, float | None]]) -> Iterator[list[tuple[float, float]]]:
    piece: list[tuple[float, float]] = []
    for at, value in points:
        if value is not None and math.isfinite(at):
            piece.append((at, value))
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece


def _frame(across: Axis, up: Axis, marks: Sequence[tuple[float, str]] | None = None) -> Iterator[Markup]:
    for value in up.ticks(5):
        at = up.at(value)
        yield Markup('<path class="grid" d="M{},{}H{}"/>').format(_LEFT, at, WIDTH - _RIGHT)
        yield Markup('<text class="y" x="{}" y="{}">{}</text>').format(_LEFT - 7, at + 3.5, number(value))
    for value, name in [(value, number(value)) for value in across.ticks(6)] if marks is None else marks:
        yield Markup('<text class="x" x="{}" y="{}">{}</text>').format(across.at(value), HEIGHT - 7, name)


def _drawing(width: int, height: int, label: str, parts: Sequence[Markup]) -> Markup:
    start = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">').format(width, height, clean(label))
    return start + Markup("").join(parts) + Markup("</svg>")


def _short(text: str, room: int) -> Markup:
    shown = clean(text)
    return escape(shown if len(shown) <= room else f"{shown[: room - 1]}…")
