"""Knowing that an object of the program is gone."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def weak(what: T, gone: Callable[[weakref.ref[T]], object]) -> weakref.ref[T]:
    """A weak reference; ``gone`` is called with it once the program has let the object go.

    Not when the interpreter ends: it lets everything go then, also what ``gone`` would use, and says on stderr what
    that comes to. Raises a ``TypeError`` for what takes no weak reference.
    """

    def tell(ref: weakref.ref[T], gone: Any = gone, ending: Any = sys.is_finalizing) -> None:
        if not ending():
            gone(ref)

    return weakref.ref(what, tell)
