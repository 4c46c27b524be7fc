"""What can be seen of a CatBoost training that is not over, and what is left of one that never will be."""

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import catboost
import numpy as np
import pytest

import autotrack_catboost
from autotrack.testing import recorded, recording
from autotrack_catboost import live

pytestmark = pytest.mark.filterwarnings("ignore:Failed to import numba", "ignore:Can't optimize")

RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(100, 3))
FEW = {"iterations": 9, "depth": 2, "thread_count": 1, "verbose": False}


class Waiting:
    """A metric that lets the training wait until the iterations before it, but for the last two, can be seen."""

    def __init__(self, seen):
        self.seen = seen
        self.calls = 0

    def get_final_error(self, error, weight):
        return error

    def is_max_optimal(self):
        return False

    def evaluate(self, approxes, target, weight):
        self.calls += 1
        for _ in range(10_000):
            if self.seen() >= self.calls - 3:
                break
            threading.Event().wait(0.001)
        return float(approxes[0][-1]), 1.0


def test_the_curve_grows_while_the_training_goes_on(monkeypatch):
    """In CatBoost's ten digits; in the end the exact one is there too."""
    monkeypatch.setattr(live, "PAUSE", 0.001)
    with recording() as record:
        autotrack_catboost.autolog(log_models=False)

        def seen():
            return len(record.run.metrics.get("live/learn-RMSE", ()))

        model = catboost.CatBoostRegressor(**FEW, eval_metric=Waiting(seen)).fit(X, X[:, 0])
    run = record.run
    rounds = len(run.steps["live/learn-RMSE"])
    assert rounds >= 5
    assert run.steps["live/learn-RMSE"] == list(range(rounds))
    exact = model.evals_result_["learn"]["RMSE"]
    assert run.metrics["learn-RMSE"] == exact
    assert run.metrics["live/learn-RMSE"] == pytest.approx(exact[:rounds], rel=1e-9)


BEGIN = """
import os, signal, sys, threading, autotrack, catboost
sys.path.insert(0, {path!r})
from pathlib import Path
from test_catboost_live import FEW, X, Waiting
from autotrack.testing import recorded
from autotrack_catboost import live
live.PAUSE = live.SOON = 0.001
autotrack.autolog()
"""
WATCHED = """
def seen():
    rounds = len(recorded(Path({store!r}))[0].metrics.get("live/learn-RMSE", ()))
    if rounds >= 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return rounds
catboost.CatBoostRegressor(**FEW, eval_metric=Waiting(seen)).fit(X, X[:, 0])
"""
KEPT = """
kept, keep = threading.Event(), live.Testament.keep
def tell(testament):
    keep(testament)
    kept.set()
live.Testament.keep = tell
calls = []
def seen():
    calls.append(1)
    if len(calls) == 7 and kept.wait(20):
        os.kill(os.getpid(), signal.SIGKILL)
    return 99
catboost.CatBoostRegressor(**FEW, eval_metric=Waiting(seen)).fit(X, X[:, 0])
"""


def killed(rest, store):
    """What a process has left that kills itself in the midst of a training."""
    text = (BEGIN + rest).format(path=__file__.rpartition("/")[0], store=str(store))
    done = subprocess.run([sys.executable, "-c", text], check=False, stderr=subprocess.DEVNULL)
    assert done.returncode == -signal.SIGKILL
    (run,) = recorded(store)
    return run


def test_a_process_that_is_killed_leaves_its_curve(store):
    """No callback was needed for it, nor another process."""
    run = killed(WATCHED, store)
    assert run.steps["live/learn-RMSE"] == list(range(len(run.steps["live/learn-RMSE"])))
    assert len(run.steps["live/learn-RMSE"]) >= 5
    assert "learn-RMSE" not in run.metrics


def test_a_process_that_is_killed_leaves_every_round(store, monkeypatch):
    """All that CatBoost has noted, under the names that it has otherwise, written by another process."""
    monkeypatch.delenv("AUTOTRACK_CONTEXT")
    killed(KEPT, store)
    noted = json.loads(Path("catboost_info/catboost_training.json").read_bytes())["iterations"]
    for _ in range(2000):
        (run,) = recorded(store)
        if len(run.metrics.get("learn-RMSE", ())) == len(noted):
            break
        threading.Event().wait(0.01)
    assert 4 <= len(noted) < 9
    assert run.steps["learn-RMSE"] == run.steps["round_time"] == list(range(len(noted)))


def test_a_look_follows_soon_after_one_that_found_something(monkeypatch, tmp_path):
    """After one that found nothing the next is put off, little by little, up to a second."""
    notes = autotrack_catboost.history.Notes(tmp_path)
    followed = live.Live(None, notes)
    waited, grows = [], [True, True, False, False, *[False] * 20, True, True]

    def wait(pause):
        waited.append(round(pause, 4))
        return len(waited) > len(grows) + 1

    def look():
        followed._offset += grows[len(waited) - 2]
        return True

    monkeypatch.setattr(followed, "_look", look)
    monkeypatch.setattr(followed._over, "wait", wait)
    monkeypatch.setattr(followed._testament, "keep", lambda: None)
    followed._follow()
    assert waited[:7] == [0.05, 1.0, 0.1, 0.1, 0.125, 0.1562, 0.1953]
    assert max(waited[1:]) == 1.0
    assert waited[-3:] == [1.0, 0.1, 0.1]


def test_a_training_of_less_than_a_second_has_its_exact_curves_alone():
    """And nothing is looked at without CatBoost's files."""
    with recording() as record:
        autotrack_catboost.autolog(log_models=False)
        for files in (True, False):
            catboost.CatBoostRegressor(**FEW, allow_writing_files=files).fit(X, X[:, 0])
    assert [key for run in record.runs for key in run.metrics if key.startswith("live/")] == []


def test_two_trainings_that_note_in_one_file_are_not_mixed(monkeypatch, tmp_path):
    """A file that another training has begun anew is not followed any further."""
    notes = autotrack_catboost.history.Notes(tmp_path)
    written = []

    class Run:
        def metrics(self, values, step, **_more):
            written.append(step)

    followed = live.Live(Run(), notes)
    meta = '{\n"meta":{"test_sets":[],"test_metrics":[],"learn_metrics":[{"name":"RMSE"}]},\n"iterations":[\n'
    note = '{{"learn":[1.5],"iteration":{0},"passed_time":0.{0}}}'.format
    notes.file.write_text(meta + note(0) + ",\n" + note(1) + "\n]}")
    assert followed._look()
    notes.file.write_text(meta + note(0) + ",\n" + note(1) + ",\n" + note(2) + "\n]}")
    assert followed._look()
    assert written == [0, 1, 2]
    notes.file.write_text(meta + note(0) + "\n]}")
    assert not followed._look()
    notes.file.write_text(meta + ",\n".join(map(note, (0, 1, 2, 1, 2, 3))) + "\n]}")
    assert not followed._look()
    assert written == [0, 1, 2]
