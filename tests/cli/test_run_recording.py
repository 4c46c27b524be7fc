"""`autotrack run` records what a program trains, and how the program ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autotrack.client import Client

RUN = [sys.executable, "-m", "autotrack", "run"]
OPEN = "import os, signal, sys, autotrack\nautotrack.start_run(run_name='open to the end')\n"


def only_run(store):
    """The one run of the store."""
    client = Client(str(store))
    (run,) = client.search_runs([e.experiment_id for e in client.search_experiments()])
    return run


def run(script, code, *words):
    return subprocess.run([*RUN, script(code), *words], capture_output=True, text=True, timeout=120, check=False)


TRAINING = """
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    LogisticRegression(C=0.5, max_iter=300).fit(*load_iris(return_X_y=True))
    print("accuracy is the program's own business")
"""


def test_a_program_without_a_word_of_autotrack(script, store):
    """The fit is recorded; the program's output is its own, but for one line on stderr."""
    done = run(script, TRAINING)
    assert done.returncode == 0
    assert done.stdout == "accuracy is the program's own business\n"
    assert done.stderr == f"autotrack: recording to {store}\n"
    recorded = only_run(store)
    assert recorded.data.params["C"] == "0.5"
    assert recorded.info.status == "FINISHED"


def test_a_module(script, store):
    """The same with -m."""
    script("", "package/__init__.py")
    script(TRAINING, "package/train.py")
    assert subprocess.run([*RUN, "-m", "package.train"], capture_output=True, check=False).returncode == 0
    assert only_run(store).data.params["max_iter"] == "300"


@pytest.mark.parametrize(
    "parent",
    [
        "import subprocess, sys; subprocess.run([sys.executable, 'child.py'], check=True)",
        "import os; assert os.system('python3 child.py || exit 1') == 0",
        """
        import multiprocessing, runpy
        if __name__ == "__main__":
            process = multiprocessing.get_context("spawn").Process(target=runpy.run_path, args=("child.py",))
            process.start()
            process.join()
        """,
        """
        import multiprocessing, runpy
        if __name__ == "__main__":
            process = multiprocessing.get_context("forkserver").Process(target=runpy.run_path, args=("child.py",))
            process.start()
            process.join()
        """,
    ],
    ids=["subprocess", "shell", "spawn", "forkserver"],
)
def test_child_processes(script, store, parent, monkeypatch):
    """What the program's children train is recorded too, however they were started."""
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    script(TRAINING, "child.py")
    done = run(script, parent)
    assert done.returncode == 0, done.stderr
    assert only_run(store).data.params["C"] == "0.5"


def test_options_of_the_program_win(script, store):
    """A program that configures autotrack itself has its way."""
    done = run(
        script,
        "import autotrack\nautotrack.autolog(log_models=False)\n"
        + "".join(TRAINING.splitlines(True)[1:]).replace("    ", ""),
    )
    assert done.returncode == 0, done.stderr
    assert only_run(store).outputs.model_outputs == []


def test_a_program_that_switches_off(script, store):
    """And one that switches it off is not recorded."""
    done = run(
        script, "import autotrack\nautotrack.disable()\n" + "".join(TRAINING.splitlines(True)[1:]).replace("    ", "")
    )
    assert done.returncode == 0, done.stderr
    assert not store.exists()


@pytest.mark.parametrize(
    ("ending", "status", "code"),
    [
        ("", "FINISHED", "0"),
        ("sys.exit()", "FINISHED", "0"),
        ("sys.exit(0)", "FINISHED", "0"),
        ("sys.exit(3)", "FAILED", "3"),
        ("sys.exit('what went wrong')", "FAILED", "1"),
        ("raise SystemExit(77)", "FAILED", "77"),
    ],
)
def test_exit_code(script, store, ending, status, code):
    """A run that is open when the program ends fails with it, and knows the exit code."""
    done = run(script, OPEN + ending)
    assert str(done.returncode) == code
    recorded = only_run(store)
    assert recorded.info.status == status
    assert recorded.data.tags["autotrack.exit_code"] == code


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("1 / 0", "FAILED"),
        ("raise KeyboardInterrupt", "KILLED"),
        ("os._exit(4)", "KILLED"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "KILLED"),
        ("os.kill(os.getpid(), signal.SIGTERM)", "KILLED"),
    ],
)
def test_other_ends(script, store, ending, status):
    """An exception fails the run; a death without a word is seen from outside."""
    run(script, OPEN + ending)
    assert only_run(store).info.status == status


def test_exit_code_of_a_child_process(script, store):
    """The exit code is learnt in every process below, not in the first alone."""
    script(OPEN + "sys.exit(9)", "child.py")
    run(script, "import subprocess, sys; subprocess.run([sys.executable, 'child.py'])")
    assert only_run(store).data.tags["autotrack.exit_code"] == "9"


def test_a_run_that_the_program_has_ended_stays_as_it_ended(script, store):
    """An exit code says nothing about a run that was over before."""
    run(script, OPEN + "autotrack.end_run()\nsys.exit(3)")
    assert only_run(store).info.status == "FINISHED"


@pytest.mark.lenient
def test_a_record_that_cannot_be_finished_costs_the_program_nothing(script, store):
    """Killed helpers and vanished stores leave the exit code as it is, and nothing on stderr but one warning."""
    done = run(script, OPEN + f"import atexit, shutil; atexit.register(shutil.rmtree, {str(store)!r})\nsys.exit(3)")
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) <= 2


def test_terminated_while_it_ends(script, store):
    """SIGTERM during the last breath ends the program at once, as ever."""
    program = script(OPEN + "import atexit, time\natexit.register(time.sleep, 30)\nprint('ending', flush=True)\n")
    with subprocess.Popen([*RUN, program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == -signal.SIGTERM
