"""What a workload is: one file in ``benchmarks/workloads/`` with ``ROWS`` and ``measure``."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from benchmarks.tracker import Tracker


@dataclass(frozen=True)
class Row:
    """One line of the table: a figure that ``measure`` returns under ``key``, smaller being better."""

    key: str
    title: str
    unit: str = "s"
    """``s`` for seconds, ``x`` for a plain factor, else the name of what is counted."""
    limit: float | None = None
    """What autotrack promises to stay under."""
    times: Mapping[str, float] = field(default_factory=dict)
    """By what factor autotrack promises to be under each peer."""
    compared: bool = True
    """False for a figure that no tracker has a part in."""


@dataclass(frozen=True)
class Evidence:
    """What must be in the store afterwards: so many points of a series of a run."""

    run: str
    key: str
    points: int


@dataclass
class Measured:
    """The figures of one process, and what it should have left behind."""

    figures: dict[str, float] = field(default_factory=dict)
    evidence: list[Evidence] = field(default_factory=list)
    models: int = 0
    """How many models with a signature it should have left behind."""


class Workload(Protocol):
    """A module of ``benchmarks/workloads/``."""

    ROWS: Sequence[Row]

    def measure(self, tracker: type[Tracker]) -> Measured:
        """Do the work in this fresh process; a row that the tracker has no answer to is left out."""
        ...


SCALE = "BENCHMARKS_SCALE"
"""The environment variable by which ``--scale`` reaches the measuring process."""


def scaled(count: int) -> int:
    """So many rows, fits or candidates of the long workloads, by the scale that was asked for."""
    return max(1, round(count * float(os.environ.get(SCALE, "1"))))


def seconds(call: Callable[[], object]) -> float:
    """How long one call takes."""
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def quantile(values: Sequence[float], share: float) -> float:
    """The value that a share of all values does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
