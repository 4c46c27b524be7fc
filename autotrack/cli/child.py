"""What happens at the start of every Python process below ``autotrack run``."""

from __future__ import annotations

import atexit
import sys

from autotrack import guard, settings


def activate() -> None:
    """Switch recording on for the frameworks that the program will import; loads none of them."""
    if settings.disabled():
        return
    # Registered before anything else: called last at exit, when the runs that were open have been ended.
    atexit.register(_at_exit)
    with guard.guard("autotrack run"):
        import autotrack

        autotrack.autolog()


def _at_exit() -> None:
    current = sys.modules.get("autotrack.current")
    if current is not None and current.left_open:
        with guard.guard("exit code"):
            from autotrack.cli import exitcode  # most processes never need it

            exitcode.watch(current.left_open)
