"""Messages of Protocol Buffers by the numbers of their fields: as much as two formats of logs need, and no more.

What cannot be a message is a ``ValueError``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_MOST_VARINT = 10
"""Bytes of a varint."""

Value = int | bytes


def fields(data: bytes) -> Iterator[tuple[int, Value]]:
    """Number and value of each field of a message, in their order: an unsigned integer, or the bytes of whatever has a
    length or a fixed size."""
    at, end = 0, len(data)
    while at < end:
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            value: Value
            value, at = _varint(data, at)
        else:
            if kind == BYTES:
                size, at = _varint(data, at)
            elif kind in (FIXED64, FIXED32):
                size = 8 if kind == FIXED64 else 4
            else:
                raise ValueError(f"a field of the kind {kind}")
            if at + size > end:
                raise ValueError("a field that is longer than its message")
            value, at = data[at : at + size], at + size
        if number == 0:
            raise ValueError("a field without a number")
        yield number, value


def first(data: bytes, number: int) -> Value | None:
    """The last value of a field, as the format has it; ``None`` for a field that is not there."""
    return next((value for found, value in reversed(list(fields(data))) if found == number), None)


def text(value: Value | None) -> str:
    """A text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""


def message(value: Value | None) -> bytes:
    """A message within another one; an empty one for what is no such."""
    return value if isinstance(value, bytes) else b""


def signed(value: Value | None) -> int:
    """An integer of 64 bits."""
    if not isinstance(value, int):
        return 0
    return value - (1 << 64) if value >= 1 << 63 else value


def double(value: Value | None) -> float:
    """A float of 64 or of 32 bits; 0 for what is not there."""
    if not isinstance(value, bytes) or len(value) not in (4, 8):
        return 0.0
    found: float = struct.unpack("<d" if len(value) == 8 else "<f", value)[0]
    return found


def varints(value: Value) -> Iterator[int]:
    """The integers of a field that may hold several at once."""
    if isinstance(value, int):
        yield value
        return
    at = 0
    while at < len(value):
        found, at = _varint(value, at)
        yield found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(_MOST_VARINT):
        if at + place >= len(data):
            break
        byte = data[at + place]
        value |= (byte & 0x7F) << 7 * place
        if not byte & 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at + place + 1
    raise ValueError("a number that does not end")
