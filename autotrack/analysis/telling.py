"""Which of many metrics and parameters tell a reader most."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from autotrack.direction import direction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_HEADLINE = re.compile(r"accuracy|auc|r2|rmse|root-mean|loss$")
_HELD_OUT = re.compile(r"(^|[^a-z])(val|valid|validation|test|eval|dev|cv|oob|holdout)([^a-z]|$)")
_TRAIN = re.compile(r"(^|[^a-z])(train|training)([^a-z]|$)")
_MANNERS = ("verbose", "verbosity", "n_jobs", "nthread", "steps", "memory", "verbose_eval")
"""Parameters that say how a training goes about its work rather than what it learns."""


def held_out(key: str) -> bool:
    """Whether a metric is, by its name, of data that was held out."""
    return _HELD_OUT.search(_words(key)) is not None


def of_training(key: str) -> bool:
    """Whether a metric is, by its name, of the data that was trained on."""
    return not held_out(key) and _TRAIN.search(_words(key)) is not None


def _words(key: str) -> str:
    return key.lower().replace("_", "-")


def weight(key: str) -> float:
    """What a metric is worth to a reader: held-out before training, quality before bookkeeping."""
    words = _words(key)
    points = 2.0 if held_out(key) else 0 if of_training(key) else 1
    points += 2 if direction(key) else 0
    points += 0.5 if _HEADLINE.search(words) else 0
    return points - (4 if words.startswith(("step/", "system/")) else 0)


def metrics_in_order(keys: Iterable[str]) -> list[str]:
    """The most telling first; among equals, as they come."""
    return sorted(dict.fromkeys(keys), key=weight, reverse=True)


def shared_metrics(rows: Sequence[Mapping[str, float]], limit: int) -> list[str]:
    """The metrics that most rows have, so that a column of them is worth its width."""
    count = Counter(key for row in rows for key in row)
    common = [key for key, n in count.items() if 2 * n > len(rows)]
    common = [key for key in common if direction(key)] or common
    return metrics_in_order(common)[:limit]


def differing_params(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """The parameters that several rows have and that are not the same in all of them; most telling first.

    A plain value tells more than the text of a whole object.
    """
    count = Counter(key for row in rows for key in row)
    values: dict[str, set[str]] = {}
    for row in rows:
        for key, value in row.items():
            values.setdefault(key, set()).add(value)
    differing = [key for key, n in count.most_common() if n > 1 and len(values[key]) > 1]

    def rank(key: str) -> tuple[bool, bool, int]:
        return key in _MANNERS, any("(" in value for value in values[key]), -len(values[key])

    return sorted(differing, key=rank)
