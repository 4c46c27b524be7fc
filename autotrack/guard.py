"""Where autotrack's own exceptions stop, so that training never sees them."""

from __future__ import annotations

import os
import sys
import threading
from types import TracebackType
from typing import Self

from autotrack.exceptions import Unrecorded

STRIKES = 8
"""Failures in a row at one place after which it is left alone for the rest of the process."""

_failures: dict[str, int] = {}
_in_a_row: dict[str, int] = {}
_said: set[str] = set()
_lock = threading.RLock()
MEDIUM = "recording"
"""The place of whatever a disk refuses: one warning for all of it."""
silent = False
"""Set by ``autolog(silent=True)``: failures are still counted, but not said."""


def strict() -> bool:
    """Whether failures are raised, as the tests want them (``AUTOTRACK_STRICT=1``)."""
    return os.environ.get("AUTOTRACK_STRICT") == "1"


def warn(site: str, message: str, error: BaseException | None = None) -> None:
    """Say something once per place, on the logger "autotrack"."""
    with _lock:
        if site in _said:
            return
        _said.add(site)
    if silent:
        return
    try:
        import logging  # costs milliseconds that a program without failures need not pay

        # Not `warnings`: a program that turns warnings into errors would be stopped by ours.
        logging.getLogger("autotrack").warning("autotrack: %s", message, exc_info=error if _debug() else None)
    except Exception:  # noqa: BLE001 - a broken logging set-up of the program is not ours to report
        return


def failed(site: str, error: BaseException, what: str | None = None) -> None:
    """Count a failure of ours and say it once; ``what`` failed, if that is more than the place says."""
    with _lock:
        _failures[site] = _failures.get(site, 0) + 1
        _in_a_row[site] = _in_a_row.get(site, 0) + 1
    kind = type(error).__name__
    warn(site, f"{what or site} failed ({kind}: {_text(error)}); the program itself is unaffected", error)


def succeeded(site: str) -> None:
    """End a series of failures at one place."""
    if site in _in_a_row:
        with _lock:
            _in_a_row.pop(site, None)


def tripped(site: str) -> bool:
    """Whether a place failed so often in a row that it is not tried again."""
    return _in_a_row.get(site, 0) >= STRIKES


def failures() -> dict[str, int]:
    """How often each place failed in this process."""
    with _lock:
        return dict(_failures)


def forget() -> None:
    """Forget every failure, as between two tests."""
    global silent
    with _lock:
        for memory in (_failures, _in_a_row, _said):
            memory.clear()
    silent = False


def _debug() -> bool:
    return os.environ.get("AUTOTRACK_DEBUG") == "1"


def _text(error: BaseException) -> str:
    try:
        return " ".join(str(error)[:300].split())
    except Exception:  # noqa: BLE001 - the error's own __str__ is somebody else's code
        return "?"


class guard:  # noqa: N801 - reads as a statement: `with guard(...)`
    """Swallow and count an ``Exception`` raised by autotrack's own code.

    ``BaseException`` passes: Ctrl-C and ``SystemExit`` belong to the user.
    """

    __slots__ = ("failed", "site")

    def __init__(self, site: str) -> None:
        self.site = site
        self.failed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None:
            return False
        self.failed = True
        if isinstance(error, Unrecorded):  # the user knows: it was said when the run was opened
            return True
        if not isinstance(error, Exception) or strict():
            return False
        failed(self.site, error)
        return True


def say(line: str) -> None:
    """The one line on stderr that tells where the record goes; never raises."""
    try:
        if not silent and sys.stderr is not None:
            sys.stderr.write(line + "\n")
    except Exception:  # noqa: BLE001 - a closed or replaced stderr is no reason to stop
        return


def _after_fork() -> None:
    # A thread that does not exist here may have held it.
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
