"""One file per tracker, found by looking: each defines ``TRACKER``."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from benchmarks.tracker import Tracker

OURS = "autotrack"


def names() -> list[str]:
    """Every tracker, autotrack first."""
    return sorted((module.name for module in pkgutil.iter_modules(__path__)), key=lambda name: (name != OURS, name))


def find(name: str) -> type[Tracker]:
    """The tracker of that name; the tracker itself is not imported yet."""
    tracker: type[Tracker] = import_module(f"{__name__}.{name}").TRACKER
    return tracker
