"""A run's id is the one that it has here; whoever wants the server's waits for it."""

import os
import subprocess
import sys

import pytest
import requests
from trackingserver import params_of, tags_of

import autotrack
from autotrack.client import Client
from autotrack.exceptions import AutotrackException
from autotrack.sinks.uploads.outbox import Outbox


@pytest.fixture(autouse=True)
def recording(faults, monkeypatch):
    """To the server, through a proxy on which anything may happen."""
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", faults.url)
    monkeypatch.setenv("AUTOTRACK_TOLD", "1")
    monkeypatch.setenv("AUTOTRACK_QUERY_TIMEOUT", "120")


@pytest.mark.parametrize(("by", "fault"), [("argument", None), ("argument", "drop"), ("setting", "drop")])
def test_the_id_is_the_servers_for_those_who_wait(by, fault, faults, tracking, request, monkeypatch):
    """Also when the answer to its creation is lost; a client of the server's own takes it."""
    faults.fault = lambda name, count: fault if name == "runs/create" and count == 0 else None
    autotrack.set_experiment(request.node.name)
    if by == "setting":
        monkeypatch.setenv("AUTOTRACK_WAIT_FOR_SERVER", "1")
    with autotrack.start_run(wait_for_server=True if by == "argument" else None) as run:
        run_id = run.info.run_id
        message = {"run_id": run_id, "key": "by", "value": "another client"}
        assert requests.post(f"{tracking.url}/api/2.0/mlflow/runs/set-tag", json=message, timeout=60).ok
        autotrack.log_metric("a", 1)
        autotrack.log_metric("b", 2, run_id=run_id)
    autotrack.flush_async_logging()
    (found,) = tracking.runs(request.node.name)
    assert found["info"]["run_id"] == run_id
    assert tags_of(found)["by"] == "another client"
    assert {one["key"] for one in found["data"]["metrics"]} == {"a", "b"}
    assert autotrack.get_run(tags_of(found)["autotrack.run_id"]).info.run_id == run_id


def test_without_waiting_it_is_the_one_here(tracking, request):
    """The same before and after the server has made the run."""
    autotrack.set_experiment(request.node.name)
    with autotrack.start_run() as run:
        before = run.info.run_id
        autotrack.flush_async_logging()
        assert run.info.run_id == before
    (found,) = tracking.runs(request.node.name)
    assert tags_of(found)["autotrack.run_id"] == before != found["info"]["run_id"]


def test_whoever_waits_in_vain_is_told(faults, monkeypatch, caplog):
    """By an error that names the server; where a setting asks for it, by a warning, and the run goes on."""
    monkeypatch.setenv("AUTOTRACK_QUERY_TIMEOUT", "0.2")
    faults.refuse()
    with pytest.raises(AutotrackException, match=faults.url):
        autotrack.start_run(wait_for_server=True)
    assert autotrack.active_run() is None
    monkeypatch.setenv("AUTOTRACK_WAIT_FOR_SERVER", "1")
    with autotrack.start_run() as run:
        autotrack.log_metric("a", 1)
    assert len(run.info.run_id) == 32
    assert faults.url in caplog.text


def test_a_run_of_another_machine_is_gone_on_with(faults, tracking, request, tmp_path):
    """By either of its ids; a worker elsewhere sends what it adds to the same run."""
    autotrack.set_experiment(request.node.name)
    with autotrack.start_run() as run:
        autotrack.log_metric("a", 1)
    autotrack.flush_async_logging()
    (found,) = tracking.runs(request.node.name)
    for number, run_id in enumerate((run.info.run_id, found["info"]["run_id"])):
        (tmp_path / str(number)).mkdir()
        done = subprocess.run(
            [sys.executable, "-c", f"import autotrack; autotrack.log_metric('m{number}', {number})"],
            env={**os.environ, "AUTOTRACK_RUN_ID": run_id}, cwd=tmp_path / str(number), capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
    (found,) = tracking.runs(request.node.name)
    assert {one["key"] for one in found["data"]["metrics"]} == {"a", "m0", "m1"}
    assert found["info"]["status"] == "FINISHED"


def test_what_is_logged_by_id_does_not_wait(faults, tracking, request, monkeypatch):
    """To a run of this program that is over, by either id, while the server is away; it arrives once that is back."""
    autotrack.set_experiment(request.node.name)
    with autotrack.start_run(wait_for_server=True) as run:
        pass
    faults.refuse()
    monkeypatch.setenv("AUTOTRACK_QUERY_TIMEOUT", "0.1")
    autotrack.log_metric("score", 1, run_id=run.info.run_id)
    autotrack.log_params({"late": "yes"}, run_id=run.run.run_id)
    faults.listen()
    monkeypatch.setenv("AUTOTRACK_QUERY_TIMEOUT", "120")
    autotrack.set_experiment_tags({"team": "blue"})
    autotrack.flush_async_logging()
    (found,) = tracking.runs(request.node.name)
    assert {one["key"] for one in found["data"]["metrics"]} == {"score"}
    assert params_of(found) == {"late": "yes"}
    assert autotrack.get_experiment_by_name(request.node.name).tags == {"team": "blue"}


def test_what_is_added_while_the_end_is_sent_is_sent_too(tracking, request, monkeypatch):
    """The run's mark in the outbox is taken away at the very moment when another writer has added to the run."""
    done, added = Outbox.done, []

    def add_first(outbox: Outbox, run_id: str) -> None:
        if not added:
            added.append(run_id)
            Client(outbox.store).log_metric(run_id, "late", 1.0)
        done(outbox, run_id)

    monkeypatch.setattr(Outbox, "done", add_first)
    autotrack.set_experiment(request.node.name)
    with autotrack.start_run() as run:
        pass
    autotrack.flush_async_logging()  # until the end is sent, and with it somebody has added
    autotrack.flush_async_logging()
    (found,) = tracking.runs(request.node.name)
    assert added == [run.info.run_id]
    assert {one["key"] for one in found["data"]["metrics"]} == {"late"}
