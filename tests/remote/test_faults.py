"""Whatever happens on the way to a server: the program does not notice, and in the end server and journal agree."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from agreement import agree
from trackingserver import Tracking

import autotrack
from autotrack.exceptions import AutotrackException

STORE = Path(".autotrack")

PROGRAM = """
import sys
import autotrack
autotrack.set_experiment(sys.argv[1])
with autotrack.start_run(run_name="first"):
    autotrack.log_params({"a": 1, "b": "two"})
    for step in range(1500):
        autotrack.log_metric("loss", step / 7, step=step)
    autotrack.log_text("kept", "kept.txt")
print("done")
"""


@pytest.fixture(autouse=True)
def recording(faults, monkeypatch):
    """To the server, through a proxy on which anything may happen."""
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", faults.url)
    monkeypatch.setenv("AUTOTRACK_TOLD", "1")
    monkeypatch.setenv("AUTOTRACK_QUERY_TIMEOUT", "120")


def record():
    """A run with a bit of everything."""
    with autotrack.start_run(run_name="outer") as run:
        autotrack.log_params({"a": 1, "b": "two"})
        for step in range(1200):
            autotrack.log_metric("loss", step / 7, step=step)
        autotrack.log_text("kept", "kept.txt")
        with autotrack.start_run(nested=True, run_name="inner"):
            autotrack.log_metrics({"x": 1, "y": 2})
            autotrack.set_tags({"colour": "red"})
    return run


def run(code, *arguments, **variables):
    """Run a program and give what came of it."""
    environment = {**os.environ, **{name: str(value) for name, value in variables.items()}}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )  # fmt: skip


PATHS = ["experiments/create", "runs/create", "runs/log-batch", "runs/update", "artifacts/kept.txt"]
FAULTS = [
    pytest.param(path, fault, marks=() if fault == "drop" or path == "runs/log-batch" else pytest.mark.slow)
    for path in PATHS
    for fault in ("drop", "lose", "500", "429", "400")
    if fault != "400" or path == "runs/log-batch"
]


@pytest.mark.parametrize(("path", "fault"), FAULTS)
def test_a_request_that_goes_wrong_once(path, fault, faults, tracking, request):
    """Its answer is lost, or it is lost itself, or the server has a bad moment, or somebody on the way finds fault with
    it: nothing is missing, nothing is there twice."""
    faults.fault = lambda name, count: fault if name == path and count == 0 else None
    faults.retry_after = "0"
    autotrack.set_experiment(request.node.name)
    record()
    autotrack.flush_async_logging()
    agree(tracking, STORE, request.node.name)
    assert faults.count(path) >= (1 if path == "experiments/create" else 2)


@pytest.mark.parametrize("fault", ["drop", pytest.param("lose", marks=pytest.mark.slow)])
def test_every_second_request_goes_wrong(fault, faults, tracking, request):
    """Each of them at least once."""
    faults.fault = lambda _, count: fault if count % 2 == 0 else None
    autotrack.set_experiment(request.node.name)
    record()
    autotrack.flush_async_logging()
    agree(tracking, STORE, request.node.name)


@pytest.mark.parametrize("path", ["mlflow/logged-models", "runs/outputs", "runs/log-inputs"])
def test_a_model_is_made_once(path, faults, tracking, request):
    """Also when the answer to that, or to what belongs to it, is lost."""
    linear = pytest.importorskip("sklearn.linear_model")
    faults.fault = lambda name, count: "drop" if name == path and count == 0 else None
    autotrack.set_experiment(request.node.name)
    autotrack.autolog()
    linear.LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    autotrack.flush_async_logging()
    (found,) = agree(tracking, STORE, request.node.name)
    models = tracking.post("logged-models/search", experiment_ids=[found["info"]["experiment_id"]])["models"]
    assert [one["model_id"] for one in found["outputs"]["model_outputs"]] == [models[0]["info"]["model_id"]]
    assert len(models) == len(found["inputs"]["dataset_inputs"]) == 1
    assert faults.count(path) >= 1


def refused(faults):
    """Nobody listens."""
    faults.refuse()


def failing(faults):
    """The server answers 500 to everything."""
    faults.fault = lambda *_: "500"


@pytest.mark.parametrize("outage", [refused, failing])
def test_a_program_during_an_outage_is_as_without_autotrack(outage, faults, tracking, request):
    """Output and exit code; one warning. Once the server is there again, the next program sends what this one left."""
    outage(faults)
    done = run(PROGRAM, request.node.name, AUTOTRACK_EXIT_TIMEOUT=0.5)
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert done.stderr.startswith("autotrack: ")
    assert done.stderr.count("\n") == 1
    assert faults.url in done.stderr
    assert tracking.runs(request.node.name) == []
    faults.released.set()
    if outage is refused:
        faults.listen()
    faults.fault = lambda *_: None
    with autotrack.start_run():
        pass
    wait_for_the_rest()
    agree(tracking, STORE, request.node.name)


WAITS = """
import json
from autotrack.sinks.uploads.uploader import Uploader
wait, waits = Uploader._wait, []

