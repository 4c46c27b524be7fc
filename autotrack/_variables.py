"""What the program calls its data: the variables at the place from which it calls."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from inspect import CO_OPTIMIZED, CO_VARARGS, CO_VARKEYWORDS
from types import FrameType
from typing import Any

FRAMES = 20
"""So many functions may have passed an object on."""
TAG = "autotrack.variable."
"""Before the name of a data set: the tag that tells what the program calls it."""
_COPIED = sys.version_info < (3, 13)
"""Whether a frame's variables are a copy that the frame keeps."""


def caller(*packages: str) -> FrameType | None:
    """The frame of the program that has made the call which is being recorded: the nearest that belongs neither to
    autotrack nor to one of these packages."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        package = (frame.f_globals.get("__name__") or "").partition(".")[0]
        if package not in packages and package not in ("autotrack", "wrapt") and not package.startswith("autotrack_"):
            return frame
        frame = frame.f_back
    return None


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


def variables(frame: FrameType | None, data: Mapping[str, Sequence[Any]]) -> dict[str, str]:
    """Tags ``autotrack.variable.<data set>`` that tell what the program calls its data sets, of those that it has a
    variable for. Of each set come the objects that stand for it, the one that names it best first."""
    found = {
        TAG + name: next(filter(None, (variable(frame, one, anywhere=True) for one in objects)), None)
        for name, objects in data.items()
    }
    return {tag: name for tag, name in found.items() if name is not None}


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
