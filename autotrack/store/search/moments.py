"""Points and lengths of time as people write them.

A text names an interval, as a day is one: ``2026-11-20`` is from its midnight to the next, in the time zone of the
process that answers unless the text has an offset.

    moment := ISO 8601, as 2026, 2026-11, 2026-11-20, 2026-11-20 14:30, 2026-11-20T14:30:05+01:00
            | now | today | yesterday | COUNT UNIT ago | last COUNT UNIT
    length := COUNT UNIT, as 90 s, 5 min, 1.5 hours
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_UNITS = {
    "ms": 0.001, "millisecond": 0.001, "s": 1, "sec": 1, "second": 1, "m": 60, "min": 60, "minute": 60, "h": 3600,
    "hour": 3600, "d": 86400, "day": 86400, "w": 604800, "week": 604800, "month": 30 * 86400, "year": 365 * 86400,
}  # fmt: skip
_LENGTH = r"(?P<count>\d{1,9}(?:\.\d{1,9})?)?\s*(?P<unit>[a-z]{1,12})"
_AGO = re.compile(rf"{_LENGTH}\s+ago")
_LAST = re.compile(rf"(?:in\s+the\s+)?(?:last|past)\s+{_LENGTH}")
_EXACT = re.compile(_LENGTH)
_ISO = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)(?:[t ](?P<hour>\d\d):(?P<minute>\d\d)"
    r"(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,6}))?)?)?)?)?\s*(?P<zone>z|[+-]\d\d:?\d\d)?"
)


class Moment(NamedTuple):
    """From ``start`` up to, and without, ``end``; in ms since 1970."""

    start: int
    end: int


def moment(text: str, now: datetime | None = None) -> Moment | None:
    """The interval that a text names, ``None`` for one that names none."""
    words = text.strip().lower()
    now = now or datetime.now().astimezone()
    if words == "now":
        return _between(now, now)
    if words in ("today", "yesterday"):
        day = now - timedelta(days=words == "yesterday")
        return _interval(day.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None), timedelta(days=1), None)
    for pattern in (_AGO, _LAST):
        if found := pattern.fullmatch(words):
            seconds = _seconds(found)
            if seconds is None:
                return None
            try:
                then = now - timedelta(seconds=seconds)
            except OverflowError:
                return None
            return _between(then, then) if pattern is _AGO else _between(then, now + timedelta(milliseconds=1))
    found = _ISO.fullmatch(words)
    return None if found is None else _iso(found)


def seconds(text: str) -> float | None:
    """The length of time that a text names, in seconds; ``None`` for one that names none."""
    found = _EXACT.fullmatch(text.strip().lower())
    return None if found is None else _seconds(found)


def _seconds(found: re.Match[str]) -> float | None:
    unit = found["unit"]
    size = _UNITS.get(unit) or _UNITS.get(unit.removesuffix("s"))
    return None if size is None else float(found["count"] or 1) * size


def _iso(found: re.Match[str]) -> Moment | None:
    parts = {name: int(found[name]) for name in ("year", "month", "day", "hour", "minute", "second") if found[name]}
    micros = int((found["fraction"] or "").ljust(6, "0"))
    try:
        start = datetime(**{"month": 1, "day": 1, **parts}, microsecond=micros)  # type: ignore[arg-type]  # noqa: DTZ001 - the zone is the text's, or the process's
        if "day" not in parts:
            year, month = (start.year, start.month + 1) if "month" in parts else (start.year + 1, 1)
            following = start.replace(year=year + (month > 12), month=(month - 1) % 12 + 1)
            length = following - start
        else:
            finest = next(name for name in ("second", "minute", "hour", "day") if name in parts)
            length = timedelta(milliseconds=1) if found["fraction"] else timedelta(**{f"{finest}s": 1})
        return _interval(start, length, found["zone"])
    except (ValueError, OverflowError, OSError):
        return None


def _interval(start: datetime, length: timedelta, zone: str | None) -> Moment:
    if zone is None:  # of the local time that holds then, also where a day has 23 hours
        return _between(start.astimezone(), (start + length).astimezone())
    offset = UTC if zone == "z" else datetime.strptime(zone.replace(":", ""), "%z").tzinfo
    return _between(start.replace(tzinfo=offset), (start + length).replace(tzinfo=offset))


def _between(start: datetime, end: datetime) -> Moment:
    return Moment(*(int(one.timestamp() * 1000) for one in (start, end)))
