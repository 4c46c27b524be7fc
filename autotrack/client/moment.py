"""Moments in the past, as somebody writes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from autotrack.exceptions import AutotrackException


def milliseconds(at: Any) -> int:
    """A moment in ms since 1970: such a number itself, a ``datetime``, or a text such as ``2026-03-01 12:00``. One
    without a time zone is of the local one; a date is its first moment."""
    if isinstance(at, int) and not isinstance(at, bool):
        return at
    if isinstance(at, str) and at.strip().isdecimal() and len(at.strip()) > 10:  # shorter, it may be a date: 20260301
        return int(at)
    try:
        moment = at if isinstance(at, datetime) else datetime.fromisoformat(str(at).strip())
        return int(moment.timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise AutotrackException.invalid(
            f"{at!r} is no moment; give ms since 1970, a datetime, or a text such as '2026-03-01 12:00'"
        ) from None
