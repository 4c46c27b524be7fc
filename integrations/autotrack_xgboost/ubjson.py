"""Whether a file of XGBoost's is whole: its own reader trusts the lengths in it, and reads past the end of one that was
cut off, which ends the process or takes all of its memory.

The grammar is that of https://ubjson.org, with the part of it that XGBoost writes.
"""

from __future__ import annotations

import mmap
from pathlib import Path

SIZES = {b"i": 1, b"U": 1, b"C": 1, b"I": 2, b"l": 4, b"L": 8, b"d": 4, b"D": 8, b"T": 0, b"F": 0, b"Z": 0, b"N": 0}
"""Bytes of a value after the letter of its type."""
DEEP = 64
"""Containers in containers; XGBoost's own reader calls itself for each."""


def damage(path: Path) -> str:
    """What is wrong with a file; empty if its structure is whole."""
    with path.open("rb") as file:
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            return "it is empty"
        with data:
            if data[1:2] in (b'"', b" ", b"\n", b"\t", b"\r", b"}"):  # JSON under another name, which XGBoost reads too
                return ""
            try:
                end = _walk(data)
            except (_DamageError, IndexError) as error:
                return str(error) if isinstance(error, _DamageError) else "it ends too early"
            return "" if end == len(data) else f"something follows its end at byte {end}"


class _DamageError(Exception):
    pass


def _walk(data: mmap.mmap) -> int:
    """The place behind the first value."""
    if data[0:1] != b"{":
        raise _DamageError("it does not begin as such a file does")
    size, at = len(data), 1
    open_: list[int] = [-1]
    """The containers that are not closed: how many values are still to come, -1 for an object, -2 for any number."""
    while open_:
        left = open_[-1]
        if left == -1:
            if data[at : at + 1] == b"}":
                open_.pop()
                at += 1
                continue
            length, at = _length(data, at)  # the name, which carries no letter of its own
            at += length
        elif left == -2:
            if data[at : at + 1] == b"]":
                open_.pop()
                at += 1
                continue
        elif left == 0:
            open_.pop()
            continue
        else:
            open_[-1] = left - 1
        kind = data[at : at + 1]
        at += 1
        if kind == b"S":
            length, at = _length(data, at)
            at += length
        elif kind == b"{":
            open_.append(-1)
        elif kind == b"[":
            items = b""
            if data[at : at + 1] == b"$":
                items, at = data[at + 1 : at + 2], at + 2
            if data[at : at + 1] == b"#":
                count, at = _length(data, at + 1)
                if items:
                    at += count * _size(items, at)
                else:
                    open_.append(count)
            elif items:
                raise _DamageError(f"an array without a length at byte {at}")
            else:
                open_.append(-2)
        else:
            at += _size(kind, at)
        if at > size:
            raise _DamageError("it ends too early")
        if len(open_) > DEEP:
            raise _DamageError(f"it is nested too deeply at byte {at}")
    return at


def _size(kind: bytes, at: int) -> int:
    found = SIZES.get(kind)
    if found is None:
        raise _DamageError(f"no type is called {kind!r} at byte {at}" if kind else "it ends too early")
    return found


def _length(data: mmap.mmap, at: int) -> tuple[int, int]:
    """A length, and the place behind it."""
    size = _size(data[at : at + 1], at)
    found = int.from_bytes(data[at + 1 : at + 1 + size], "big", signed=True)
    at += 1 + size
    if at > len(data):
        raise _DamageError("it ends too early")
    if found < 0:
        raise _DamageError(f"a length below zero at byte {at}")
    return found, at