def counted(self, done, seconds, pause):
    waits.append(seconds)
    with open("waits.json", "w") as file:
        json.dump(waits, file)
    return wait(self, done, seconds, pause)

Uploader._wait = counted
"""


@pytest.mark.parametrize("pace", ["late", "trickle", "hang"])
def test_a_program_with_a_slow_server_is_as_without_autotrack(pace, faults, tracking, request):
    """Every answer comes too late, or byte by byte, or never: the program waits once, at its end, for no longer than it
    was allowed to. What the server has heard of it does no harm when the next program sends it again."""
    faults.fault = lambda *_: pace
    plain = run(PROGRAM, request.node.name, AUTOTRACK_DISABLED=1)
    done = run(WAITS + PROGRAM, request.node.name, AUTOTRACK_EXIT_TIMEOUT=0.5)
    assert (done.returncode, done.stdout) == (plain.returncode, plain.stdout) == (0, "done\n")
    assert done.stderr.count("\n") == 1
    assert faults.url in done.stderr
    (waited,) = json.loads(Path("waits.json").read_text())
    assert waited <= 0.5
    faults.released.set()
    faults.fault = lambda *_: None
    with autotrack.start_run():
        pass
    wait_for_the_rest()
    agree(tracking, STORE, request.node.name)


def test_a_program_that_is_killed_leaves_its_record_to_the_next(faults, tracking, request):
    """And the server learns that it was killed."""
    code = PROGRAM.replace("    autotrack.log_text", "    import os; os.kill(os.getpid(), 9)\n    autotrack.log_text")
    done = run(code, request.node.name)
    assert done.returncode == -signal.SIGKILL
    with autotrack.start_run():
        pass
    wait_for_the_rest()
    (found,) = agree(tracking, STORE, request.node.name)
    assert found["info"]["status"] == "KILLED"


@pytest.mark.slow
def test_a_program_whose_threads_go_on_recording_ends(faults, tracking, request):
    """It waits for what was there at its end; the rest is sent later, none of it twice."""
    code = (
        "import sys, threading, autotrack\n"
        "autotrack.set_experiment(sys.argv[1])\n"
        "run, begun = autotrack.start_run(), threading.Event()\n"
        "def work():\n"
        "    step = 0\n"
        "    while not begun.wait(0.001):\n"
        "        run.log_metric('d', step, step=step); step += 1\n"
        "threading.Thread(target=work, daemon=True).start()\n"
        "autotrack.flush_async_logging()\n"
    )
    done = run(code, request.node.name, AUTOTRACK_EXIT_TIMEOUT=100)
    assert (done.returncode, done.stderr) == (0, "")
    with autotrack.start_run():
        pass
    wait_for_the_rest()
    agree(tracking, STORE, request.node.name)


def test_two_programs_that_record_one_run_send_it_once(faults, tracking, request):
    """The one that comes later finds it on its way, or there."""
    autotrack.set_experiment(request.node.name)
    with autotrack.start_run() as first:
        autotrack.log_metric("a", 1, step=0)
        joined = run(
            "import autotrack\nfor i in range(5): autotrack.log_metric('b', i, step=i)\n",
            AUTOTRACK_RUN_ID=first.info.run_id,
        )
        autotrack.flush_async_logging()
        autotrack.log_metric("a", 2, step=1)
    assert (joined.returncode, joined.stderr) == (0, "")
    autotrack.flush_async_logging()
    wait_for_the_rest()
    agree(tracking, STORE, request.node.name)
    assert faults.count("runs/create") == 1


def test_a_forked_child_sends_its_own_run(faults, tracking, request):
    """And leaves its parent's to the parent."""
    autotrack.set_experiment(request.node.name)
    code = (
        "import sys, os, multiprocessing, autotrack\n"
        "def work():\n"
        "    with autotrack.start_run(run_name='child', nested=True): autotrack.log_metric('c', 1)\n"
        "autotrack.set_experiment(sys.argv[1])\n"
        "with autotrack.start_run(run_name='parent'):\n"
        "    autotrack.log_metric('p', 1)\n"
        "    autotrack.flush_async_logging()\n"
        "    child = multiprocessing.get_context('fork').Process(target=work)\n"
        "    child.start(); child.join()\n"
        "    autotrack.log_metric('p', 2, step=1)\n"
    )
    done = run(code, request.node.name)
    assert (done.returncode, done.stderr) == (0, "")
    wait_for_the_rest()
    assert len(agree(tracking, STORE, request.node.name)) == 2


