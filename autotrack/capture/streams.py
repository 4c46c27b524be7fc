"""Hearing what the program writes to its standard output and error, without being in the way.

The streams stay the objects that they are. While somebody listens, they have an attribute ``write`` of their own, which
calls the one that was there and then passes the text on. What reaches the terminal on another way is not heard: that of
other processes, of C code, of ``sys.stdout.buffer``, and by a ``write`` that was taken out of the stream before.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from contextvars import ContextVar
from io import TextIOWrapper
from typing import Any

Listener = Callable[[str], None]

_listeners: tuple[Listener, ...] = ()
_covered: list[tuple[Any, Any, Any]] = []
"""Each stream with the ``write`` of its own that it had, if any, and the one that it has now."""
_lock = threading.RLock()
_passed: ContextVar[bool] = ContextVar("autotrack_passed", default=False)
_NONE = object()


def listen(listener: Listener) -> None:
    """Have a function called with every text that is written from now on, in the thread that writes it."""
    global _listeners
    with _lock:
        _listeners = (*_listeners, listener)
        for stream in (sys.stdout, sys.stderr):
            if not any(stream is known for known, _, _ in _covered):
                _cover(stream)


def unlisten(listener: Listener) -> None:
    """Call it no longer; the last one to go leaves the streams as they were."""
    global _listeners
    with _lock:
        _listeners = tuple(known for known in _listeners if known != listener)
        while _covered and not _listeners:
            stream, before, ours = _covered.pop()
            if getattr(stream, "__dict__", {}).get("write") is ours:
                if before is _NONE:
                    del stream.write
                else:
                    stream.write = before


def _cover(stream: Any) -> None:
    try:
        before = vars(stream).get("write", _NONE)
        ours = (_writing if type(stream) is TextIOWrapper else _passing)(stream.write)
        stream.write = ours
    except (AttributeError, TypeError):  # there is none, or one that takes no attribute
        return
    _covered.append((stream, before, ours))


def _writing(write: Callable[..., Any]) -> Callable[..., Any]:
    def written(text: Any) -> Any:
        returned = False
        try:
            result = write(text)
            returned = True
        finally:
            if not returned:
                _without_this_frame(sys.exc_info()[1])
        if not _passed.get():
            _tell(text)
        return result

    return written


def _passing(write: Callable[..., Any]) -> Callable[..., Any]:
    """That of a stream which may write to another one of those that are heard: the text is told once."""

    def written(*args: Any, **kwargs: Any) -> Any:
        inside = _passed.get()
        token = _passed.set(True)
        returned = False
        try:
            result = write(*args, **kwargs)
            returned = True
        finally:
            _passed.reset(token)
            if not returned:
                _without_this_frame(sys.exc_info()[1])
        if not inside and args:
            _tell(args[0])
        return result

    return written


def _tell(text: Any) -> None:
    if type(text) is str:
        for listener in _listeners:
            try:
                listener(text)
            except Exception:  # noqa: BLE001, S112 - to tell of it would be to write
                continue


def _without_this_frame(error: BaseException | None) -> None:
    if error is not None and error.__traceback__ is not None:
        error.__traceback__ = error.__traceback__.tb_next


def _after_fork() -> None:
    global _listeners, _lock
    _listeners, _lock = (), threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
