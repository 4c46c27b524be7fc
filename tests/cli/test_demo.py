"""What `make demo` runs is pleasant to look at, and true."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from autotrack.client import Client

DEMO = Path(__file__).parents[2] / "examples" / "demo.py"


def test_demo(store, monkeypatch):
    """Nine trainings by three frameworks, each with its parameters, a model and a score."""
    monkeypatch.setenv("COLUMNS", "100")
    done = subprocess.run([sys.executable, str(DEMO)], capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    assert done.stderr == f"autotrack: recording to {store}\n"
    assert max(map(len, done.stdout.splitlines())) <= 100
    for part in ("The runs", "The best of each data set", "How digits, network learnt", str(store), "⠤"):
        assert part in done.stdout
    client = Client()
    runs = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
    assert len(runs) == 9
    for run in runs:
        assert run.info.status == "FINISHED"
        assert len(run.data.params) > 3
        assert run.outputs.model_outputs, run.info.run_name
