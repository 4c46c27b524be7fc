"""From any object to a number or a text that a record can hold, at a bounded price."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, cast

from autotrack.exceptions import AutotrackException

PATIENCE = 0.05
"""Seconds that reading the text of one value may hold the program up."""
BUDGET = 4 * PATIENCE
"""Seconds that reading the texts of one call may."""

_PLAIN = (str, int, float, bool, complex, bytes, type(None))
# Their own str() is known to be quick and safe, so it runs on the caller's thread. Of what may hold objects of any
# class, such as a deque or a partial, str() is as slow as theirs.
_SIMPLE = frozenset(
    (*_PLAIN, range, type, type(...), type(NotImplemented), FunctionType, BuiltinFunctionType, ModuleType)
)  # fmt: skip
_KNOWN = frozenset(("numpy", "scipy", "sklearn", "xgboost", "decimal", "fractions", "datetime", "pathlib", "uuid"))
_TENSORS = frozenset(("Tensor", "Parameter", "dtype", "device", "Size"))
_ITEMS = 1000
_OBJECTS = 2000
"""So many objects within one value are looked at, to see whether it is made of known ones."""


def spelt(text: str) -> float | None:
    """The number that a text spells, ``None`` if it spells none or NaN."""
    try:
        found = float(text) if "_" not in text else None  # Python takes 1_000, which may be an identifier
    except ValueError:
        return None
    return found if found == found else None


def number(value: Any) -> tuple[float, str | None]:
    """``(float64, None)``, or with the exact text where a float64 cannot hold the value: integers beyond 2**53.

    Takes whatever behaves as one number: bool, numpy and torch scalars of any dtype, Decimal, Fraction, one-element
    arrays. Raises :class:`~autotrack.exceptions.AutotrackException` for anything else.
    """
    kind = type(value)
    if kind is float:
        return value, None
    if kind is not int and kind is not bool:
        if isinstance(value, str | bytes | complex) or value is None:
            raise AutotrackException.invalid(f"{value!r:.80} is not a number")
        item = getattr(value, "item", None)  # numpy and torch scalars, and arrays of one element
        if item is not None:
            value = item()
    if isinstance(value, int):
        whole = int(value)
        if -0x20000000000000 <= whole <= 0x20000000000000:
            return float(whole), None
        try:
            near = float(whole)
        except OverflowError:
            near = float("inf") if whole > 0 else float("-inf")
        return near, (str(whole) if abs(whole) < 10**4000 else hex(whole))
    try:
        return float(value), None
    except (TypeError, ValueError, OverflowError) as error:
        raise AutotrackException.invalid(f"a {type(value).__name__} is not a number ({error})") from None


def texts(values: Mapping[Any, Any]) -> dict[str, str]:
    """The text of each value, as ``str`` gives it; what cannot be read costs its own field alone.

    Objects of unknown classes are read on a helper thread: one may take ``PATIENCE`` seconds, together they may take
    ``BUDGET``, and what is not read by then says so.
    """
    found: dict[str, str] = {}
    unknown: dict[str, Any] = {}
    for key, value in values.items():
        kind = type(value)
        name = key if type(key) is str else _key(key)
        if kind is str:
            found[name] = value
        elif kind in _PLAIN or _is_known(value):
            found[name] = _read(value)
        else:
            found[name] = ""  # keeps its place among the others
            unknown[name] = value
    if unknown:
        found.update(zip(unknown, _read_in_time(list(unknown.values())), strict=True))
    return found


def text(value: Any) -> str:
    """The text of one value; see :func:`texts`."""
    return texts({"": value})[""]


def _key(key: Any) -> str:
    return _read(key) if _is_known(key) else _read_in_time([key])[0]


def _read(value: Any) -> str:
    try:
        result = str(value)
        return result if type(result) is str else str.__str__(result)
    except RecursionError:
        return f"<{type(value).__name__}: nested too deeply>"
    except Exception as error:  # noqa: BLE001 - the object's own code; its failure is what gets recorded
        return f"<{type(value).__name__}: str() raised {type(error).__name__}>"


def _is_known(value: Any) -> bool:
    """Whether a value is made of known objects throughout, as far as a bounded look can tell."""
    waiting = [value]
    for _ in range(_OBJECTS):
        if not waiting:
            return True
        parts = _parts(waiting.pop())
        if parts is None or len(parts) > _ITEMS:
            return False
        waiting += parts
    return False


def _parts(value: Any) -> Collection[Any] | None:
    """What is inside a known object; ``None`` for one whose text may cost anything."""
    kind = type(value)
    if kind in _SIMPLE:
        return ()
    if kind in (list, tuple, set, frozenset):
        return cast("Collection[Any]", value)
    if kind is dict:
        return [*value.keys(), *value.values()] if len(value) <= _ITEMS else value
    module = getattr(kind, "__module__", None)
    if type(module) is not str:
        return None
    package = module.partition(".")[0]
    if package == "torch":
        return () if kind.__name__ in _TENSORS else None
    if package not in _KNOWN or getattr(getattr(value, "dtype", None), "hasobject", False):
        return None
    # A known container, such as an estimator, may hold unknown objects: look at its parameters.
    parameters = getattr(value, "__dict__", None)
    if parameters is None:
        return ()
    return list(parameters.values()) if type(parameters) is dict else None


def _read_in_time(values: Sequence[Any]) -> list[str]:
    """The texts of objects that may hang: each hangs a thread of its own, and the others are read by the next one."""
    deadline = time.monotonic() + BUDGET
    done: list[str] = []
    while len(done) < len(values):
        left = deadline - time.monotonic()
        if left <= 0:
            done += [f"<{type(value).__name__}: not read in time>" for value in values[len(done) :]]
            break
        reader = _Reader(values[len(done) :])
        try:
            if sys.is_finalizing():
                raise RuntimeError("no thread starts any more, and whoever starts one waits for it for ever")
            reader.start()
        except RuntimeError:  # or the system has no thread to give
            done.append(_read(values[len(done)]))
            continue
        before = -1
        while reader.is_alive() and before < len(reader.texts) and left > 0:
            before = len(reader.texts)
            reader.join(min(left, PATIENCE))
            left = deadline - time.monotonic()
        read = reader.let_go()
        done += read
        if len(done) < len(values):
            done.append(f"<{type(values[len(done)]).__name__}: str() took too long>")
    return done


class _Reader(threading.Thread):
    def __init__(self, values: Sequence[Any]) -> None:
        super().__init__(name="autotrack-text", daemon=True)
        self._values = values
        self.texts: list[str] = []

    def run(self) -> None:
        for value in self._values:
            try:
                found = _read(value)
            except BaseException as error:  # noqa: BLE001 - nobody is there to whom a thread could raise it
                found = f"<{type(value).__name__}: str() raised {type(error).__name__}>"
            self.texts.append(found)
            if not self._values:
                return

    def let_go(self) -> list[str]:
        """What was read; it reads no more."""
        read, self._values = list(self.texts), ()
        return read
