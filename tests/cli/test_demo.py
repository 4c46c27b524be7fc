"""What `make demo` runs is pleasant to look at, and true."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

DEMO = Path(__file__).parents[2] / "examples" / "demo.py"


def test_demo(autotrack, store, monkeypatch):
    """Nine trainings by three frameworks, each with its parameters, a model and a score; twice in a row."""
    monkeypatch.setenv("COLUMNS", "100")
    done = subprocess.run([sys.executable, str(DEMO)], capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    assert done.stderr == f"autotrack: recording to {store}\n"
    assert max(map(len, done.stdout.splitlines())) <= 100
    for part in ("The runs", "The best of each data set", "How digits, network learnt", str(store), "⠤"):
        assert part in done.stdout
    runs = json.loads(autotrack("runs", "--json").out)["runs"]
    assert len(runs) == 9
    for run in runs:
        assert run["status"] == "FINISHED"
        assert len(run["params"]) > 3
        found = json.loads(autotrack("show", run["run_id"], "--json").out)
        assert found["models"], run["name"]
