"""What a request asks for: from JSON or a query string to a checked structure, as leniently as MLflow reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import Any, Generic, TypeVar, get_args, get_origin

import msgspec
from starlette.datastructures import QueryParams

from autotrack.exceptions import AutotrackException


class Asked(msgspec.Struct, kw_only=True):
    """The base of all requests. A field without a default is required, and an empty text does not count."""


class Pair(msgspec.Struct):
    """A tag or a parameter."""

    key: str
    value: str = ""


T = TypeVar("T", bound=Asked)
_NOTHING: Mapping[str, str] = {}

_API_DOCS = " See the API docs for more information about request parameters."
_VERBATIM = frozenset(("events", "position", "checks"))
"""Fields whose content is not MLflow's and has names of its own inside."""


def from_json(document: Any, kind: type[T], inside: Mapping[str, str] = _NOTHING) -> T:
    """The request of a JSON document. Names may be in camelCase, numbers in quotes; null counts as absent.
    ``inside`` is what the path of the request holds."""
    if isinstance(document, str):  # as old clients encode twice
        try:
            document = json.loads(document)
        except ValueError:
            document = None
    if not isinstance(document, dict):
        raise AutotrackException.invalid("the body of the request is no JSON object")
    given = _snake(document)
    return _converted({**given, **inside}, kind)


class Quick(Generic[T]):
    """Requests straight from the bytes, for what is asked often."""

    def __init__(self, kind: type[T]) -> None:
        self._decoder = msgspec.json.Decoder(kind, strict=False)
        names = ((name, re.sub(r"_(\w)", lambda found: found[1].upper(), name)) for name in _names(kind))
        self._camels = [f'"{camel}'.encode("ascii") for name, camel in names if camel != name]

    def __call__(self, body: bytes) -> T | None:
        """The request; ``None`` for one that only :func:`from_json` understands, or knows what is wrong with."""
        if any(name in body for name in self._camels):
            return None
        try:
            return checked(self._decoder.decode(body))
        except (msgspec.DecodeError, msgspec.ValidationError):
            return None


def _names(annotation: Any) -> set[str]:
    """The fields of a structure, and of those inside."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        fields = msgspec.structs.fields(annotation)
        return {one.name for one in fields}.union(*(_names(one.type) for one in fields))
    return set().union(*map(_names, get_args(annotation)))


def from_query(query: QueryParams, kind: type[T], inside: Mapping[str, str] = _NOTHING) -> T:
    """The request of a query string; a repeated name is a list."""
    lists = _lists(kind)
    given: dict[str, Any] = {}
    for name in query:
        values = query.getlist(name)
        snake = _SNAKE(name)
        given[snake] = values if snake in lists else values[-1]
    return _converted({**given, **inside}, kind)


def _snake(value: Any, *, depth: int = 0) -> Any:
    if isinstance(value, dict):
        if depth > 32:
            raise AutotrackException.invalid("the request is nested too deeply")
        found: dict[str, Any] = {}
        for name, inner in value.items():
            own = _SNAKE(name)
            if own in found:
                raise AutotrackException.invalid(f"the field {own!r} is given twice, as {name!r} too; give one of them")
            if inner is not None:
                found[own] = inner if own in _VERBATIM else _snake(inner, depth=depth + 1)
        return found
    if isinstance(value, list):
        return [_snake(one, depth=depth + 1) for one in value if one is not None]
    return value


def _camel(match: re.Match[str]) -> str:
    return "_" + match[0].lower()


@lru_cache(4096)
def _known(name: str) -> str:
    return re.sub(r"(?<!^)[A-Z]", _camel, name)


def _SNAKE(name: str) -> str:  # noqa: N802 - a constant in all but form
    return _known(name) if len(name) <= 40 and not name.islower() else name


@cache
def _lists(kind: type[Asked]) -> frozenset[str]:
    return frozenset(one.name for one in msgspec.structs.fields(kind) if _is_list(one.type))


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) in (list, tuple) or any(_is_list(one) for one in get_args(annotation))


@cache
def _required(kind: type[Asked]) -> tuple[str, ...]:
    return tuple(one.name for one in msgspec.structs.fields(kind) if one.required and one.type is str)


def _converted(given: dict[str, Any], kind: type[T]) -> T:
    if "run_id" not in given and "run_uuid" in given:
        given["run_id"] = given["run_uuid"]
    try:
        asked = msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        try:
            asked = msgspec.convert(_numbers(given), kind, strict=False)
        except msgspec.ValidationError:
            raise refused(error, given) from None
    return checked(asked)


def _numbers(value: Any, name: str = "") -> Any:
    """A document with the numbers of metrics as MLflow's server takes them: true is 1, and 1.5 ms are 1."""
    if isinstance(value, dict):
        return {key: _numbers(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_numbers(one, name) for one in value]
    if name == "value" and isinstance(value, bool):
        return float(value)
    if name in ("timestamp", "step", "start_time", "end_time") and isinstance(value, float) and value - value == 0:
        return int(value)
    return value


def checked(asked: T) -> T:
    """A request as it is, if no required text of it is empty."""
    for name in _required(type(asked)):
        if getattr(asked, name) == "":
            raise AutotrackException.invalid(f"Missing value for required parameter '{name}'.{_API_DOCS}")
    return asked


def refused(error: msgspec.ValidationError, given: Any) -> AutotrackException:
    """What is wrong with a document, in MLflow's words, which its clients and their tests know."""
    text, _, place = str(error).partition(" - at `$")
    missing = re.fullmatch(r"Object missing required field `(\w+)`", text)
    path = place.rstrip("`")
    if missing is not None:
        parents = list(_found(given, path.split(".")[1:], ""))
        for name, parent in parents:
            if not isinstance(parent, Mapping) or missing[1] not in parent:
                prefix = f"{name}." if name else ""
                return AutotrackException.invalid(
                    f"Missing value for required parameter '{prefix}{missing[1]}'.{_API_DOCS}"
                )
        return AutotrackException.invalid(f"Missing value for required parameter '{missing[1]}'.{_API_DOCS}")
    top = path.lstrip(".").partition(".")[0].partition("[")[0]
    value = given.get(top) if isinstance(given, Mapping) else given
    return AutotrackException.invalid(
        f"Invalid value {_shown(value)} for parameter '{top}' supplied:  Hint: Value was of type "
        f"'{type(value).__name__}'.{_API_DOCS}"
    )


def _found(value: Any, path: list[str], name: str) -> Iterable[tuple[str, Any]]:
    """Every object that a path with ``[...]`` in it may mean, with its own path."""
    if not path:
        yield name, value
        return
    field, bracket, _ = path[0].partition("[")
    inner = value.get(field) if isinstance(value, Mapping) else None
    own = f"{name}.{field}" if name else field
    if bracket and isinstance(inner, list):
        for number, one in enumerate(inner):
            yield from _found(one, path[1:], f"{own}[{number}]")
    else:
        yield from _found(inner, path[1:], own)


def _shown(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return text if len(text) <= 200 else text[:200] + "…"
