"""Things side by side in a terminal; what differs first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from autotrack.cli import text
from autotrack.cli.console import box, plain
from autotrack.client.differences import Compared, differs

if TYPE_CHECKING:
    from rich.console import Console


def show(console: Console, titles: Sequence[str], compared: Compared, *, all_keys: bool) -> None:
    """A table for each part, a column for each thing; what is the same in all of them only on request."""
    same = 0
    for part, rows in compared.items():
        shown = {key: values for key, values in rows.items() if all_keys or differs(values)}
        same += len(rows) - len(shown)
        if not shown:
            continue
        grid = Table(box=box(console), pad_edge=False, header_style="dim")
        grid.add_column(part, overflow="fold")
        for title in titles:
            grid.add_column(plain(title), overflow="fold")
        for key, values in shown.items():
            style = "bold" if differs(values) else "dim"
            grid.add_row(text.clean(key), *(Text(cell, style) for cell in cells(values)))
        console.print(grid)
    if same:
        console.print(plain(f"{same} more are the same in all of them; --all shows them", "dim"))


def cells(values: Sequence[Any]) -> list[str]:
    """Values as they are printed; numbers with as many digits as it takes to tell those apart that differ."""
    for digits in (4, 6, 9, 17):
        shown = [_cell(value, digits) for value in values]
        if len(set(shown)) == len({repr(value) for value in values}):
            break
    return shown


def _cell(value: Any, digits: int) -> str:
    if value is None:
        return "-"
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.{digits}g}"
    return text.number(value) if isinstance(value, int | float) else text.clean(str(value))
