"""The commands that find the answer: best, compare, importance, history, tail."""

import io
import json
import math
import subprocess
import sys
import threading
import time
from contextlib import redirect_stderr, redirect_stdout

import pytest

import autotrack
from autotrack.cli import main

LR = [0.001 * 2**n for n in range(10)]


@pytest.fixture(autouse=True)
def sweep(store):
    """Ten runs whose loss depends on the learning rate alone, and gets worse after its best."""
    autotrack.set_experiment("sweep")
    for n, lr in enumerate(LR):
        with autotrack.start_run(run_name=f"trial {n}"):
            autotrack.log_params({"lr": lr, "noise": (n * 7) % 10})
            for step, value in enumerate([1.0, lr, lr + 0.1]):
                autotrack.log_metric("val/loss", value, step)


def command(*words):
    """The exit code and output of a command, in this process: as in one of its own, only sooner."""
    out, error, code = io.StringIO(), io.StringIO(), 0
    with redirect_stdout(out), redirect_stderr(error), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["autotrack", *words])
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    return code, out.getvalue(), error.getvalue()


def test_best_shows_the_best_runs_in_their_order():
    """By the best value that each reached, or by its last."""
    code, shown, _ = command("best", "-m", "val/loss", "-n", "2")
    assert code == 0
    assert shown.index("trial 0") < shown.index("trial 1")
    assert "val/loss 0.001" in shown
    code, shown, _ = command("best", "-m", "val/loss", "--last", "--where", "params.lr > 0.1", "--json")
    found = json.loads(shown)
    assert (found["metric"], found["runs"][0]["name"]) == ("val/loss", "trial 7")
    assert found["runs"][0]["value"] == pytest.approx(0.228)


@pytest.mark.parametrize(
    ("bound", "code"),
    [(("--max", "0.002"), 0), (("--max", "0.0001"), 1), (("--min", "0.0001"), 0), (("--min", "1"), 1)],
)
def test_best_gates_a_pipeline(bound, code):
    """Its exit code is 1 where the best run is not good enough."""
    found, shown, _ = command("best", "-m", "val/loss", *bound)
    assert found == code
    assert ("and should be" in shown) == bool(code)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("best", "-m", "val/los"), "val/los"),
        (("best", "-m", "lr"), "no run has a value of the metric 'lr'"),
        (("best", "-m", "val/loss", "--where", "metrics.x >"), "the end"),
        (("compare", "abc"), "two runs"),
        (("importance", "-m", "val/loss", "--where", "params.lr < 0.01"), "at least 8"),
        (("history", "00000000"), "there is no run"),
        (("tail", "00000000"), "there is no run"),
        (("best", "-m", "val/loss", "-e", "swep"), "the experiments are"),
    ],
)
def test_what_cannot_be_answered_is_one_line_with_the_remedy(words, says):
    """Exit code 2."""
    code, shown, error = command(*words)
    assert (code, shown) == (2, "")
    assert says in error
    assert error.count("\n") == 1


def test_compare_shows_what_differs():
    """And as JSON."""
    ids = [run.info.run_id for run in autotrack.search_runs(order_by=["params.lr"], output_format="list")[:2]]
    code, shown, _ = command("compare", *(one[:10] for one in ids))
    assert code == 0
    assert {"lr", "noise", "val/loss"} <= set(shown.split())
    found = json.loads(command("compare", *ids, "--json")[1])
    assert found["runs"] == ids
    assert found["params"]["lr"] == ["0.001", "0.002"]


def test_importance_names_what_mattered():
    """With its uncertainty, and how much the parameters explain at all."""
    code, shown, _ = command("importance", "-m", "best(val/loss)")
    assert code == 0
    assert shown.index("lr") < shown.index("noise")
    assert "10 runs; the parameters explain" in shown
    found = json.loads(command("importance", "-m", "val/loss", "--json")[1])
    assert found["weights"][0]["parameter"] == "lr"


def test_history_prints_every_point_or_draws_them():
    """As CSV, JSON, or curves of all runs in one drawing."""
    ids = [run.info.run_id for run in autotrack.search_runs(output_format="list")[:2]]
    lines = command("history", *ids, "-m", "val/loss")[1].splitlines()
    assert lines[0] == "run_id,run_name,metric,step,timestamp,value"
    assert len(lines) == 7
    assert json.loads(command("history", ids[0], "--json")[1])[0]["value"] == 1.0
    drawn = command("history", *ids, "--plot")[1]
    assert all(one[:8] in drawn for one in ids)
    assert "┤" in drawn or "|" in drawn


def test_tail_follows_a_run_until_it_ends():
    """Each new value a line, NaN too, then how it ended."""
    time.sleep(0.002)  # another millisecond than that of the runs before: the newest one is followed
    with autotrack.start_run(run_name="going on") as run:
        autotrack.log_metric("val/loss", 1.0, 0)
        process = subprocess.Popen(
            [sys.executable, "-m", "autotrack", "tail"], stdout=subprocess.PIPE, text=True, bufsize=1
        )
        watchdog = threading.Timer(100, process.kill)
        watchdog.start()
        assert "going on" in process.stdout.readline()
        assert "step 0  val/loss 1" in process.stdout.readline()
        autotrack.log_metric("val/loss", math.nan, 1)
        assert "step 1  val/loss nan" in process.stdout.readline()
    assert process.stdout.readline().startswith("finished after")
    assert process.wait(100) == 0
    watchdog.cancel()
    process.stdout.close()
    assert run.info.run_id


def test_a_column_is_whatever_a_filter_knows():
    """A reading of a metric, an attribute, a key in backticks with a comma; in a table and in JSON."""
    words = (
        "runs",
        "--sort",
        "min(val/loss)",
        "-n",
        "2",
        "--columns",
        "min(val/loss),params.lr,metrics.`a,b`,duration",
    )
    code, shown, _ = command(*words)
    assert code == 0
    assert {"lr", "a,b", "duration", "0.001"} <= set(shown.split())
    rows = json.loads(command(*words, "--json")[1])["runs"]
    assert [row["columns"]["min(val/loss)"] for row in rows] == [0.001, 0.002]
    assert rows[0]["columns"]["metrics.`a,b`"] is None
    code, shown, error = command("runs", "--columns", "bset(loss)")
    assert (code, shown) == (2, "")
    assert "best(KEY)" in error


def test_tail_prints_json_for_programs():
    """Of a run that has ended, its last values and how it ended."""
    last = autotrack.best_run("val/loss", mode="max", last=True).info.run_id
    code, shown, _ = command("tail", last, "--json", "-m", "val/loss")
    assert code == 0
    points, end = map(json.loads, shown.splitlines())
    assert points["metrics"] == {"val/loss": pytest.approx(LR[-1] + 0.1)}
    assert points["step"] == 2
    assert end["status"] == "FINISHED"


def test_a_report_is_there_for_programs_too():
    """All facts of the page as JSON."""
    found = json.loads(command("report", "sweep", "--json")[1])
    assert (found["experiment"], found["metric"], found["lower"]) == ("sweep", "val/loss", True)
    assert found["lines"][0]["value"] == 0.001
    assert found["importance"]["weights"][0]["parameter"] == "lr"
