"""The bytes and the names of a journal, version 1: `docs/journal.md` is their specification."""

from __future__ import annotations

import os
import struct
import sys
from binascii import crc_hqx
from contextlib import suppress
from importlib import import_module
from typing import Any

VERSION = 1
MARK = "autotrack.json"
"""The file that says that autotrack made a directory; what lacks it is refused."""

RECORD = struct.Struct("<IHHqqd")
"""Key id, flags, check, step, time in ms, value."""

FLOAT_STEP = 1
"""The step's eight bytes are those of a float64."""
EXACT = 2
"""An ``exact`` event holds the value's text: an integer beyond 2**53."""
LATE = 4
"""Added after the run had ended, as a score on a finished model is."""

CHECK_START = 0xFFFF
"""Not 0, so that a record of zero bytes, as a power loss leaves them, does not verify."""

_pack = RECORD.pack
_FLOAT = struct.Struct("<d")
_INTEGER = struct.Struct("<q")


def record(key_id: int, flags: int, step: int, time_ms: int, value: float) -> bytes:
    """The 32 bytes of one metric point; ``step`` is the raw 64-bit field."""
    return _pack(
        key_id,
        flags,
        crc_hqx(_pack(key_id, flags, 0, step, time_ms, value), CHECK_START),
        step,
        time_ms,
        value,
    )


def check(key_id: int, flags: int, step: int, time_ms: int, value: float) -> int:
    """What a record's check field must be."""
    return crc_hqx(_pack(key_id, flags, 0, step, time_ms, value), CHECK_START)


def raw_step(step: int | float) -> tuple[int, int]:
    """``(field, flag)``: an integer of 64 bits as it is, anything else as the bits of a float64."""
    if type(step) is int and -0x8000000000000000 <= step <= 0x7FFFFFFFFFFFFFFF:
        return step, 0
    return _INTEGER.unpack(_FLOAT.pack(float(step)))[0], FLOAT_STEP


def step_of(field: int, flags: int) -> int | float:
    """The step that :func:`raw_step` was given."""
    if flags & FLOAT_STEP:
        value: float = _FLOAT.unpack(_INTEGER.pack(field))[0]
        return value
    return field


def writer_name(rank: int = 0) -> str:
    """A name for this process's files that no other process has, now or later."""
    return f"r{rank}-{os.getpid()}-{os.urandom(4).hex()}"


def new_run_id() -> str:
    """32 hexadecimal digits; drawn from the system, so that no random stream of the program moves."""
    return os.urandom(16).hex()


def experiment_id(name: str) -> str:
    """The id of the experiment created under a name: the same on every machine, so creation needs no lock."""
    if name == "Default":
        return "0"
    return str(int.from_bytes(_sha256(name.encode("utf-8", "surrogatepass")).digest()[:7], "big"))


def _sha256(data: bytes) -> Any:
    """As ``hashlib`` has it, which loads OpenSSL: three milliseconds that the first run of a process need not take."""
    if "hashlib" not in sys.modules:
        for own in ("_sha2", "_sha256"):  # Python's own, by its versions
            with suppress(ImportError):
                return import_module(own).sha256(data)
    return import_module("hashlib").sha256(data)
