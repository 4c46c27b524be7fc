"""What a program logs while it ends, from wherever it can still speak."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autotrack.client import Client
from autotrack.testing import recorded

HEAD = """
import atexit, builtins, concurrent.futures, multiprocessing, os, sys, threading, time
import autotrack as mlflow

def say():
    mlflow.log_metric("last", 1.0)
    mlflow.log_params({"word": Word("spoken")})
    mlflow.log_text("text", "t.txt")

class Word:
    def __init__(self, text):
        self.text = text
    def __repr__(self):
        return self.text

class Dying:
    def __del__(self):
        say()
"""
BEGIN = "mlflow.start_run()\nmlflow.log_metric('first', 1.0)\n"
SPEAKERS = {
    "a handler that was registered first": f"atexit.register(say)\n{BEGIN}",
    "a handler that was registered last": f"{BEGIN}atexit.register(say)",
    "a handler, after a run that began by itself": "atexit.register(say)\nmlflow.log_metric('first', 1.0)",
    "a handler, when the run is over": f"atexit.register(say)\n{BEGIN}mlflow.end_run()",
    "a finalizer": f"dying = Dying()\n{BEGIN}",
    "a finalizer in a cycle": f"dying = Dying()\ndying.me = dying\n{BEGIN}",
    "a thread that outlives the last line": f"{BEGIN}threading.Thread(target=lambda: (time.sleep(0.1), say())).start()",
    "an executor's thread": (
        f"{BEGIN}pool = concurrent.futures.ThreadPoolExecutor()\npool.submit(lambda: (time.sleep(0.1), say()))"
    ),
    "a worker process": (
        f"{BEGIN}worker = multiprocessing.get_context('fork').Process(target=say)\nworker.start()\nworker.join()"
    ),
    "a daemon": (
        f"{BEGIN}if os.fork():\n    os._exit(0)\nos.setsid()\nif os.fork():\n    os._exit(0)\n"
        "time.sleep(0.2)\nsay()\nmlflow.end_run()"
    ),
}


def ended(program: str, directory: Path) -> tuple[int, str, str]:
    """The exit code of a program, and what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "AUTOTRACK_TOLD": "1"},
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("speaker", SPEAKERS)
def test_last_words_are_kept(speaker, store, tmp_path):
    """In the one run that there is, which has ended as it should; nothing is printed."""
    assert ended(HEAD + SPEAKERS[speaker], tmp_path) == (0, "", "")
    for _ in range(100):
        (run,) = recorded(store)
        if run.status == "FINISHED":
            break
        time.sleep(0.05)
    assert run.status == "FINISHED"
    assert run.metrics == {"first": [1.0], "last": [1.0]}
    assert run.params == {"word": "spoken"}
    assert len(list(store.glob("runs/*/artifacts/t.txt"))) == 1
    assert run.damage == []


def test_a_finalizer_that_runs_in_the_midst_of_a_log_call(store, tmp_path):
    """The garbage collector calls it wherever it likes."""
    body = """
import gc
mlflow.start_run()
gc.set_threshold(1)
for n in range(500):
    dying = Dying()
    dying.me = dying
    del dying
    mlflow.log_metric(f"loss{n % 40}", n, step=n)
mlflow.log_metric("end", 1.0)
"""
    head = HEAD.replace("        say()", "        mlflow.log_metric('dying', 1.0)")
    assert ended(head + body, tmp_path) == (0, "", "")
    (run,) = recorded(store)
    assert sum(len(values) for key, values in run.metrics.items() if key.startswith("loss")) == 500
    assert len(run.metrics["dying"]) == 500
    assert (run.status, run.damage) == ("FINISHED", [])


def test_a_child_that_outlives_a_killed_parent_does_not_end_its_run_by_leaving(store, tmp_path):
    """It was the parent's, and the parent was killed."""
    body = BEGIN + "if os.fork():\n    os.kill(os.getpid(), 9)\ntime.sleep(0.3)\nsay()\n"
    assert ended(HEAD + body, tmp_path) == (-9, "", "")
    (run,) = recorded(store)
    assert run.metrics["last"] == [1.0]
    client = Client()
    while client.get_run(run.run_id).info.status == "RUNNING":
        time.sleep(0.05)
    assert client.get_run(run.run_id).info.status == "KILLED"
