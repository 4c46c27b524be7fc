"""What is installed for autotrack, by entry points."""

from __future__ import annotations

from functools import cache

INTEGRATIONS = "autotrack.integrations"
"""Entry points: name = the module whose import is waited for, value = the package that has ``INTEGRATION``."""

DOORS = "autotrack.frameworks"
"""Entry points: name = what stands behind ``autotrack.``, value = the same package."""


@cache
def registered(group: str) -> dict[str, str]:
    """The entry points of a group: name and value."""
    from importlib.metadata import entry_points  # 20 ms that a program without integrations need not pay

    return {point.name: point.value for point in entry_points(group=group)}
