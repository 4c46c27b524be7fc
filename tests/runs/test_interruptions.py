"""Signals that arrive while autotrack is at work: a handler that logs, and a handler that raises."""

import json
import os
import subprocess
import sys
from pathlib import Path

from autotrack.client import Client

IN_A_CALL = """
import os, signal, sys, autotrack
from autotrack.journal import writer

def handler(*_):
    global depth
    depth += 1
    {handler}
    depth -= 1

depth = 0
signal.signal(signal.SIGUSR1, handler)
real = writer._write

def write(fd, data):
    if not depth and armed:
        os.kill(os.getpid(), signal.SIGUSR1)
    return real(fd, data)

writer._write = write
armed = False
run = autotrack.start_run(run_name="main")
armed = True
autotrack.log_metric("loss", 1.0, step=1)
autotrack.log_metrics({{"a": 1.0, "b": 2.0}})
autotrack.log_params({{"p": 1}})
autotrack.set_tag("t", "x")
autotrack.log_text("text", "t.txt")
run.log_metric("huge", 2**60 + 1)
autotrack.end_run()
print(run.run_id)
"""

AT_ANY_MOMENT = """
import json, random, signal, autotrack

inner = []

def handler(*_):
    n = len(inner)
    inner.append(n)
    autotrack.log_metric(f"inner/{n % 40}", n, step=n)
    autotrack.log_params({f"inner{n}": n})
    signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 3e-4))

signal.signal(signal.SIGALRM, handler)
run = autotrack.start_run(run_name="main")
signal.setitimer(signal.ITIMER_REAL, 1e-4)
for step in range(4000):
    autotrack.log_metric(f"outer/{step % 50}", step, step=step)
    if step % 10 == 0:
        autotrack.log_metrics({f"many/{step % 7}": step, f"more/{step % 13}": -step}, step=step)
    if step % 100 == 0:
        autotrack.log_params({f"outer{step}": step})
signal.signal(signal.SIGALRM, signal.SIG_IGN)
signal.setitimer(signal.ITIMER_REAL, 0)
autotrack.end_run()
print(json.dumps([run.run_id, len(inner)]))
"""

AT_EVERY_LINE = """
import json, os, sys, autotrack

HOME = os.path.dirname(autotrack.__file__)
passed = wanted = 0

def into(frame, event, arg):
    return line if frame.f_code.co_filename.startswith(HOME) else None

def line(frame, event, arg):
    global passed
    if event == "line":
        passed += 1
        if passed == wanted:
            raise KeyboardInterrupt
    return line

def work():
    global passed
    passed = 0
    done, run = [], None
    try:
        sys.settrace(into)
        with autotrack.start_run(run_name=str(wanted)) as run:
            run.log_metric("one", 1.0)
            done.append("one")
            run.log_metrics({"two": 2, "huge": 2**60 + 1})
            done.append("two")
            run.log_params({"three": 3})
            done.append("three")
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(None)
    for _ in range(2):  # one that came before the end began
        autotrack.end_run("KILLED")
    left = autotrack.active_run()
    return [run and run.run_id, done, left and left.run_id]

work()
lines = passed
made = []
for wanted in range(1, lines, 2):
    made.append(work())
print(json.dumps([lines, made]), flush=True)
os._exit(0)
"""


def output_of(body: str, directory: Path) -> str:
    """What a program prints that is not to hang, to fail or to complain."""
    done = subprocess.run(
        [sys.executable, "-c", body],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "AUTOTRACK_TOLD": "1"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_handler_that_logs_while_the_program_logs(tmp_path: Path):
    """It interrupts a write in the same thread; both are recorded."""
    log = (
        "autotrack.log_metric('seen', depth); autotrack.log_metrics({'x': 1, 'y': 2}); autotrack.log_params({'q': 2}); "
        "autotrack.log_metric(f'new{depth}', 1.0)"
    )
    run_id = output_of(IN_A_CALL.format(handler=log), tmp_path).strip()
    run = Client().get_run(run_id)
    assert run.data.metrics == {
        "loss": 1, "a": 1, "b": 2, "huge": 2**60 + 1, "seen": 1, "x": 1, "y": 2, "new1": 1,
    }  # fmt: skip
    assert run.data.params == {"p": "1", "q": "2"}
    assert run.info.status == "FINISHED"


def test_a_handler_that_ends_the_run_while_the_program_logs(tmp_path: Path):
    """As one for SIGTERM does that says goodbye."""
    run_id = output_of(IN_A_CALL.format(handler="run.run.end('KILLED')"), tmp_path).strip()
    run = Client().get_run(run_id)
    assert run.info.status == "KILLED"
    assert run.data.metrics["loss"] == 1


def test_a_handler_that_logs_at_any_moment(tmp_path: Path):
    """Every point of the program and of the handler is under its own name."""
    run_id, inner = json.loads(output_of(AT_ANY_MOMENT, tmp_path))
    client = Client()
    assert inner > 50
    found = {}
    for key in client.get_run(run_id).data.metrics:
        found[key] = [(point.step, point.value) for point in client.get_metric_history(run_id, key)]
    expected: dict[str, list[tuple[int, int]]] = {}
    for step in range(4000):
        expected.setdefault(f"outer/{step % 50}", []).append((step, step))
        if step % 10 == 0:
            expected.setdefault(f"many/{step % 7}", []).append((step, step))
            expected.setdefault(f"more/{step % 13}", []).append((step, -step))
    for step in range(inner):
        expected.setdefault(f"inner/{step % 40}", []).append((step, step))
    assert {key: sorted(points) for key, points in found.items()} == expected
    params = client.get_run(run_id).data.params
    assert params == {f"inner{n}": str(n) for n in range(inner)} | {f"outer{n}": str(n) for n in range(0, 4000, 100)}


def test_ctrl_c_at_every_line(tmp_path: Path):
    """No run is left open, whoever asks, and what a call returned from is there."""
    lines, made = json.loads(output_of(AT_EVERY_LINE, tmp_path))
    assert lines > 300
    client = Client()
    ids = [experiment.experiment_id for experiment in client.search_experiments()]
    runs = {run.info.run_id: run for run in client.search_runs(ids, max_results=5000)}
    assert {run.info.status for run in runs.values()} == {"FINISHED", "KILLED"}
    for run_id, done, left in made:
        assert left is None
        if run_id is not None:
            recorded = runs[run_id].data
            assert {*done} <= {*recorded.metrics, *recorded.params}
