"""Whether whoever used one model can use another one: signatures compared, as the JSON that they are kept in."""

from __future__ import annotations

import json
from typing import Any

_WIDER = {
    "integer": {"long", "float", "double"},
    "float": {"double"},
    "boolean": {"integer", "long", "float", "double"},
}
"""Into which types a value converts without loss."""


def incompatible(before: str, after: str) -> str | None:
    """Why a model of the signature ``after`` cannot stand in for one of ``before``; ``None`` if it can.

    It must take all that the other one took, and give what the other one gave. One without a signature promised
    nothing.
    """
    try:
        old, new = _parts(before), _parts(after)
    except ValueError:
        return "one of the signatures cannot be read"
    if new is None:
        return "it has no signature"
    if old is None:
        return None
    return _inputs(old["inputs"], new["inputs"]) or _outputs(old["outputs"], new["outputs"])


def _parts(text: str) -> dict[str, list[Any] | None] | None:
    if not text:
        return None
    found = json.loads(text)
    parts: dict[str, list[Any] | None] = {}
    for name in ("inputs", "outputs"):
        value = found.get(name)
        value = json.loads(value) if isinstance(value, str) else value
        if value is not None and not (isinstance(value, list) and all(isinstance(one, dict) for one in value)):
            raise ValueError(name)
        parts[name] = value
    return parts


def _inputs(old: list[Any] | None, new: list[Any] | None) -> str | None:
    if old is None or new is None:
        return None
    named = {one.get("name", place): one for place, one in enumerate(old)}
    for place, one in enumerate(new):
        name = one.get("name", place)
        if name not in named:
            if one.get("required", True):
                return f"it needs an input {name!r}, which the present version does not take"
            continue
        if not _takes(one, named[name]):
            return f"its input {name!r} is {_kind(one)}, where the present version takes {_kind(named[name])}"
        if one.get("required", True) and not named[name].get("required", True):
            return f"it needs the input {name!r}, which the present version can do without"
    return None


def _outputs(old: list[Any] | None, new: list[Any] | None) -> str | None:
    if old is None:
        return None
    ours = {one.get("name", place): one for place, one in enumerate(new or [])}
    for place, one in enumerate(old):
        name = one.get("name", place)
        if name not in ours:
            return f"it gives no output {name!r}, which the present version gives"
        if not _takes(one, ours[name]):
            return f"its output {name!r} is {_kind(ours[name])}, where the present version gives {_kind(one)}"
    return None


def _takes(taker: dict[str, Any], given: dict[str, Any]) -> bool:
    """Whether all values of one type are values of the other."""
    if taker.get("type") == given.get("type") == "tensor":
        one, other = taker.get("tensor-spec", {}), given.get("tensor-spec", {})
        shapes = one.get("shape", []), other.get("shape", [])
        same = len(shapes[0]) == len(shapes[1]) and all(a in (b, -1) for a, b in zip(*shapes, strict=False))
        return one.get("dtype") == other.get("dtype") and same
    if taker.get("type") in ("array", "object", "map"):
        inner = ("type", "items", "properties", "values")
        return all(taker.get(name) == given.get(name) for name in inner)
    return taker.get("type") == given.get("type") or taker.get("type") in _WIDER.get(str(given.get("type")), ())


def _kind(one: dict[str, Any]) -> str:
    if one.get("type") == "tensor":
        spec = one.get("tensor-spec", {})
        return f"a tensor of {spec.get('dtype')} {spec.get('shape')}"
    return str(one.get("type"))
