"""`autotrack runs`: what was trained, in a table that fits the terminal."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time

import pytest

import autotrack as at


@pytest.fixture
def three_runs():
    """Three runs of two experiments."""
    at.set_experiment("first")
    for rate, loss in (("0.1", 0.5), ("0.2", 0.25)):
        time.sleep(0.002)  # newest first: times are kept in ms
        with at.start_run(run_name=f"svm {rate}"):
            at.log_params({"rate": rate, "kernel": "rbf"})
            at.log_metric("val_loss", loss)
    at.set_experiment("second")
    time.sleep(0.002)
    with at.start_run(run_name="odd [red]one[/red]\x1b[31m"):
        at.log_metrics({"val_loss": math.nan, "top": math.inf})
        at.set_tag("owner", "Ada")


@pytest.mark.usefixtures("three_runs")
def test_table(autotrack, monkeypatch):
    """Newest first; the shared metric is a column, the best of it stands out; parameters that differ are named."""
    monkeypatch.setenv("COLUMNS", "120")
    found = autotrack("runs")
    assert found.code == 0
    header, _, *rows = [line.split() for line in found.out.splitlines() if line.strip()]
    assert header == ["run", "name", "experiment", "status", "started", "took", "val_loss", "differs", "in"]
    assert [row[1:3] for row in rows] == [["odd", "[red]one[/red]\\x1b[31m"], ["svm", "0.2"], ["svm", "0.1"]]
    assert rows[1][-2:] == ["0.25", "rate=0.2"]


@pytest.mark.usefixtures("three_runs")
@pytest.mark.parametrize(("width", "encoding"), [(40, "utf-8"), (80, "ascii"), (200, "latin-1")])
def test_any_terminal(autotrack, monkeypatch, width, encoding):
    """No line is wider than the terminal, and an encoding that lacks the lines of a table gets plain ones."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    found = autotrack("runs")
    assert found.code == 0
    assert max(map(len, found.out.splitlines())) <= width
    if encoding != "utf-8":
        assert found.out.isascii()


@pytest.mark.usefixtures("three_runs")
def test_choosing(autotrack, monkeypatch):
    """A filter in MLflow's grammar, an order, a limit, experiments and columns."""
    monkeypatch.setenv("COLUMNS", "100")

    def names(*options):
        return [run["name"] for run in json.loads(autotrack("runs", "--json", *options).out)["runs"]]

    assert names("--where", "metrics.val_loss < 0.3") == ["svm 0.2"]
    assert names("--sort", "metrics.val_loss ASC", "--limit", "1") == ["svm 0.2"]
    assert names("--experiment", "first", "--sort", "params.rate ASC") == ["svm 0.1", "svm 0.2"]
    assert len(names("-e", "first", "-e", "second")) == 3
    shown = autotrack("runs", "--columns", "tags.owner,metrics.top").out
    assert "Ada" in shown
    assert "inf" in shown
    assert "val_loss" not in shown
    assert "--limit" in autotrack("runs", "--limit", "2").out


@pytest.mark.usefixtures("three_runs")
def test_json(autotrack, store):
    """For programs: every fact under a documented key, times in ms, and JSON that any reader takes."""
    found = json.loads(autotrack("runs", "--json").out, parse_constant=pytest.fail)
    assert found["store"] == str(store)
    newest = found["runs"][0]
    assert set(newest) == {
        "run_id", "name", "experiment", "experiment_id", "status", "lifecycle_stage", "start_time", "end_time", "user",
        "artifact_uri", "error", "metrics", "params", "tags",
    }  # fmt: skip
    assert newest["metrics"] == {"val_loss": "NaN", "top": "Infinity"}
    assert newest["experiment"] == "second"
    assert newest["tags"]["owner"] == "Ada"


def test_nothing_recorded_yet(autotrack, store):
    """Where there is no store, the command says what would make one, and makes none."""
    found = autotrack("runs")
    assert found.code == 0
    assert "autotrack run" in found.out
    assert json.loads(autotrack("runs", "--json").out)["runs"] == []
    assert not store.exists()


@pytest.mark.usefixtures("three_runs")
def test_reader_that_has_seen_enough(autotrack):
    """`autotrack runs | head -1` ends without a traceback."""
    done = subprocess.run(
        f"{sys.executable} -m autotrack runs --json --limit 1000 | head -c 1",
        shell=True,
        capture_output=True,
        check=False,
    )
    assert done.stderr == b""
