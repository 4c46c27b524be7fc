"""Which run a model comes from, known for as long as the program has the model."""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any

from autotrack._weak import weak
from autotrack.run import Run

_origins: dict[int, tuple[weakref.ref[Any], Run]] = {}
"""By ``id``, as a model may compare and hash in ways of its own."""


def remember(model: Any, run: Run) -> None:
    """From now on the model comes from this run. What takes no weak reference has no origin."""
    key = id(model)
    try:
        _origins[key] = weak(model, partial(_forget, key)), run
    except TypeError:
        return


def _forget(key: int, gone: Any) -> None:
    entry = _origins.get(key)
    if entry is not None and entry[0] is gone:
        del _origins[key]


def origin(model: Any) -> Run | None:
    """The run that has trained a model last, whichever integration recorded it; ``None`` if none did."""
    entry = _origins.get(id(model))
    return entry[1] if entry is not None and entry[0]() is model else None
