"""Forked children of a recorded program: those that serve a recorded fit stay silent, others record their own."""

import os
import threading

import pytest
import toyframework

from autotrack import current, guard, settings
from autotrack.testing import recorded, reset, said
from autotrack.testing.sink import exit_code_of

DATA = (1.0, 2.0, 3.0)


@pytest.fixture(autouse=True)
def hooked(toy, store, monkeypatch):
    """Trainings are recorded in a local store, which several processes can write."""
    monkeypatch.setenv("AUTOTRACK_TOLD", "1")

    @toy.hook("toyframework:train")
    def train(call):
        call.run.params(call.arguments["params"])
        model = yield
        call.run.metric("loss", model.losses[-1])

    toy.switch()
    yield
    reset()


def test_a_child_that_trains_on_its_own_account_records_its_own_run(store):
    """As its parent does."""
    toyframework.train({"rate": 0.1}, DATA)
    assert exit_code_of(lambda: toyframework.train({"rate": 0.2}, DATA)) == 0
    toyframework.train({"rate": 0.3}, DATA)
    runs = recorded(store)
    assert {run.params["rate"]: (run.status, len(run.metrics["loss"])) for run in runs} == dict.fromkeys(
        ("0.1", "0.2", "0.3"), ("FINISHED", 1)
    )


def test_a_child_that_serves_a_recorded_fit_opens_no_run(store):
    """The mark goes into the child with the rest of the context."""
    codes = []

    def callback(number, loss):
        codes.append(exit_code_of(lambda: toyframework.train({"rate": 0.9}, DATA)))

    toyframework.train({"rate": 0.1}, DATA, callbacks=[callback])
    assert codes == [0, 0, 0]
    (run,) = recorded(store)
    assert run.params == {"rate": "0.1"}


def test_a_child_of_a_program_with_an_open_run_records_below_or_in_it(store):
    """The first training there is the run's own, as it would be without the fork."""
    with current.start("mine"):
        assert exit_code_of(lambda: toyframework.train({"rate": 0.2}, DATA)) == 0
    (run,) = recorded(store)
    assert (run.name, run.params, run.status) == ("mine", {"rate": "0.2"}, "FINISHED")


@pytest.mark.lenient
def test_a_child_does_not_wait_for_a_thread_that_it_has_not_got(store):
    """A lock of ours that another thread held at the fork is free in the child."""
    run = current.start("mine")
    held, done = threading.Event(), threading.Event()

    def hold():
        with guard._lock, current._lock, run._lock:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()

    def child():
        with said() as lines:
            guard.failed("place", RuntimeError("ours"))
        assert len(lines) == 1
        settings.choose(run_id="0" * 32)
        run.metric("loss", 1.0)
        run.end()
        assert current.current() is None
        toyframework.train({"rate": 0.2}, DATA)

    try:
        assert exit_code_of(child) == 0
    finally:
        done.set()
        thread.join()
    run.end()
    assert {run.status for run in recorded(store)} == {"FINISHED"}
    assert os.getpid() == current.this_process().pid
