"""What a program has said of itself: the seeds that it set, and the arguments that it was given.

Whoever hears it notes it here; runs take it from here. Only texts are kept, never a program's own objects.
"""

from __future__ import annotations

import sys
from typing import Any

_MOST = 20
_seeds: dict[str, str] = {}
_arguments: dict[str, str] = {}


def seed(generator: str, value: str) -> None:
    """The program has seeded one of the generators that all its code shares."""
    _seeds[f"autotrack.seed.{generator}"] = value


def further(generator: str, value: str) -> None:
    """The program has made a generator of its own from a seed; several are told in their order."""
    key = f"autotrack.seed.{generator}"
    known = _seeds[key].split(",") if key in _seeds else []
    if value not in known and len(known) < _MOST:
        _seeds[key] = ",".join([*known, value])


def seeds() -> dict[str, str]:
    """Tags that tell the seeds in force: those that the program has set, and torch's, also where torch has drawn it."""
    torch: Any = sys.modules.get("torch.random")
    generator = getattr(torch, "default_generator", None)
    if generator is None:
        return dict(_seeds)
    return {**_seeds, "autotrack.seed.torch": str(generator.initial_seed())}


def given(values: dict[str, str]) -> None:
    """The program has read its arguments."""
    _arguments.update(values)


def arguments() -> dict[str, str]:
    """The arguments that the program has read, by their names."""
    return dict(_arguments)


def forget() -> None:
    """Nothing was said, as between two tests."""
    _seeds.clear()
    _arguments.clear()