def test_a_question_during_an_outage_names_the_server(faults, monkeypatch):
    """Within the time that one gives it; the run goes on."""
    monkeypatch.setenv("AUTOTRACK_QUERY_TIMEOUT", "0.3")
    faults.refuse()
    with autotrack.start_run():
        autotrack.log_metric("a", 1)
        with pytest.raises(AutotrackException, match=faults.url):
            autotrack.flush_async_logging()


def test_whoever_waits_for_a_server_that_fails_does_not_press_it(faults, monkeypatch):
    """It is asked again about once a second, however fast it fails."""
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", faults.url)
    monkeypatch.setenv("AUTOTRACK_QUERY_TIMEOUT", "2.5")
    faults.fault = lambda *_: "500"
    with autotrack.start_run():
        autotrack.log_metric("a", 1)
        with pytest.raises(AutotrackException, match="has not taken all"):
            autotrack.flush_async_logging()
    assert 1 <= len(faults.requests) <= 12


def test_logging_opens_no_socket_in_the_programs_own_thread():
    """Whatever the uploader does meanwhile."""
    code = (
        "import sys, threading\n"
        "def audit(event, given):\n"
        "    if event.startswith('socket.connect') and threading.current_thread() is threading.main_thread():\n"
        "        print(event, given)\n"
        "sys.addaudithook(audit)\n"
        "import autotrack\n"
        "with autotrack.start_run():\n"
        "    autotrack.log_metric('a', 1)\n"
        "    print('requests' in sys.modules)\n"
    )
    done = run(code)
    assert (done.stdout, done.stderr, done.returncode) == ("False\n", "", 0)


@pytest.mark.slow
def test_a_server_that_is_killed_in_the_midst_of_it_and_started_again(monkeypatch, tmp_path):
    """Its database holds what it has acknowledged; the rest follows."""
    server = Tracking(tmp_path)
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", server.url)
    try:
        autotrack.set_experiment("restarted")
        with autotrack.start_run():
            for step in range(5000):
                autotrack.log_metric("loss", step / 7, step=step)
            while not server.runs("restarted"):
                pass
            os.kill(server.kept.pid, signal.SIGKILL)
            autotrack.log_metric("meanwhile", 1)
            server.restart()
            autotrack.log_text("kept", "kept.txt")
        autotrack.flush_async_logging()
        agree(server, STORE, "restarted")
    finally:
        server.close()


def wait_for_the_rest():
    """Until no run is left to send."""
    import time

    end = time.monotonic() + 60
    while [one for one in STORE.glob("outbox/*/*") if one.name != "server.json"]:
        assert time.monotonic() < end, "what was left over does not arrive"
        autotrack.flush_async_logging()
        time.sleep(0.02)
