"""Regular expressions in a filter: RE2's syntax, found anywhere in a text, in time linear in its length."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

_LONGEST = 1000
_MEMORY = 8 << 20
"""Bytes that a compiled expression may take; one that wants more is refused."""


def problem(pattern: str) -> str | None:
    """What is wrong with an expression, ``None`` if nothing is."""
    if len(pattern) > _LONGEST:
        return f"the regular expression has {len(pattern)} characters; at most {_LONGEST} are read"
    try:
        _compiled(pattern)
    except ValueError as error:
        return f"{pattern[:60]!r} is no regular expression of RE2: {error}"
    return None


def matches(pattern: str, text: str) -> bool:
    """Whether the expression is found in a text."""
    return _compiled(pattern).search(text) is not None


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> Any:
    import re2  # type: ignore[import-untyped]  # for this operator alone; RE2 has no stubs

    options = re2.Options()
    options.log_errors = False  # what is wrong is the asker's to know, and not for the program's stderr
    options.max_mem = _MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        raise ValueError(reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)) from None
