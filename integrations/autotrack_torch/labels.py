"""What the program calls a model that it hands to an optimizer: its variable, or its attribute of an object."""

from __future__ import annotations

import sys
from inspect import CO_OPTIMIZED
from types import FrameType
from typing import Any

from autotrack.hooks import caller, variable

_LEVELS = 4
"""Functions in which an attribute is looked for, from where the optimizer is built outwards."""
_COPIED = sys.version_info < (3, 13)
"""Whether a frame's variables are a copy that the frame keeps."""


def called(model: Any) -> str:
    """The name at the place from which the program has called; empty if there is none."""
    frame = caller("torch", "accelerate", "lightning")
    return variable(frame, model) or _attribute(frame, model)


def attribute(owner: Any, value: Any) -> str:
    """The attribute that an object holds another one by; empty if it does not."""
    held = getattr(owner, "__dict__", {})
    for part in (held, held.get("_modules")):
        for name, found in list(part.items()) if isinstance(part, dict) else ():
            if found is value:
                return str(name)
    return ""


def _attribute(frame: FrameType | None, model: Any) -> str:
    for _ in range(_LEVELS):
        if frame is None:
            return ""
        name = attribute(_first_argument(frame), model)
        if name:
            return name
        frame = frame.f_back
    return ""


def _first_argument(frame: FrameType) -> Any:
    code = frame.f_code
    return local(frame, code.co_varnames[0]) if code.co_argcount else None


def local(frame: FrameType, name: str) -> Any:
    """The value of a function's variable."""
    kept = frame.f_locals
    found = kept.get(name)
    _let_go(frame, kept)
    return found


def everything(frame: FrameType) -> dict[str, Any]:
    """The variables of a function, or of a module."""
    kept = frame.f_locals
    found = dict(kept)
    _let_go(frame, kept)
    return found


def _let_go(frame: FrameType, kept: Any) -> None:
    """A copy of a function's variables is the frame's, which would hold what is in it until it returns."""
    if _COPIED and frame.f_code.co_flags & CO_OPTIMIZED and sys.getrefcount(kept) <= 4 and sys.gettrace() is None:
        kept.clear()  # nobody else has it: the frame, two functions here and the question
