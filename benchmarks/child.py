"""One measurement in a fresh process: ``python -m benchmarks.child WORKLOAD TRACKER ANSWER``.

The working directory is the tracker's, with its store in it. The answer goes to a file, because trackers
print. With ``store`` for a workload it checks what the others left behind, which it reads from that file.
"""

from __future__ import annotations

import json
import sys
import warnings
from dataclasses import asdict
from pathlib import Path

from benchmarks import trackers, workloads
from benchmarks.tracker import Tracker
from benchmarks.workload import Evidence


def warm(tracker: type[Tracker]) -> None:
    """Make the store and every cache, so that no measurement pays for the first use of a machine."""
    from sklearn.datasets import load_iris  # heavy: not in the process that only draws the table
    from sklearn.linear_model import LogisticRegression  # heavy: the same

    warnings.simplefilter("ignore")
    used = tracker()
    if used.autolog("sklearn"):
        LogisticRegression(max_iter=200).fit(*load_iris(return_X_y=True))
        used.disable("sklearn")
    used.open()
    used.logger()("loss", 0.5, 0)
    used.close()


def missing(tracker: type[Tracker], evidence: list[Evidence]) -> list[str]:
    """What the store does not hold as it should."""
    used = tracker()
    found = [(used.points(each.run, each.key), each) for each in evidence]
    return [
        f"{each.key} of run {each.run}: {count} points of {each.points}"
        for count, each in found
        if count != each.points
    ]


def main(workload: str, name: str, answer: Path) -> None:
    tracker = trackers.find(name)
    if workload == "warm":
        warm(tracker)
    elif workload == "store":
        asked = json.loads(answer.read_text())
        lines = missing(tracker, [Evidence(**each) for each in asked["evidence"]])
        if asked["models"] and (models := tracker().models()) < asked["models"]:
            lines.append(f"{models} models with a signature of {asked['models']}")
        answer.write_text(json.dumps(lines))
    else:
        answer.write_text(json.dumps(asdict(workloads.find(workload).measure(tracker))))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
