"""The files that a program reads as data: noted down as they are read, for the runs that use them.

A file that is read while no run is open belongs to the run that begins next. It belongs to later runs too, as long as
the program holds what it has read, or until it reads something else. Only names and numbers are kept here, and weak
references to what was read.
"""

from __future__ import annotations

import glob
import io
import os
import re
import stat
import threading
import weakref
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

MOST = 100
"""Files that are remembered for runs to come, and that one run has as inputs."""
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_lock = threading.RLock()


class Read(NamedTuple):
    """One file, as it was when it was read."""

    path: str
    """Absolute; or an address, as the program has it."""
    reader: str
    size: int = -1
    """Of a directory and of an address -1."""
    changed: int = 0
    """When it was changed last, in ns since 1970."""
    kind: str = "file"
    """Or "directory" or "address"."""


class _Held:
    __slots__ = ("given", "in_run", "read", "result")

    def __init__(self, read: Read, result: Any, *, in_run: bool) -> None:
        self.read = read
        self.in_run = in_run
        self.given = False
        self.result: Any = None
        try:
            self.result = weakref.ref(result)
        except TypeError:  # a list, a dict
            return

    def alive(self) -> bool:
        return self.result is not None and self.result() is not None


_held: dict[str, _Held] = {}


def described(source: Any, reader: str) -> Iterator[Read]:
    """What a reader was given, as files; nothing for what is none, such as a buffer."""
    if isinstance(source, list | tuple):
        for one in source[:MOST]:
            yield from described(one, reader)
        return
    if hasattr(source, "read"):
        source = _behind(source)
    if isinstance(source, bytes):
        source = os.fsdecode(source)
    if isinstance(source, os.PathLike):
        source = os.fspath(source)
    if not isinstance(source, str) or not source or len(source) > 4096 or "\n" in source:
        return
    if _ADDRESS.match(source) and not source.startswith("file://"):
        yield Read(source, reader, kind="address")
        return
    path = os.path.abspath(os.path.expanduser(source.removeprefix("file://")))  # noqa: PTH100, PTH111 - texts
    found = _at(path, reader)
    if found is not None:
        yield found
    elif glob.has_magic(path):
        for name in islice(glob.iglob(path, recursive=True), MOST):  # noqa: PTH207 - a text is at hand
            if (found := _at(name, reader)) is not None:
                yield found


def note(read: Read, result: Any, *, in_run: bool) -> None:
    """The program has read a file; ``in_run`` says that a run has it already."""
    with _lock:
        for path, held in list(_held.items()):
            if (held.given or held.in_run) and not held.alive():
                del _held[path]
        _held.pop(read.path, None)
        _held[read.path] = _Held(read, result, in_run=in_run)
        while len(_held) > MOST:
            del _held[next(iter(_held))]


def waiting() -> list[Read]:
    """The files of a run that begins now."""
    with _lock:
        found = [held for held in _held.values() if not held.in_run]
        latest = found[-1:]
        found = [held for held in found if not held.given or held.alive() or held in latest]
        for held in found:
            held.given = True
        return [held.read for held in found]


def source_of(data: Any) -> str | None:
    """The file that an object was read from."""
    with _lock:
        return next(
            (held.read.path for held in _held.values() if held.result is not None and held.result() is data), None
        )


def forget() -> None:
    """Nothing was read, as between two tests."""
    _held.clear()


def _at(path: str, reader: str) -> Read | None:
    try:
        facts = os.stat(path)  # noqa: PTH116 - a text is at hand
    except (OSError, ValueError):
        return None
    if stat.S_ISREG(facts.st_mode):
        return Read(path, reader, facts.st_size, facts.st_mtime_ns)
    return Read(path, reader, -1, facts.st_mtime_ns, "directory") if stat.S_ISDIR(facts.st_mode) else None


def _behind(file: Any) -> str | None:
    """The path of an open file, if that is one which still leads to it."""
    name = getattr(file, "name", None)
    if not isinstance(name, str | bytes | os.PathLike):
        return None
    try:
        same = os.path.samestat(os.fstat(file.fileno()), os.stat(name))  # noqa: PTH116 - whatever names it
    except (OSError, ValueError, AttributeError, io.UnsupportedOperation):
        return None
    return os.fsdecode(name) if same else None


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
