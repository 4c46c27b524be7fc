"""Things side by side: what differs first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Compared = dict[str, dict[str, list[Any]]]
"""Part by part and key by key the value of each thing, ``None`` where it has none."""


def side_by_side(facts: Sequence[Mapping[str, Mapping[str, Any]]]) -> Compared:
    """Facts of several things, part by part; of each part the keys whose values differ come first."""
    compared: Compared = {}
    for part in dict.fromkeys(part for one in facts for part in one):
        keys = sorted({key for one in facts for key in one.get(part, {})})
        rows = {key: [one.get(part, {}).get(key) for one in facts] for key in keys}
        compared[part] = dict(sorted(rows.items(), key=lambda row: not differs(row[1])))
    return compared


def differing(compared: Compared) -> Compared:
    """The same without the keys that are equal in all."""
    return {part: {key: one for key, one in rows.items() if differs(one)} for part, rows in compared.items()}


def differs(values: Sequence[Any]) -> bool:
    """Whether not all values are the same; NaN is itself."""
    return len({repr(value) for value in values}) > 1
