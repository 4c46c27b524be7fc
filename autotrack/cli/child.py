"""What happens at the start of every Python process below ``autotrack run``."""

from __future__ import annotations

import atexit

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
    with guard.guard("exit code"):
        from autotrack.cli import exitcode  # at exit only: most processes never need it

        exitcode.watch()
