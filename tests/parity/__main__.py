"""scikit-learn's own tests with autolog on and off: ``make sklearn``, or ``python tests/parity [TARGET …]``.

A target is a module or package of scikit-learn with tests, or ``checks`` for ``check_estimator`` of every estimator.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from sides import checked, compared

CHECKS = "checks"
TARGETS = (
    "sklearn.tests.test_pipeline", "sklearn.compose", "sklearn.model_selection", "sklearn.svm", "sklearn.tree",
    "sklearn.cluster", "sklearn.neighbors", "sklearn.ensemble", "sklearn.linear_model", "sklearn.metrics",
    "sklearn.tests.test_common", CHECKS,
)  # fmt: skip


def main(targets: list[str]) -> int:
    """Compare one target after the other; the exit status says whether all outcomes were the same."""
    wrong = 0
    for target in targets or TARGETS:
        begin = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="parity-") as work:
            found = checked(Path(work)) if target == CHECKS else compared([target], Path(work), "--pyargs")
        took = time.monotonic() - begin
        print(f"{target}: {found.count} tests, {len(found.differences)} otherwise, {took:.0f} s", flush=True)  # noqa: T201 - a command prints
        for line in (*found.differences, *found.faults):
            print(f"    {line}", flush=True)  # noqa: T201 - the same
        wrong += len(found.differences) + len(found.faults) + (not found.count)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
