"""How values look to a reader, in a terminal and in a report."""

from __future__ import annotations

import math
import time


def clean(text: str) -> str:
    """One line without control characters, which could drive the terminal."""
    return "".join(c if c.isprintable() else " " if c in "\n\t" else ascii(c)[1:-1] for c in text)


def number(value: float) -> str:
    """Four significant digits; whole numbers in full."""
    if isinstance(value, int) or (math.isfinite(value) and value.is_integer() and abs(value) < 1e15):
        return str(int(value))
    return f"{value:.4g}"


def duration(milliseconds: float) -> str:
    """A length of time in the unit that suits it."""
    seconds = milliseconds / 1000
    if seconds < 1:
        return f"{max(0, round(milliseconds))} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def ago(time_ms: int, now_ms: float | None = None) -> str:
    """How long ago something was; a date when it is more than a month."""
    seconds = max(0.0, (time.time() * 1000 if now_ms is None else now_ms) - time_ms) / 1000
    if seconds < 10:
        return "just now"
    for size, unit in ((60, "s"), (60, "min"), (24, "h")):
        if seconds < size:
            return f"{seconds:.0f} {unit} ago"
        seconds /= size
    return f"{seconds:.0f} d ago" if seconds < 31 else time.strftime("%Y-%m-%d", time.localtime(time_ms / 1000))


def moment(time_ms: int) -> str:
    """A point in time, to the second, in the local time zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time_ms / 1000))


def size(count: int) -> str:
    """A number of bytes in the unit that suits it."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} TB"
