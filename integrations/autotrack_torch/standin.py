"""Plain functions in the places of torch's own: a compiler traces through them, and they pickle by name.

They stand where something is called in every step, and cost less than what looks at calls elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any

from autotrack_torch.integration import INTEGRATION

_STRIKES = 8
_failures = 0


def put(
    owner: Any, name: str, make: Callable[[Any], Any], otherwise: Callable[[Any], Any] | None = None
) -> Callable[[], None]:
    """Put ``make(original)`` in a function's place; returns what puts the original back, unless somebody else has
    replaced ours by then. If ``otherwise`` is given, it makes what takes any arguments, for an original whose
    parameters are others than those of the first: to have parameters costs less."""
    original = vars(owner)[name]
    ours = make(original)
    if otherwise is not None and _parameters(ours) != _parameters(original):
        ours = otherwise(original)
    ours = wraps(original)(ours)
    setattr(owner, name, ours)

    def undo() -> None:
        if vars(owner).get(name) is ours:
            setattr(owner, name, original)

    return undo


def _parameters(function: Any) -> Any:
    # What somebody else has put there is taken as it is, not as what it stands for.
    return [(one.name, one.kind, one.default) for one in signature(function, follow_wrapped=False).parameters.values()]


def hide(error: BaseException) -> None:
    """Take the frame of a stand-in off the traceback of what the original raised; to be raised again at once."""
    trace = error.__traceback__
    if trace is not None and trace.tb_next is not None:
        error.__traceback__ = trace.tb_next


def failed(place: str, error: Exception) -> None:
    """Something of ours failed in a stand-in: said once, and never the program's concern. What fails again and again
    is not tried any longer."""
    global _failures
    _failures += 1
    if _failures % _STRIKES == 0:
        INTEGRATION.disable()
        INTEGRATION.warn("failures", "nothing more is recorded in this program, as it has failed too often")
    with INTEGRATION.attempt(place):
        raise error
