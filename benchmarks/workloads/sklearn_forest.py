"""A random forest on a million rows: what a long fit pays in time and in memory."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import warnings
from statistics import median
from typing import Any

from benchmarks.tracker import Tracker
from benchmarks.workload import Measured, Row, scaled, seconds

SAMPLES, FEATURES, TREES, DEPTH = 1_000_000, 10, 10, 12
PAIRS = 2
ROWS = (
    Row("bare", "the fit alone", compared=False),
    Row("time", "the fit with the record, as a multiple of the fit alone (processor time)", unit="x", limit=1.02),
    Row("memory", "peak memory with the record, as a multiple of that without", unit="x", limit=1.05),
)


def measure(tracker: type[Tracker]) -> Measured:
    """Fit in a process of its own each time, bare and recorded in turn: a peak is a process's."""
    bare, ratios, memory = [], [], []
    for turn in range(PAIRS):
        order = (None, tracker) if turn % 2 == 0 else (tracker, None)
        took = {used is None: _apart(used) for used in order}
        if took[False] is None:
            return Measured({"bare": took[True]["seconds"]} if took[True] else {})
        alone, recorded = took[True], took[False]
        assert alone is not None
        bare.append(alone["seconds"])
        ratios.append(recorded["processor"] / alone["processor"])
        memory.append(recorded["bytes"] / alone["bytes"])
    return Measured({"bare": median(bare), "time": median(ratios), "memory": median(memory)})


def _apart(tracker: type[Tracker] | None) -> dict[str, float] | None:
    """What one fit in a child of this small process took; ``None`` if the tracker records no such thing."""
    sys.stdout.flush()
    answer, write = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(answer)
            os.write(write, json.dumps(_fit(tracker)).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(write)
    with os.fdopen(answer) as file:
        text = file.read()
    os.waitpid(child, 0)
    found: dict[str, float] | None = json.loads(text)
    return found


def _fit(tracker: type[Tracker] | None) -> dict[str, float] | None:
    import numpy as np  # heavy: in the child alone
    from sklearn.ensemble import RandomForestClassifier  # heavy: the same

    warnings.simplefilter("ignore")
    used: Any = None
    if tracker is not None:
        used = tracker()
        if not used.autolog("sklearn"):
            return None
    generator = np.random.default_rng(0)
    data = generator.normal(size=(scaled(SAMPLES), FEATURES)).astype(np.float32)
    target = (data[:, 0] + data[:, 1] * data[:, 2] + generator.normal(size=len(data)) > 0).astype(int)
    model = RandomForestClassifier(TREES, max_depth=DEPTH, random_state=0, n_jobs=1)
    begin = time.process_time()
    took = seconds(lambda: model.fit(data, target))
    processor = time.process_time() - begin  # of all threads; a neighbour's load is no part of it
    return {
        "seconds": took,
        "processor": processor,
        "bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0,
    }
