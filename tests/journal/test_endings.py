"""However a program ends, its run says so, and what was logged before is there."""

import os
import signal
import subprocess
import sys
import time

import pytest

from autotrack.client import Client

BEGIN = """
import ctypes, os, signal, sys, threading, time
from autotrack import current
run = current.start("mine")
run.params({"rate": 0.5})
for step in range(100):
    run.metric("loss", step, step)
"""


def program(body, directory):
    """Start a program that opens a run, logs, and then does what is to be tested."""
    return subprocess.Popen(
        [sys.executable, "-c", BEGIN + body], cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def the_run(store):
    """The one run of a store, with all that was logged before the end."""
    client = Client(store)
    (run,) = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
    assert run.data.params["rate"] == "0.5"
    history = client.get_metric_history(run.info.run_id, "loss")
    assert [(point.step, point.value) for point in history] == [(step, float(step)) for step in range(100)]
    return run


@pytest.mark.parametrize(
    ("ending", "body", "code", "status", "error", "exit_code"),
    [
        ("at its last line", "", 0, "FINISHED", "", "unknown"),
        ("by end()", "run.end()", 0, "FINISHED", "", None),
        ("by an exception", "{}['mine']", 1, "FAILED", "KeyError: 'mine'", None),
        ("by an exception inside with", "with run:\n    {}['mine']", 1, "FAILED", "KeyError: 'mine'", None),
        ("after one it handled", "try:\n    {}['mine']\nexcept KeyError: pass", 0, "FINISHED", "", "unknown"),
        (
            "after a thread's", "thread = threading.Thread(target=lambda: 1 / 0); thread.start(); thread.join()", 0,
            "FINISHED", "", "unknown",
        ),
        ("by sys.exit()", "sys.exit()", 0, "FINISHED", "", "unknown"),
        ("by sys.exit(3)", "sys.exit(3)", 3, "FINISHED", "", "unknown"),
        ("by sys.exit(0) inside with", "with run:\n    sys.exit(0)", 0, "FINISHED", "", None),
        ("by sys.exit(3) inside with", "with run:\n    sys.exit(3)", 3, "FAILED", "SystemExit: 3", None),
        ("by Ctrl-C", "os.kill(os.getpid(), signal.SIGINT); time.sleep(9)", -2, "KILLED", "KeyboardInterrupt", None),
        (
            "by Ctrl-C inside with", "with run:\n    os.kill(os.getpid(), signal.SIGINT); time.sleep(9)", -2, "KILLED",
            "KeyboardInterrupt", None,
        ),
        ("by SIGTERM", "os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)", -15, "KILLED", "", None),
        ("by os._exit(0)", "os._exit(0)", 0, "KILLED", "", None),
        ("by SIGKILL", "os.kill(os.getpid(), signal.SIGKILL)", -9, "KILLED", "", None),
        ("by a segmentation fault", "ctypes.string_at(0)", -11, "KILLED", "", None),
        ("by abort()", "os.abort()", -6, "KILLED", "", None),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith(("by ", "at ", "after ")) else "",
)  # fmt: skip
def test_a_program_that_ends(ending, body, code, status, error, exit_code, store, tmp_path):
    """The exit code is what it is without us, and the run has the state that the ending means."""
    done = program(body, tmp_path)
    output, errors = done.communicate(timeout=60)
    assert done.returncode == code, errors
    assert output == ""
    run = the_run(store)
    assert run.info.status == status
    assert error in (run.info.error or "")
    assert bool(run.info.error) == bool(error)
    assert run.data.tags.get("autotrack.exit_code") == exit_code
    assert run.info.end_time is not None


def test_a_program_that_goes_on_is_running_until_it_is_killed(store, tmp_path):
    """Its state is seen from outside, at once."""
    running = program("print('ready', flush=True); time.sleep(60)", tmp_path)
    try:
        assert running.stdout.readline() == "ready\n"
        assert the_run(store).info.status == "RUNNING"
        assert the_run(store).info.end_time is None
        running.kill()
        running.wait()
        assert the_run(store).info.status == "KILLED"
    finally:
        running.kill()
        running.communicate()


def test_a_killed_parents_child_keeps_the_run_alive(store, tmp_path):
    """A run is over when every process that writes to it is gone."""
    body = """
if os.fork() == 0:
    run.metric("child", 1)
    print(os.getpid(), flush=True)
    time.sleep(60)
    os._exit(0)
time.sleep(60)
"""
    running = program(body, tmp_path)
    child = int(running.stdout.readline())
    try:
        running.kill()
        running.wait()
        assert the_run(store).info.status == "RUNNING"
    finally:
        os.kill(child, signal.SIGKILL)
    for _ in range(100):
        if the_run(store).info.status == "KILLED":
            break
        time.sleep(0.01)
    assert the_run(store).info.status == "KILLED"
    running.communicate()


def test_a_process_whose_id_was_given_again_is_gone(store, tmp_path):
    """It is told from its namesake by when it started."""
    done = program("os._exit(0)", tmp_path)
    done.communicate(timeout=60)
    (events,) = store.glob("runs/*/events-*.jsonl")
    events.write_text(events.read_text().replace(f'"pid":{done.pid},', f'"pid":{os.getpid()},'))
    assert the_run(store).info.status == "KILLED"


def test_a_run_of_another_machine_is_lost_when_it_falls_silent(store, tmp_path):
    """Its death cannot be proved from here; a later sign of life takes it back."""
    program("os._exit(0)", tmp_path).communicate(timeout=60)
    (events,) = store.glob("runs/*/events-*.jsonl")
    events.write_text(events.read_text().replace('"host":"', '"host":"other-'))
    assert the_run(store).info.status == "RUNNING"
    past = time.time() - 61
    for file in events.parent.iterdir():
        os.utime(file, (past, past))
    assert the_run(store).info.status == "LOST"
    (events.parent / events.name.replace("events-", "alive-").replace(".jsonl", "")).write_text(
        f"{int(time.time() * 1000)}\n"
    )
    assert the_run(store).info.status == "RUNNING"


def test_the_exception_that_ends_a_program_is_printed_as_without_us(store, tmp_path):
    """The traceback names the program's own lines, once."""
    done = program("def broken():\n    return {}['mine']\nbroken()", tmp_path)
    errors = done.communicate(timeout=60)[1].splitlines()
    assert errors[0] == f"autotrack: recording to {store}"
    assert errors[1] == "Traceback (most recent call last):"
    assert errors[-1] == "KeyError: 'mine'"
    assert not any("autotrack" in line for line in errors[1:])
    assert len(errors) == 5
