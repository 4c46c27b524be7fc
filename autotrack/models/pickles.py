"""Pickling a model into a file so that another program can load it, and reading it back."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, BinaryIO

from autotrack.exceptions import AutotrackException

PROTOCOL = 5
"""Writes arrays without copying them; every supported Python reads it."""

FORMS = ("pickle", "cloudpickle")
"""What `dump` may be asked for and may answer."""


class _HomeModuleError(Exception):
    """The pickle names something of ``__main__``, which is another module in another program."""


class _Watched:
    """A file that refuses a pickle by name of what only this program's main module has.

    Pickle hands over frames of whole opcodes, so the module's name never straddles two of them; what is longer than
    a frame can be is an array, which comes as a view of its own memory, or a text.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: Any) -> int:
        view = memoryview(data)
        if view.nbytes <= 1 << 18 and any(name in view.tobytes() for name in (b"__main__", b"__mp_main__")):
            raise _HomeModuleError
        return self._file.write(view)


def dump(model: Any, path: Path, form: str | None = None) -> str:
    """Pickle to a file; "pickle", or "cloudpickle" if classes or functions had to go in by value.

    ``form`` insists on one of the two.
    """
    if form not in (None, *FORMS):
        raise AutotrackException.invalid(f"a model is pickled as {' or '.join(FORMS)}, not as {form!r}")
    reason: Exception | None = None
    if form != "cloudpickle":
        try:
            with path.open("wb") as file:
                pickle.Pickler(_Watched(file), PROTOCOL).dump(model)
        except (_HomeModuleError, pickle.PicklingError, AttributeError, TypeError) as error:
            reason = error
        else:
            return "pickle"
    try:
        if form == "pickle":
            raise pickle.PicklingError("it has parts that only this program's main module defines")
        # heavy, and only for what plain pickle cannot carry to another program
        import cloudpickle  # type: ignore[import-untyped]  # it ships no types

        with path.open("wb") as file:
            cloudpickle.Pickler(file, PROTOCOL).dump(model)
    except Exception as error:
        raise AutotrackException.invalid(
            f"a {type(model).__module__}.{type(model).__qualname__} cannot be pickled: {error}"
            + (f"; by name: {reason}" if reason else "")
        ) from error
    return "cloudpickle"


def load(path: Path, form: str = "pickle", unpickler: type[pickle.Unpickler] = pickle.Unpickler) -> Any:
    """What `dump` wrote; a cloudpickle is a pickle that imports cloudpickle by itself.

    Only for a file that may run whatever it says.
    """
    if form not in FORMS:
        raise AutotrackException.invalid(f"{path} was serialized with {form!r}, which this version does not read")
    try:
        with path.open("rb") as file:
            return unpickler(file).load()
    except (EOFError, pickle.UnpicklingError) as error:
        raise AutotrackException.invalid(
            f"{path} is damaged: {error}; fetch the model again, or log it again"
        ) from error
    except ModuleNotFoundError as error:
        raise AutotrackException.missing(
            f"{path} needs the module {error.name}, which is not installed here; requirements.txt beside it says what "
            "the model was made with"
        ) from error
