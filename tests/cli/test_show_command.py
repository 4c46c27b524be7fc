"""`autotrack show`: all that one run left behind."""

from __future__ import annotations

import json
import math

import pytest

import autotrack as at


@pytest.fixture
def run_id():
    """A run with a bit of everything."""
    with at.start_run(run_name="net", tags={"owner": "Ada"}) as run:
        at.log_params({"lr": 0.1, "layers": [64, 64]})
        for step in range(30):
            loss = math.exp(-step / 5)
            at.log_metrics({"train/loss": loss, "val/loss": loss + 0.1 + (step > 20), "odd": math.nan}, step=step)
        at.log_metric("test_accuracy", 0.75)
        at.log_text("hello", "notes/hello.txt")
        at.log_text("more", "notes/more.txt")
    return run.info.run_id


def test_everything_in_one_page(autotrack, run_id, monkeypatch):
    """Head, curves, metrics with their best, parameters, tags and files."""
    monkeypatch.setenv("COLUMNS", "80")
    found = autotrack("show", run_id[:6])
    assert found.code == 0
    lines = found.out.splitlines()
    assert lines[0] == "net  finished"
    assert max(map(len, lines)) <= 80
    assert "val/loss  last 1.103, best 0.1183 at step 20" in lines
    assert [line.split() for line in lines if line.startswith(" val/loss")] == [
        ["val/loss", "1.103", "29", "0.1183", "20", "30"]
    ]
    for part in ("* val/loss   o train/loss", "lr      0.1", "layers  [64, 64]", "owner  Ada", "notes/  2 files, 9 B"):
        assert part in found.out
    assert "not drawn: odd (--metric KEY draws one)" in lines


def test_one_metric_alone(autotrack, run_id):
    """--metric draws what is named, Braille where the terminal can."""
    found = autotrack("show", run_id, "--metric", "train/loss")
    assert "⠉" in found.out
    assert "* val/loss" not in found.out
    assert "× NaN" in autotrack("show", run_id, "-m", "odd").out  # noqa: RUF001 - the sign itself
    unknown = autotrack("show", run_id, "--metric", "nope")
    assert unknown.code == 2
    assert "test_accuracy" in unknown.err


def test_plain_ascii(autotrack, run_id, monkeypatch):
    """In a terminal without Unicode, the same in seven bits."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    found = autotrack("show", run_id)
    assert found.code == 0
    assert found.out.isascii()
    assert found.out.count("*") > 30


def test_json(autotrack, run_id):
    """For programs: the keys of `runs --json` and more; the points themselves on demand."""
    found = json.loads(autotrack("show", run_id, "--json").out, parse_constant=pytest.fail)
    assert found["run_id"] == run_id
    assert found["metrics"]["odd"]["last"] == "NaN"
    val = found["metrics"]["val/loss"]
    assert (val["best_step"], val["points"], val["step"]) == (20, 30, 29)
    assert {"datasets", "models", "artifacts", "error", "params", "tags", "status", "experiment"} <= set(found)
    assert {artifact["path"] for artifact in found["artifacts"]} == {"notes/hello.txt", "notes/more.txt"}
    assert "history" not in found
    history = json.loads(autotrack("show", run_id, "--json", "--history").out)["history"]
    assert [point[0] for point in history["train/loss"]] == list(range(30))
    assert history["train/loss"][0][2] == 1.0


def test_failed_run_shows_its_error(autotrack):
    """The tail of the traceback is what one looks for first."""
    with pytest.raises(ValueError, match="out of range"), at.start_run(run_name="broken") as run:
        raise ValueError("out of range")
    found = autotrack("show", run.info.run_id)
    assert found.out.startswith("broken  failed\n")
    assert "ValueError: out of range" in found.out


def test_model_and_data(autotrack, script):
    """A recorded fit: its data, its model and how to load it."""
    program = script(
        """
        from sklearn.datasets import load_iris
        from sklearn.linear_model import LogisticRegression
        LogisticRegression(max_iter=300).fit(*load_iris(return_X_y=True, as_frame=True))
        """
    )
    assert autotrack("run", program).code == 0
    newest = json.loads(autotrack("runs", "--json").out)["runs"][0]
    found = autotrack("show", newest["run_id"])
    assert "autotrack.pyfunc.load_model('models:/" in found.out
    assert "training_accuracy_score" in found.out
    (model,) = json.loads(autotrack("show", newest["run_id"], "--json").out)["models"]
    assert "sklearn" in model["flavors"]


def test_prefix_of_several_runs(autotrack, monkeypatch):
    """A beginning that several ids share is refused with the ids."""
    for _ in range(17):  # more runs than hexadecimal digits
        with at.start_run():
            pass
    ids = [run["run_id"] for run in json.loads(autotrack("runs", "--json").out)["runs"]]
    first = next(digit for digit in "0123456789abcdef" if sum(i.startswith(digit) for i in ids) > 1)
    found = autotrack("show", first)
    assert found.code == 2
    assert "several runs begin with" in found.err
