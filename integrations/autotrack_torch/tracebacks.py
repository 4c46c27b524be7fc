"""Standing between the program and a function, so that its exceptions do not show it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType
from typing import Any


def transparently(call: Callable[..., Any], outer: CodeType, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call something for a function of ours whose code is ``outer``; if it raises, neither frame is in the traceback
    from here on up."""
    returned = False
    try:
        result = call(*args, **kwargs)
        returned = True
    finally:
        if not returned:
            _forget(sys.exc_info()[1], transparently.__code__, outer)
    return result


def _forget(error: BaseException | None, *ours: CodeType) -> None:
    trace = error.__traceback__ if error is not None else None
    while trace is not None and trace.tb_frame.f_code in ours:
        trace = trace.tb_next
    if error is not None and trace is not None:
        error.__traceback__ = trace
