"""Whether two things are the same, to the bit."""

from __future__ import annotations

import random
import struct
import sys
from collections.abc import Iterator, Mapping
from hashlib import sha256
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

_PLAIN = (str, bytes, int, bool, type(None), complex)
_DEPTH = 30
_Seen = dict[int, tuple[int, Any]]
"""By id the place and, to keep the id from being given again, the value."""


def digest(value: Any) -> str:
    """A text that is equal for two values that are equal to the bit, in this process or another.

    Of what cannot be looked into, such as a lock or a pointer, only the type counts.
    """
    return sha256(repr(picture(value)).encode("utf-8", "surrogatepass")).hexdigest()


def picture(value: Any) -> Any:
    """A value as nested tuples of plain values; iterators are not iterated and nothing is changed."""
    return _picture(value, {}, _DEPTH)


def random_state() -> str:
    """Where the global random streams stand: those of ``random``, numpy and torch, as far as they are loaded."""
    state: list[Any] = [random.getstate()]
    if "numpy" in sys.modules:
        state.append(sys.modules["numpy"].random.get_state())
    if "torch" in sys.modules:
        state.append(sys.modules["torch"].random.get_rng_state())
    return digest(state)


def seed(number: int) -> None:
    """Put the global random streams to a known place."""
    random.seed(number)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(number)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(number)


def frames(error: BaseException) -> list[tuple[str, str]]:
    """``(file, function)`` of each frame of a traceback below the one that caught it."""
    found: list[tuple[str, str]] = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        found.append((code.co_filename, code.co_name))
        trace = trace.tb_next
    return found[1:]


def _picture(value: Any, seen: _Seen, depth: int) -> Any:
    kind = type(value)
    if kind is float:
        return struct.pack("<d", value)
    if isinstance(value, _PLAIN):
        return kind.__name__, value
    if id(value) in seen or depth == 0:
        return "seen", seen[id(value)][0] if id(value) in seen else -1
    seen[id(value)] = len(seen), value
    if isinstance(value, FunctionType | BuiltinFunctionType | MethodType | ModuleType | type):
        return kind.__name__, getattr(value, "__qualname__", value.__name__)
    name = f"{kind.__module__}.{kind.__qualname__}"
    return (name, *_parts(value, seen, depth - 1))


def _parts(value: Any, seen: _Seen, depth: int) -> Iterator[Any]:
    def of(part: Any) -> Any:
        return _picture(part, seen, depth)

    if isinstance(value, Mapping):
        yield from ((of(key), of(item)) for key, item in list(value.items()))
    elif isinstance(value, list | tuple):
        yield from (of(item) for item in list(value))
    elif isinstance(value, set | frozenset):
        yield sorted(repr(_picture(item, {}, depth)) for item in list(value))
    elif isinstance(value, Iterator):
        return
    elif _is(value, "numpy", "ndarray"):
        yield value.dtype.str, value.shape, of(value.tolist()) if value.dtype.hasobject else value.tobytes()
    elif _is(value, "torch", "Tensor"):
        raw = value.detach().cpu().contiguous().reshape(-1)
        plain = raw.numpy().tobytes() if raw.dtype.is_floating_point and raw.element_size() > 2 else raw.tolist()
        yield str(value.dtype), tuple(value.shape), value.requires_grad, plain
        yield of(value.grad) if value.is_leaf else None
    elif _is(value, "pandas", "DataFrame"):
        yield of(list(value.columns)), of(value.index.to_numpy())
        yield from (of(value.iloc[:, place].to_numpy()) for place in range(value.shape[1]))
    elif _is(value, "pandas", "Series"):
        yield of(value.name), of(value.index.to_numpy()), of(value.to_numpy())
    else:
        yield of(_state(value))


def _state(value: Any) -> Any:
    try:
        state = value.__getstate__()
    except Exception:  # noqa: BLE001 - whatever an object says to being looked at: then its type must do
        return None
    return state


def _is(value: Any, module: str, name: str) -> bool:
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(value, getattr(loaded, name))
