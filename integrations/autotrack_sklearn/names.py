"""Where in the program a call of scikit-learn's comes from."""

from __future__ import annotations

import sys
from types import FrameType

UNKNOWN = "unknown_dataset"
DEPTH = 50
"""So many frames up another call that is looked at is seen."""
OURS = ("autotrack", "autotrack_sklearn", "wrapt")
DECORATORS = ("_param_validation", "_set_output", "validation", "deprecation", "_available_if")
"""Modules of ``sklearn.utils`` whose functions stand around others."""


def caller(*through: str) -> FrameType | None:
    """The frame of the program that has called what is being looked at; ``None`` if scikit-learn itself has, or
    another call that is being looked at.

    Frames of the modules ``through`` count as the call's own.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__") or ""
        package = module.partition(".")[0]
        around = module.startswith("sklearn.utils.") and module[14:] in DECORATORS
        if package not in OURS and not around and module not in through:
            return None if package == "sklearn" or _is_inside(frame) else frame
        frame = frame.f_back
    return None


def _is_inside(frame: FrameType) -> bool:
    """Whether the call is made in the course of another one that is being looked at, as a score in a score."""
    above = frame.f_back
    for _ in range(DEPTH):
        if above is None:
            return False
        if above.f_code.co_name == "watched" and above.f_globals.get("__name__") == "autotrack._engine":
            return True
        above = above.f_back
    return False
