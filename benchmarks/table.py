"""The figures of all processes as a table of medians, best values and ratios."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

from benchmarks import trackers, workloads
from benchmarks.workload import Row

Figures = dict[tuple[str, str, str], list[float]]
"""All repeats of a figure, by workload, row and tracker."""


@dataclass
class Table:
    """What was measured so far."""

    columns: list[str]
    figures: Figures = field(default_factory=lambda: defaultdict(list))

    def add(self, workload: str, tracker: str, figures: dict[str, float]) -> None:
        """One process's figures."""
        for key, value in figures.items():
            self.figures[workload, key, tracker].append(value)

    def markdown(self) -> str:
        """Medians, the smallest in brackets; for a peer, how many times autotrack's median that is."""
        head = ["", *self.columns, "promised"]
        lines = [_line(head), _line(["---", *("---:" for _ in self.columns), "---"])]
        for workload in self._workloads():
            title = (workloads.find(workload).__doc__ or workload).partition("\n")[0]
            lines.append(_line([f"**{title}**", *("" for _ in self.columns), ""]))
            for row in workloads.find(workload).ROWS:
                cells = [self._cell(workload, row, column) for column in self.columns]
                if any(cell != "n/a" for cell in cells):
                    lines.append(_line([row.title, *cells, self._promise(workload, row)]))
        return "\n".join(lines)

    def missed(self) -> list[str]:
        """Every promise that these medians do not keep."""
        return [
            f"{row.title}: {text}"
            for workload in self._workloads()
            for row in workloads.find(workload).ROWS
            for text, kept in self._promises(workload, row)
            if not kept
        ]

    def _workloads(self) -> list[str]:
        measured = {workload for workload, _, _ in self.figures}
        return [name for name in workloads.names() if name in measured]

    def _median(self, workload: str, row: Row, tracker: str) -> float | None:
        values = self.figures.get((workload, row.key, tracker))
        return median(values) if values else None

    def _cell(self, workload: str, row: Row, tracker: str) -> str:
        values = self.figures.get((workload, row.key, tracker))
        if not values:
            return "n/a"
        text = f"{_quantity(median(values), row.unit)} ({_quantity(min(values), row.unit)})"
        ours = self._median(workload, row, trackers.OURS)
        if tracker != trackers.OURS and ours is not None and ours > 0 and row.compared:
            text += f" **{_factor(median(values) / ours)}x**"
        return text

    def _promise(self, workload: str, row: Row) -> str:
        return "; ".join(f"{text} {'✓' if kept else '✗'}" for text, kept in self._promises(workload, row))

    def _promises(self, workload: str, row: Row) -> Iterator[tuple[str, bool]]:
        ours = self._median(workload, row, trackers.OURS)
        if ours is None:
            return
        if row.limit is not None:
            yield f"≤ {_quantity(row.limit, row.unit)}", ours <= row.limit
        for peer, factor in row.times.items():
            theirs = self._median(workload, row, peer)
            if theirs is not None:
                yield f"{factor:g}x {peer}", theirs >= factor * ours


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _quantity(value: float, unit: str) -> str:
    if unit != "s":
        return f"{_factor(value)}x" if unit == "x" else f"{_factor(value)} {unit}"
    for scale, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if abs(value) >= scale:
            return f"{_factor(value / scale)} {name}"
    return f"{value / 1e-9:.0f} ns"


def _factor(value: float) -> str:
    """Three digits, no exponent."""
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}"
