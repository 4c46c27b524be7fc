"""Pickling a model into a file so that another program can load it."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, BinaryIO

from autotrack.exceptions import AutotrackException

PROTOCOL = 5
"""Writes arrays without copying them; every supported Python reads it."""


class _HomeModuleError(Exception):
    """The pickle names something of ``__main__``, which is another module in another program."""


class _Watched:
    """A file that refuses a pickle by name of what only this program's main module has.

    Pickle hands over frames of whole opcodes, so the module's name never straddles two of them; what is longer than
    a frame can be is an array or a text.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: Any) -> int:
        if len(data) <= 1 << 18 and any(name in bytes(data) for name in (b"__main__", b"__mp_main__")):
            raise _HomeModuleError
        return self._file.write(data)


def dump(model: Any, path: Path) -> str:
    """Pickle to a file; "pickle", or "cloudpickle" if classes or functions had to go in by value."""
    try:
        with path.open("wb") as file:
            pickle.Pickler(_Watched(file), PROTOCOL).dump(model)
    except (_HomeModuleError, pickle.PicklingError, AttributeError, TypeError) as error:
        reason: Exception = error
    else:
        return "pickle"
    try:
        # heavy, and only for what plain pickle cannot carry to another program
        import cloudpickle  # type: ignore[import-untyped]  # it ships no types

        with path.open("wb") as file:
            cloudpickle.Pickler(file, PROTOCOL).dump(model)
    except Exception as error:
        raise AutotrackException.invalid(
            f"a {type(model).__module__}.{type(model).__qualname__} cannot be pickled: {error}; by name: {reason}"
        ) from error
    return "cloudpickle"
