"""A fork in the midst of logging: the child's facts and the parent's stay apart, and nobody waits for a lost lock."""

import os
import sys
import threading

from autotrack import current
from autotrack.journal.writer import open_writers
from autotrack.sinks import heartbeat
from autotrack.testing import fresh, recorded
from autotrack.testing.sink import exit_code_of


def test_a_child_writes_files_of_its_own(store):
    """Into the same run, as another writer."""
    run = current.start("mine")
    run.metric("loss", 1.0, 0)

    def child():
        run.metric("loss", 2.0, 1)
        run.metric("of child", 1.0)
        run.params({"child": True})

    assert exit_code_of(child) == 0
    run.metric("loss", 3.0, 2)
    run.end()
    (found,) = recorded(store)
    assert sorted(zip(found.steps["loss"], found.metrics["loss"], strict=True)) == [(0, 1.0), (1, 2.0), (2, 3.0)]
    assert found.params == {"child": "True"}
    assert (found.writers, found.status, found.damage) == (2, "FINISHED", [])


def test_a_child_that_leaves_does_not_end_its_parents_run(store, tmp_path):
    """Whether it leaves through os._exit, sys.exit or an exception."""
    program = """
import os, sys
from autotrack import current
run = current.start("mine")
run.metric("loss", 1.0)
for leave in (lambda: os._exit(0), lambda: sys.exit(0), lambda: 1 / 0):
    if os.fork() == 0:
        sys.stderr = open(os.devnull, "w")
        run.metric("of child", 1.0)
        run.end() if leave is None else leave()
    os.wait()
run.metric("loss", 2.0)
"""
    fresh(program, directory=tmp_path)
    (run,) = recorded(store)
    assert run.metrics == {"loss": [1.0, 2.0], "of child": [1.0] * 3}
    assert run.status == "FINISHED"
    assert run.error is None


def test_a_child_that_lets_go_leaves_its_parents_sign_of_life(store):
    """The heartbeat's file is its writer's."""
    run = current.start("mine")
    (writer,) = open_writers()
    writer.beat(1)
    (sign,) = store.glob("runs/*/alive-*")
    assert exit_code_of(run.end) == 0
    assert sign.exists()
    run.end()
    assert not sign.exists()


def test_forks_while_threads_log(store):
    """Eight children of a process with four busy threads all log and leave."""
    runs = [current.start(f"run {number}", activate=False) for number in range(4)]
    going = threading.Event()
    going.set()
    counts = [0] * 4

    def busy(number):
        while going.is_set():
            runs[number].metric("loss", counts[number])
            runs[number].tags({"at": counts[number]})
            counts[number] += 1

    threads = [threading.Thread(target=busy, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:

        def child():
            for number, run in enumerate(runs):
                run.metric("of child", number)
                run.params({f"{os.getpid()}": number})
            with current.start("own") as own:
                own.metric("loss", 1)

        assert [exit_code_of(child) for _ in range(8)] == [0] * 8
    finally:
        going.clear()
        for thread in threads:
            thread.join()
    for run in runs:
        run.end()
    found = {run.name: run for run in recorded(store) if run.name != "own"}
    for number in range(4):
        run = found[f"run {number}"]
        assert run.damage == []
        assert run.metrics["loss"] == [float(n) for n in range(counts[number])]
        assert run.metrics["of child"] == [float(number)] * 8
    assert len(recorded(store)) == 12


def test_a_forked_child_has_no_thread_of_ours_and_starts_one_with_its_own_run(store):
    """Threads do not survive a fork."""
    # Other tests may have left threads, heartbeats of their own too; the heartbeat is one for all runs of a process.
    left = [thread for thread in threading.enumerate() if thread is not heartbeat._thread]

    def names():
        return [thread.name for thread in threading.enumerate() if "autotrack" in thread.name and thread not in left]

    current.start("mine")
    assert names() == ["autotrack-heartbeat"]

    def child():
        assert names() == []
        current.start("own")
        assert names() == ["autotrack-heartbeat"]

    assert exit_code_of(child) == 0


def test_importing_and_logging_start_no_other_process(tmp_path):
    """One thread, and nothing else, belongs to us while a run is open."""
    told = fresh(
        "import threading\n"
        "from autotrack import current\n"
        "before = threading.active_count()\n"
        "runs = [current.start(str(n), activate=False) for n in range(50)]\n"
        "print(threading.active_count() - before)",
        directory=tmp_path,
    )
    assert told == "1\n"
    assert sys.platform == "linux" or told
