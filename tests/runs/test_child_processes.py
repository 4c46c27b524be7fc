"""How a run comes out that a process of `multiprocessing` has opened and left open."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys

import pytest

import autotrack
from autotrack.client import Client


def train(how: str) -> None:
    autotrack.start_run(run_name=how, nested=True)
    autotrack.log_metric("loss", 1.0)
    if how == "raises":
        raise ValueError("mine")
    if how == "leaves":
        sys.exit(3)
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize(
    ("how", "status"), [("returns", "FINISHED"), ("raises", "FAILED"), ("leaves", "FAILED"), ("killed", "KILLED")]
)
def test_a_run_ends_as_its_process_does(store, method, how, status):
    """A forked one too, which ends without the callbacks of `atexit`."""
    child = multiprocessing.get_context(method).Process(target=train, args=(how,))
    child.start()
    child.join()
    client = Client(str(store))
    found = client.search_runs([one.experiment_id for one in client.search_experiments()])
    assert [(run.info.run_name, run.info.status) for run in found] == [(how, status)]
    assert found[0].data.metrics == {"loss": 1.0}


def test_a_child_of_a_child_ends_its_own(store):
    """What was noted before a fork does not count after it, and the runs of its parent are not its own to end."""
    child = multiprocessing.get_context("fork").Process(target=descend)
    child.start()
    child.join()
    assert child.exitcode == 0
    client = Client(str(store))
    found = client.search_runs([one.experiment_id for one in client.search_experiments()])
    assert {(run.info.run_name, run.info.status) for run in found} == {("returns", "FINISHED"), ("outer", "FINISHED")}


def descend() -> None:
    outer = autotrack.start_run(run_name="outer")
    child = multiprocessing.get_context("fork").Process(target=train, args=("returns",))
    child.start()
    child.join()
    assert Client().get_run(outer.info.run_id).info.status == "RUNNING"
