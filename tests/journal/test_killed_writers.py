"""Whatever a logging call has returned from is there, whenever the process is killed, however many write."""

import mmap
import os
import random
import signal
import time

import pytest

from autotrack import current
from autotrack.journal.format import RECORD
from autotrack.sinks.local import LocalSink
from autotrack.testing import recorded
from autotrack.testing.sink import exit_code_of

KILLS = 100
WHOLE_STEP = 3 * RECORD.size
ONE_OF_TWO = 2 * RECORD.size
"""Of the two points that a call logs, behind the one of the call before it, only the first is there."""


@pytest.fixture(autouse=True)
def silent(monkeypatch):
    """A hundred processes need not say where they record to."""
    monkeypatch.setenv("AUTOTRACK_TOLD", "1")


def forked(work):
    """A child that does something and never returns into the test."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    return pid


def test_a_hundred_processes_killed_at_random_moments(store):
    """Every point of every one of them is read back, and nothing is torn."""
    shared = mmap.mmap(-1, 16 * KILLS)  # outlives the process, like the kernel's pages do
    steps_of, begun = (memoryview(shared).cast("q")[part::2] for part in range(2))

    def log(number):
        run = current.start(f"run {number}")
        begun[number] = 1
        step = 0
        while True:
            run.metric("loss", step + 0.5, step)
            run.metrics({"one": step, f"key {step % 50}": step}, step)
            step += 1
            steps_of[number] = step

    waiting = list(range(KILLS))
    while waiting:
        now = [waiting.pop() for _ in range(min(4, len(waiting)))]
        children = {number: forked(lambda number=number: log(number)) for number in now}
        for number, pid in children.items():
            while not begun[number]:
                time.sleep(0.0005)
            time.sleep(random.random() * 0.005)
            os.kill(pid, signal.SIGKILL)
        for pid in children.values():
            os.waitpid(pid, 0)

    runs = {run.name: run for run in recorded(store)}
    assert len(runs) == KILLS
    logged = 0
    for number in range(KILLS):
        run, steps = runs[f"run {number}"], steps_of[number]
        logged += steps
        assert run.damage == []
        loss = run.metrics.get("loss", [])
        assert loss == [step + 0.5 for step in range(len(loss))]
        assert steps <= len(loss) <= steps + 1
        assert steps <= len(run.metrics.get("one", [])) <= steps + 1
        # Where a page of the file ends, the kernel may cut the write of a process that is being killed.
        [points] = [file.stat().st_size for file in (store / "runs" / run.run_id).glob("metrics-*.bin")] or [0]
        cut = points % mmap.PAGESIZE == 0 and points % WHOLE_STEP == ONE_OF_TWO
        keys = sum(len(values) for key, values in run.metrics.items() if key.startswith("key "))
        assert keys == len(run.metrics.get("one", [])) - cut
    assert logged > KILLS


@pytest.mark.parametrize("shared", [True, False], ids=["one run", "runs of their own"])
def test_sixty_four_processes_log_a_thousand_points_each(shared, store):
    """Nothing is lost, nothing is torn, nothing fails."""
    run_id = None
    if shared:
        run = current.start("shared")
        run_id = run.run_id

    def log(number):
        run = current.start(f"run {number}", run_id=run_id)
        for step in range(1000):
            run.metric(f"metric {number}", step, step)
        run.params({f"rate {number}": number})

    def all_of_them():
        children = [forked(lambda number=number: log(number)) for number in range(64)]
        assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0] * 64

    all_of_them()
    if shared:
        run.end()
    runs = recorded(store)
    assert len(runs) == (1 if shared else 64)
    found, params = {}, {}
    for run in runs:
        assert run.damage == []
        found |= run.metrics
        params |= run.params
    assert found == {f"metric {number}": [float(step) for step in range(1000)] for number in range(64)}
    assert params == {f"rate {number}": str(number) for number in range(64)}
    if shared:
        assert runs[0].writers == 65
        assert runs[0].status == "FINISHED"


def test_processes_make_one_store_at_the_same_moment(store):
    """Each of them is the first."""
    ready, go = os.pipe(), os.pipe()

    def begin():
        os.write(ready[1], b".")
        os.read(go[0], 1)
        LocalSink(store)
        current.start("mine").end()

    children = [forked(lambda: exit_code_of(begin) and os.kill(os.getpid(), 9)) for _ in range(16)]
    for _ in children:
        os.read(ready[0], 1)
    os.write(go[1], b"." * len(children))
    assert {os.waitpid(pid, 0)[1] for pid in children} == {0}
    assert [run.status for run in recorded(store)] == ["FINISHED"] * 16
    assert sorted(path.name for path in store.iterdir()) == [".gitignore", "autotrack.json", "opened", "runs"]
