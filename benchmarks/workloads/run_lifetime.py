"""A run that starts and ends."""

from __future__ import annotations

from statistics import median

from benchmarks.tracker import Tracker
from benchmarks.workload import Measured, Row, seconds

LATER = 10
ROWS = (
    Row("first", "start and end of the first run of a process"),
    Row("later", "start and end of each later run"),
)


def measure(tracker: type[Tracker]) -> Measured:
    """Start and end runs with nothing in them."""
    used = tracker()

    def run() -> None:
        used.open()
        used.close()

    return Measured({"first": seconds(run), "later": median(seconds(run) for _ in range(LATER))})
