"""The steps from a model's answer to what a program scores."""

from __future__ import annotations

from typing import Any

import numpy as np

CLEAR, WEAK = 1, 2
"""Ranks: nothing else gives these values, or something else well might."""
WIDTH = 16
"""Columns that are tried one by one."""
THRESHOLDS = (0.5, 0.0)


def step(held: Any, given: Any, classes: Any) -> tuple[int, str] | None:
    """How ``given`` follows from ``held``, an answer of the same length: the rank and the step in words."""
    if given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]
    if held.ndim == 2 and held.shape[1] == 1:
        held = held[:, 0]
    if _same(held, given):
        return (CLEAR, "a copy") if _varies(given) else None
    if given.ndim != 1 or not _varies(given):
        return None
    return _of_columns(held, given, classes) if held.ndim == 2 else _of_labels(held, given)


def _of_columns(held: Any, given: Any, classes: Any) -> tuple[int, str] | None:
    width = held.shape[1]
    scores = {f"[:, {column}]": held[:, column] for column in range(min(width, WIDTH))}
    for name, score in scores.items():
        if _same(score, given):
            return CLEAR, name
    if held.dtype.kind in "fiu":
        best = held.argmax(1)
        if _same(best, given):
            return CLEAR, "argmax"
        if classes is not None and len(classes) == width and _same(classes[best], given):
            return CLEAR, "the class of argmax"
    return _threshold(scores, given)


def _of_labels(held: Any, given: Any) -> tuple[int, str] | None:
    found = _threshold({"": held}, given)
    if found is not None:
        return found
    if held.dtype.kind == "f" and given.dtype.kind in "fiu":
        if _same(np.round(held), given):
            return WEAK, "rounded"
        low, high = given.min(), given.max()
        inner = (given > low) & (given < high)
        if inner.any() and _same(np.clip(held, low, high), given):
            return WEAK, f"clipped to [{low}, {high}]"
    return None if held.dtype.kind == "f" else _renamed(held, given)


def _threshold(scores: dict[str, Any], given: Any) -> tuple[int, str] | None:
    values = np.unique(given) if given.dtype.kind != "O" else None
    if values is None or len(values) != 2:
        return None
    positive = given == values[1]
    numbers = {name: score for name, score in scores.items() if score.dtype.kind == "f"}
    for threshold in THRESHOLDS:
        for name, score in numbers.items():
            if np.array_equal(positive, score > threshold) or np.array_equal(positive, score >= threshold):
                return CLEAR, f"{name} > {threshold}".strip()
    for name, score in numbers.items():
        least, most = score[positive].min(), score[~positive].max()
        if least > most:
            return WEAK, f"{name} > t with {most:.6g} <= t < {least:.6g}".strip()
    return None


def _renamed(held: Any, given: Any) -> tuple[int, str] | None:
    """Each class under another name, or one against the others."""
    try:
        old, codes = np.unique(held, return_inverse=True)
        new, names = np.unique(given, return_inverse=True)
    except TypeError:  # a mixture that has no order
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
    if one.shape != other.shape or len(one) == 0:
        return False
    kinds = {one.dtype.kind, other.dtype.kind}
    if kinds <= set("fc"):
        return bool(np.array_equal(one, other, equal_nan=True))
    if kinds & set("US") and not kinds <= set("USO"):
        return False
    return bool(np.all(one == other))


def _varies(values: Any) -> bool:
    return bool(np.any(values != values[0]))
