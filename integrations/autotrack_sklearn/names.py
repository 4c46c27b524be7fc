"""What the program calls its data: the variables at the place from which it calls."""

from __future__ import annotations

import sys
from inspect import CO_OPTIMIZED, CO_VARARGS, CO_VARKEYWORDS
from types import FrameType
from typing import Any

UNKNOWN = "unknown_dataset"
FRAMES = 20
"""So many functions may have passed an object on."""
DEPTH = 50
"""So many frames up another call that is looked at is seen."""
OURS = ("autotrack", "autotrack_sklearn", "wrapt")
DECORATORS = ("_param_validation", "_set_output", "validation", "deprecation", "_available_if")
"""Modules of ``sklearn.utils`` whose functions stand around others."""
_COPIED = sys.version_info < (3, 13)
"""Whether a frame's variables are a copy that the frame keeps."""


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


def variable(frame: FrameType | None, value: Any, *, anywhere: bool = False) -> str | None:
    """What an object is called where the call is, or where it comes from if it was passed on as an argument; with
    ``anywhere`` also by a variable of the module."""
    if value is None:
        return None
    for _ in range(FRAMES):
        if frame is None:
            return None
        found = _variables(frame)
        if not any(value is argument for argument in _arguments(frame, found)):
            names = [name for name, held in found.items() if held is value]
            if anywhere and not names:
                names = [name for name, held in list(frame.f_globals.items()) if held is value]
            return next((name for name in names if not name.startswith("_")), names[0] if names else None)
        frame = frame.f_back
    return None


def _variables(frame: FrameType) -> dict[str, Any]:
    kept = frame.f_locals
    found = dict(kept)
    if _COPIED and frame.f_code.co_flags & CO_OPTIMIZED and sys.getrefcount(kept) <= 3 and sys.gettrace() is None:
        # The frame would hold everything in it until it returns, also what the program deletes meanwhile. Nobody else
        # has this copy: it is referred to by the frame, by this function and by the question.
        kept.clear()
    return found


def _arguments(frame: FrameType, found: dict[str, Any]) -> list[Any]:
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    given = [found.get(name) for name in code.co_varnames[:count]]
    if code.co_flags & CO_VARARGS:
        given += found.get(code.co_varnames[count], ())
        count += 1
    if code.co_flags & CO_VARKEYWORDS:
        given += found.get(code.co_varnames[count], {}).values()
    return given
