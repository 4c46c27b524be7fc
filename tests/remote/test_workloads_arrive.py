"""Whatever an integration records arrives whole on MLflow's server: the programs are those of the contract suite."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from agreement import agree

WORKLOADS = sorted((Path(__file__).parents[1] / "integrations/workloads").glob("*.py"))
PROGRAM = """
import sys
from pathlib import Path
import autotrack
from autotrack.testing.subject import load
autotrack.set_experiment(sys.argv[1])
autotrack.autolog()
load(Path(sys.argv[2])).workload()
"""


@pytest.mark.slow
@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda file: file.stem)
def test_all_that_an_integration_records_arrives(workload, tracking):
    """Parameters, tags, curves with every point, data sets, files, and models to the byte."""
    pytest.importorskip(workload.stem)
    variables = {"AUTOTRACK_TRACKING_URI": tracking.url, "AUTOTRACK_TOLD": "1", "AUTOTRACK_EXIT_TIMEOUT": "300"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, workload.stem, str(workload)], env={**os.environ, **variables},
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert (done.returncode, [line for line in done.stderr.splitlines() if "autotrack" in line]) == (0, [])
    assert agree(tracking, Path(".autotrack"), workload.stem)
