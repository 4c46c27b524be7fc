"""Runs and points as CSV, JSON lines and Parquet, for programs and for spreadsheets."""

import csv
import json
import math
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

import autotrack
from autotrack.cli.app import app
from autotrack.exceptions import AutotrackException
from autotrack.exchange.tables import harmless


@pytest.fixture
def recorded():
    """Two runs; their ids."""
    found = []
    for number in range(2):
        with autotrack.start_run(run_name="=cmd|' /C calc'!A0" if number else "plain") as run:
            autotrack.log_params({"lr": "-0.5", "note": "@SUM(A1)", "text": 'a,"b"\nc'})
            for step in range(3):
                autotrack.log_metric("loss", step / 3 + number, step=step)
            autotrack.log_metrics({"nan": math.nan, "inf": -math.inf})
            found.append(run.info.run_id)
        while time.time_ns() // 1_000_000 <= run.info.start_time:  # so that one is the older
            pass
    return found


def export(*words):
    """Run ``autotrack export``."""
    done = CliRunner().invoke(app, ["export", *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_runs_become_rows(recorded):
    """One a run, oldest first, with everything that any of them has; the same bytes each time."""
    for name in ("a", "b"):
        export("--csv", f"{name}.csv")
        export("--jsonl", f"{name}.jsonl")
        export("--parquet", f"{name}.parquet")
    for form in ("csv", "jsonl", "parquet"):
        assert Path(f"a.{form}").read_bytes() == Path(f"b.{form}").read_bytes()
    with Path("a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["run_id"] for row in rows] == recorded
    first = rows[0]
    assert (first["metrics.loss"], first["metrics.nan"], first["metrics.inf"]) == (repr(2 / 3), "NaN", "-Infinity")
    assert first["params.text"] == 'a,"b"\nc'
    lines = [json.loads(line) for line in Path("a.jsonl").read_text().splitlines()]
    assert [line["metrics.loss"] for line in lines] == [2 / 3, 2 / 3 + 1]
    assert lines[1]["run_name"] == "=cmd|' /C calc'!A0"
    parquet = pytest.importorskip("pyarrow.parquet").read_table("a.parquet").to_pylist()
    assert [row["metrics.loss"] for row in parquet] == [2 / 3, 2 / 3 + 1]
    assert math.isnan(parquet[0]["metrics.nan"])


def test_no_spreadsheet_runs_what_a_run_is_called(recorded):
    """A text that begins like a formula has an apostrophe before it; a negative number is a number."""
    export("--csv", "a.csv")
    with Path("a.csv").open(newline="") as file:
        row = list(csv.DictReader(file))[1]
    assert row["run_name"] == "'=cmd|' /C calc'!A0"
    assert row["params.note"] == "'@SUM(A1)"
    assert row["params.lr"] == "-0.5"
    assert [harmless(text) for text in ("+1", "+1+1", "\tx", "a=b", "-inf", "-x", "")] == [
        "+1", "'+1+1", "'\tx", "a=b", "-inf", "'-x", "",
    ]  # fmt: skip


def test_columns_and_conditions_are_those_of_a_filter(recorded):
    """Also what is computed."""
    export("--jsonl", "a.jsonl", "--columns", "best(loss), params.lr", "--where", "metrics.loss > 1")
    assert [json.loads(line) for line in Path("a.jsonl").read_text().splitlines()] == [
        {"run_id": recorded[1], "best(loss)": 1.0, "params.lr": "-0.5"}
    ]


def test_points_become_rows(recorded):
    """All of them, or those of some metrics."""
    export("--jsonl", "a.jsonl", "--history", "--metric", "loss")
    rows = [json.loads(line) for line in Path("a.jsonl").read_text().splitlines()]
    assert [(row["run_id"], row["step"], row["value"]) for row in rows] == [
        (run_id, step, step / 3 + number) for number, run_id in enumerate(recorded) for step in range(3)
    ]
    export("--parquet", "a.parquet", "--history")
    assert pytest.importorskip("pyarrow.parquet").read_table("a.parquet").num_rows == 10


def test_a_file_that_is_there_stays(recorded):
    """And nothing half-written lies beside it."""
    Path("a.csv").write_text("mine")
    with pytest.raises(AutotrackException, match="is there already"):
        export("--csv", "a.csv")
    with pytest.raises(AutotrackException):
        export("--csv", "b.csv", "--where", "metrics.")
    assert Path("a.csv").read_text() == "mine"
    assert [one.name for one in Path().iterdir()] == ["a.csv"]


def test_one_target_is_named():
    """A bundle or a table."""
    with pytest.raises(AutotrackException, match="name one target"):
        export()
    with pytest.raises(AutotrackException, match="whole runs"):
        export("--to", "bundle", "--where", "metrics.loss > 1")
