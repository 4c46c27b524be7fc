"""A table that fits its console: columns are narrowed, then left out, by what they are worth."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from autotrack.cli.console import box, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

_GAP = 3
_EDGES = 2
_BREAK = 12
"""Titles longer than this take two lines."""


@dataclass(slots=True)
class Column:
    """A column and how it yields when there is no room."""

    title: str
    cells: list[Text]
    right: bool = False
    least: int | None = None
    """Narrowed down to this many characters; ``None``: shown whole."""
    worth: int = 0
    """Left out before those that are worth more; 0: never."""

    @property
    def heading(self) -> list[str]:
        """The title in one line or two, broken at a sign between its words."""
        if len(self.title) <= _BREAK:
            return [self.title]
        places = [match.end() for match in re.finditer(r"[_/. -]+(?=\w)", self.title)]
        if not places:
            return [self.title]
        place = min(places, key=lambda at: abs(at - len(self.title) / 2))
        return [self.title[:place], self.title[place:]]

    @property
    def wide(self) -> int:
        """The width that shows everything."""
        return max(len(line) for line in [*self.heading, *(cell.plain for cell in self.cells)])


def fit(console: Console, columns: Sequence[Column]) -> Table:
    """The table of these columns in the console's width."""
    kept = list(columns)
    while True:
        widths = _widths(kept, console.width - _EDGES)
        total = sum(widths) + _GAP * (len(kept) - 1)
        spare = [column for column in kept if column.worth]
        if total <= console.width - _EDGES or not spare:
            break
        kept.remove(min(reversed(spare), key=lambda column: column.worth))
    shown = Table(box=box(console), pad_edge=False, header_style="bold")
    for column, width in zip(kept, widths, strict=True):
        shown.add_column(
            Text("\n").join(plain(line) for line in column.heading),
            justify="right" if column.right else "left",
            width=width,
            vertical="bottom",
        )
    for cells in zip(*(column.cells for column in kept), strict=True):
        shown.add_row(*cells)
    return shown


def _widths(columns: Sequence[Column], room: int) -> list[int]:
    """The columns' widths, the widest of those that yield narrowed first."""
    widths = [column.wide for column in columns]
    over = sum(widths) + _GAP * (len(columns) - 1) - room
    while over > 0:
        yielding = [
            i
            for i, column in enumerate(columns)
            if column.least is not None and widths[i] > max(column.least, *map(len, column.heading))
        ]
        if not yielding:
            break
        widest = max(yielding, key=lambda i: widths[i])
        widths[widest] -= 1
        over -= 1
    return widths
