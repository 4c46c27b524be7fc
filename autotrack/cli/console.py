"""Where the commands print, and how they fail."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from rich.box import ASCII, SIMPLE_HEAD, Box
from rich.console import Console
from rich.text import Text

from autotrack.cli import curve
from autotrack.cli.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

STATUS = {"FINISHED": "green", "FAILED": "bold red", "KILLED": "red", "LOST": "yellow", "RUNNING": "cyan"}
"""The colour of a run's state."""
SERIES = ("cyan", "magenta", "yellow", "green", "blue", "red", "white", "bright_cyan")
"""The colours of the curves in one drawing, in their order."""
UNPIPED = 120
"""Columns where there is no terminal to ask."""


def open_console() -> Console:
    """Standard output. What the record holds is printed as it is: no markup, no highlighting, no emoji."""
    with contextlib.suppress(AttributeError, ValueError):  # a replaced stdout
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # a TextIOWrapper by default
    width = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else UNPIPED
    return Console(width=width, markup=False, highlight=False, emoji=False)


def unicode(console: Console) -> bool:
    """Whether more than ASCII can be shown."""
    return not console.options.ascii_only


def box(console: Console) -> Box:
    """The lines of a table."""
    return SIMPLE_HEAD if unicode(console) else ASCII


def plain(text: str, style: str = "") -> Text:
    """Somebody else's text, safe to print, on one line."""
    return Text(clean(text), style=style, no_wrap=True, overflow="ellipsis")


def paint(console: Console, curves: Sequence[curve.Curve], *, height: int = 9) -> Text:
    """Curves in the console's width, colours and characters."""
    style = curve.Style(unicode=unicode(console), color=console.color_system is not None)
    text = Text(no_wrap=True, overflow="crop")
    for line in curve.draw(curves, width=console.width, height=height, style=style):
        for piece, series in line.pieces:
            text.append(piece, "dim" if series < 0 else SERIES[series % len(SERIES)])
        text.append("\n")
    text.rstrip()
    return text


def fail(message: str) -> NoReturn:
    """End with exit code 2 and one line that says what to do."""
    sys.stderr.write(f"autotrack: {clean(message)}\n")
    sys.exit(2)
