"""A run that starts and ends."""

from __future__ import annotations

import time
from statistics import median

from benchmarks.tracker import Tracker
from benchmarks.workload import Measured, Row, seconds

LATER = 10
ROWS = (
    Row("import", "import, start and end of the first run of a process"),
    Row("first", "… without the import"),
    Row("later", "start and end of each later run"),
)


def measure(tracker: type[Tracker]) -> Measured:
    """Start and end runs with nothing in them."""
    begin = time.perf_counter()
    used = tracker()
    imported = time.perf_counter() - begin

    def run() -> None:
        used.open()
        used.close()

    first = seconds(run)
    later = median(seconds(run) for _ in range(LATER))
    return Measured({"import": imported + first, "first": first, "later": later})
