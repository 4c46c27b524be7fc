"""The steps from a model's answer to what a program scores."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

CLEAR, WEAK = 1, 2
"""Ranks: nothing else gives these values, or something else well might."""
WIDTH = 16
"""Columns that are tried one by one."""
THRESHOLDS = (0.5, 0.0)


class Given:
    """What a program scores, and what of it is asked more than once."""

    def __init__(self, values: Any) -> None:
        self.values = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values

    @cached_property
    def varies(self) -> bool:
        """Whether it is not the same in every row."""
        return bool(np.any(self.values != self.values[0]))

    @cached_property
    def positive(self) -> Any:
        """Where the higher of its two values is; ``None`` if it has not just two."""
        values = self.values
        if values.dtype.kind == "O":
            return None
        low, high = (values.min(), values.max()) if values.dtype.kind in "biuf" else np.unique(values)[[0, -1]]
        positive = values == high
        return positive if np.all(positive | (values == low)) else None


def step(held: Any, given: Given, classes: Any) -> tuple[int, str] | None:
    """How ``given`` follows from ``held``, an answer of the same length: the rank and the step in words."""
    values = given.values
    if held.ndim == 2 and held.shape[1] == 1:
        held = held[:, 0]
    if held.shape == values.shape:
        if _same(held, values):
            return (CLEAR, "a copy") if given.varies else None
        return _of_one(held, given) if held.ndim == 1 and given.varies else None
    if values.ndim != 1 or held.ndim != 2 or not given.varies:
        return None
    return _of_columns(held, given, classes)


def _of_columns(held: Any, given: Given, classes: Any) -> tuple[int, str] | None:
    values, width = given.values, held.shape[1]
    tried = held[:, :WIDTH]
    if _comparable(tried, values):
        equal = np.flatnonzero((tried == values[:, None]).all(0))
        if len(equal):
            return CLEAR, f"[:, {equal[0]}]"
    if held.dtype.kind not in "fiu":
        return None
    if values.dtype.kind != "b":  # such values are of a comparison
        best = held.argmax(1)
        if _same(best, values):
            return CLEAR, "argmax"
        if classes is not None and len(classes) == width and _same(classes[best], values):
            return CLEAR, "the class of argmax"
    return _threshold(tried, given)


def _of_one(held: Any, given: Given) -> tuple[int, str] | None:
    if held.dtype.kind != "f":
        return _renamed(held, given.values)
    found = _threshold(held[:, None], given)
    values = given.values
    if found is not None or values.dtype.kind not in "fiu":
        return found
    if _same(np.round(held), values):
        return WEAK, "rounded"
    low, high = values.min(), values.max()
    if np.any((values > low) & (values < high)) and _same(np.clip(held, low, high), values):
        return WEAK, f"clipped to [{low}, {high}]"
    return None


def _threshold(scores: Any, given: Given) -> tuple[int, str] | None:
    if scores.dtype.kind != "f" or given.positive is None:
        return None
    least, most = scores[given.positive].min(0), scores[~given.positive].max(0)
    apart: list[int] = np.flatnonzero(least > most).tolist()
    for threshold in THRESHOLDS:
        for column in apart:
            if most[column] <= threshold <= least[column]:
                return CLEAR, f"{_column(scores, column)}> {threshold}"
    for column in apart:
        return WEAK, f"{_column(scores, column)}> t with {most[column]:.6g} <= t < {least[column]:.6g}"
    return None


def _column(scores: Any, column: int) -> str:
    return f"[:, {column}] " if scores.shape[1] > 1 else ""


def _renamed(held: Any, given: Any) -> tuple[int, str] | None:
    """Each class under another name, or one against the others."""
    if held.dtype.kind == "O" or given.dtype.kind == "O":
        held, given = held.astype(str), given.astype(str)
    old, codes = np.unique(held, return_inverse=True)
    new, names = np.unique(given, return_inverse=True)
    if len(new) > len(old):
        return None
    pairs = np.unique(codes * len(new) + names)
    if len(pairs) != len(old):
        return None
    if len(new) == len(old):
        return WEAK, "each class renamed"
    alone = [name for name in range(len(new)) if np.count_nonzero(pairs % len(new) == name) == 1]
    if len(new) == 2 and alone:
        one = old[pairs[pairs % len(new) == alone[-1]][0] // len(new)]
        return WEAK, f"== {one!s}" if alone[-1] == 1 else f"!= {one!s}"
    return None


def _same(one: Any, other: Any) -> bool:
    if one.shape != other.shape or not len(one) or not _comparable(one, other):
        return False
    same = one == other
    if one.dtype.kind == "f" and other.dtype.kind == "f" and not same.all():
        same |= np.isnan(one) & np.isnan(other)
    return bool(np.all(same))


def _comparable(one: Any, other: Any) -> bool:
    kinds = {one.dtype.kind, other.dtype.kind}
    return not kinds & set("US") or kinds <= set("USO")
