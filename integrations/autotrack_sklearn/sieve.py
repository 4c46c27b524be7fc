"""Which remembered answers may be what a program scores: told from a few rows, of all answers at once.

What falls through here does not follow from the answer by any step of :mod:`autotrack_sklearn.steps`; what is held
back may, and is compared in full. So a metric that has nothing to do with a recorded model costs little, however many
answers are remembered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from autotrack_sklearn.steps import WIDTH

ROWS = 32
"""So many are looked at first."""


def places(rows: int) -> Any:
    """The rows that are looked at, evenly spaced."""
    return np.arange(rows) if rows <= ROWS else np.arange(ROWS) * (rows - 1) // (ROWS - 1)


@dataclass(frozen=True, slots=True)
class Forms:
    """What follows from an answer without further knowledge, in some of its rows: one array for each."""

    values: Any
    """A row for each: of an answer's columns; of which is the largest of a row, and of the class that it stands for."""
    labels: Any
    """Whether each may be labels, of which names may be changed."""


def forms(some: Any, classes: Any) -> Forms:
    """Those of an answer that has these rows."""
    if some.ndim == 1 or some.shape[1] == 1:
        return Forms(codes(some).reshape(1, -1), np.array([some.dtype.kind != "f"]))
    found = [codes(some[:, :WIDTH]).T]
    if some.dtype.kind in "fiu":
        best = some.argmax(1)
        found.append(best[None].astype(float))
        if classes is not None and len(classes) == some.shape[1]:
            found.append(codes(classes[best])[None])
    values = np.concatenate(found)
    return Forms(values, np.zeros(len(values), bool))


def codes(values: Any) -> Any:
    """The values as numbers: what is equal has equal ones."""
    if values.dtype.kind in "biuf":
        return values.astype(float)
    return np.array([_code(item) for item in values.ravel().tolist()], float).reshape(values.shape)


def _code(item: Any) -> float:
    if isinstance(item, Real):
        return float(item)
    try:
        return float(hash(item) % (1 << 52))
    except TypeError:  # no label, and equal to whatever else is none
        return 0.5


def held_back(answers: Sequence[Forms], given: Any) -> list[int]:
    """The places of those answers from which what is given in the same rows may follow."""
    if not answers:
        return []
    values = np.concatenate([one.values for one in answers])
    counts = [len(one.values) for one in answers]
    of = np.repeat(np.arange(len(answers)), counts)
    if given.ndim == 2 and given.shape[1] > 1:
        return list(np.unique(of[_equal(values, codes(given[:, 0])).all(1)]).tolist())
    asked = codes(given.reshape(len(given)))
    low, high = asked.min(), asked.max()
    same = _equal(values, asked)
    clipped = same | ((asked == low) & (values <= low)) | ((asked == high) & (values >= high))
    passed = clipped.all(1) | _equal(np.round(values), asked).all(1)
    passed |= low == high  # hardly anything can be told from that
    positive = asked == high
    if np.all(positive | (asked == low)):
        passed |= _apart(values, positive)
        if given.dtype.kind not in "biuf":  # of texts either may be the higher one
            passed |= _apart(values, ~positive)
    labels = np.concatenate([one.labels for one in answers]) & ~passed
    if labels.any():
        passed[labels] = _renamed(values[labels], asked)
    return list(np.unique(of[passed]).tolist())


def _equal(values: Any, asked: Any) -> Any:
    return (values == asked) | (np.isnan(values) & np.isnan(asked))


def _apart(values: Any, positive: Any) -> Any:
    return np.where(positive, values, np.inf).min(1) > np.where(positive, -np.inf, values).max(1)


def _renamed(values: Any, asked: Any) -> Any:
    """Whether rows that have one value there have one here too."""
    together = values[:, :, None] == values[:, None, :]
    return ~(together & (asked[:, None] != asked[None, :])).any((1, 2))
