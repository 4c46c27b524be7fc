"""`import X` in a fresh interpreter, beside an interpreter that does nothing."""

from __future__ import annotations

import subprocess
import sys
from statistics import median

from benchmarks.tracker import Tracker
from benchmarks.workload import Measured, Row, seconds

TURNS = 7
ROWS = (
    Row("whole", "`python -c 'import X'`, whole process"),
    Row("bare", "`python -c pass`, beside it", compared=False),
    Row("times", "… as a multiple of `python -c pass`", unit="x", limit=3, compared=False),
    Row("net", "… net of `python -c pass`", times={"mlflow": 40}),
)


def measure(tracker: type[Tracker]) -> Measured:
    """Start both in turn and compare the medians."""

    def process(code: str) -> float:
        return seconds(lambda: subprocess.run([sys.executable, "-c", code], check=True))

    pairs = [(process(f"import {tracker.module}"), process("pass")) for _ in range(TURNS)]
    whole, bare = (median(column) for column in zip(*pairs, strict=True))
    return Measured({"whole": whole, "bare": bare, "times": whole / bare, "net": whole - bare})
