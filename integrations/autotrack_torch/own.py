"""What autotrack itself saves and loads with torch, which is none of the program's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

ours: ContextVar[bool] = ContextVar("autotrack_torch_own", default=False)


@contextmanager
def own() -> Iterator[None]:
    """While it lasts, this thread or task saves and loads for autotrack."""
    token = ours.set(True)
    try:
        yield
    finally:
        ours.reset(token)
