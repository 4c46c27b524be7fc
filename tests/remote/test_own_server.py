"""To autotrack's own server everything goes as it was recorded, under the ids that it has here, and once."""

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from faults import Faults
from ownserver import Own

import autotrack
from autotrack.client import Client
from autotrack.sinks.uploads import uploader
from autotrack.store import open_store

STORE = Path(".autotrack")


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """The server of these tests."""
    server = Own(tmp_path_factory.mktemp("own"))
    yield server
    server.close()


@pytest.fixture
def way(own, monkeypatch):
    """The way to it, on which anything may happen."""
    proxy = Faults(own.url)
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", proxy.url)
    monkeypatch.setenv("AUTOTRACK_TOLD", "1")
    monkeypatch.setenv("AUTOTRACK_QUERY_TIMEOUT", "120")
    yield proxy
    proxy.close()


def record(name):
    """Runs with what MLflow's protocol has no words for."""
    autotrack.set_experiment(name)
    with autotrack.start_run(run_name="outer", tags={"team": "blue"}) as run:
        autotrack.log_params({"a%b": 1, "long": "x" * 9000, **{f"p{number}": number for number in range(120)}})
        for step in range(2300):
            autotrack.log_metric("loss %", 1 / (step + 1), step=step)
        autotrack.log_metrics({"inf": math.inf, "-inf": -math.inf, "nan": math.nan})
        autotrack.log_metric("fraction", 1.5, step=0.25)
        autotrack.log_metric("big", 2**60 + 1)
        autotrack.log_text("hello", "deep/hello.txt")
        autotrack.set_tag("gone", "soon")
        autotrack.delete_tag("gone")
        with pytest.raises(ZeroDivisionError):
            fail()
    return run


def fail():
    """A nested run that fails."""
    with autotrack.start_run(run_name="inner", nested=True):
        raise ZeroDivisionError("told")


def agree(url, name):
    """The server's answers are those of the journal's own store."""
    here, there = open_store(STORE.absolute()), Client(url)
    experiment = here.experiment_named(name).experiment_id
    local, remote = Client(str(STORE)).search_runs([experiment]), there.search_runs([experiment])
    assert [run.info.run_id for run in local] == [run.info.run_id for run in remote]
    for mine, its in zip(local, remote, strict=True):
        for fact in ("run_name", "status", "start_time", "end_time", "user_id", "error", "experiment_id"):
            assert getattr(its.info, fact) == getattr(mine.info, fact)
        assert (its.data.params, its.data.tags) == (mine.data.params, mine.data.tags)
        assert repr(sorted(its.data.metrics.items())) == repr(sorted(mine.data.metrics.items()))
        for key in mine.data.metrics:
            ours = [(one.step, one.timestamp, repr(one.value)) for one in here.history(mine.info.run_id, key).metrics()]
            theirs = there.get_metric_history(its.info.run_id, key)
            assert [(one.step, one.timestamp, repr(one.value)) for one in theirs] == ours
    return remote


def test_everything_arrives_as_it_was_recorded(way, own, request):
    """Any key, any value, any step, texts of any length, the traceback of a failure."""
    run = record(request.node.name)
    autotrack.flush_async_logging()
    found = agree(own.url, request.node.name)
    assert found[1].info.run_id == run.info.run_id
    assert "ZeroDivisionError: told" in found[0].info.error
    there = Client(own.url).download_artifacts(run.info.run_id, "deep/hello.txt")
    assert Path(there).read_text() == "hello"
    assert way.count("runs/log-batch") <= 8


@pytest.mark.parametrize("fault", ["drop", "lose"])
def test_a_stretch_that_comes_twice_is_taken_once(fault, way, own, request):
    """Every second request goes wrong; also where more was recorded before it is sent again."""
    way.fault = lambda _, count: fault if count % 2 == 0 else None
    record(request.node.name)
    autotrack.flush_async_logging()
    agree(own.url, request.node.name)


@pytest.mark.parametrize("status", ["400", "415"])
def test_what_somebody_on_the_way_does_not_unpack_is_sent_plain(status, way, own, request):
    """Nothing of it counts as refused."""
    way.packed = status
    record(request.node.name)
    autotrack.flush_async_logging()
    agree(own.url, request.node.name)
    assert sum("Content-Encoding" in one for one in way.headers) == 1


def test_a_model_keeps_its_id_and_its_place(way, own, request):
    """It is loaded from there, and its digest is what it was."""
    linear = pytest.importorskip("sklearn.linear_model")
    autotrack.set_experiment(request.node.name)
    with autotrack.start_run() as run:
        info = autotrack.sklearn.log_model(linear.LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0]), name="line")
    version = autotrack.register_model(f"runs:/{run.info.run_id}/line", request.node.name)
    assert (version.model_id, version.digest) == (info.model_id, info.digest)
    there = Client(own.url).get_logged_model(info.model_id)
    assert (there.name, there.digest, there.source_run_id) == ("line", info.digest, run.info.run_id)


def test_a_file_goes_on_where_it_was_cut_off(way, own, request, tmp_path, monkeypatch):
    """A large one is sent in parts, and what has arrived is not sent again."""
    monkeypatch.setattr("autotrack.wire.parts.PARTS_FROM", 1 << 20)
    monkeypatch.setattr("autotrack.wire.parts.PART_BYTES", 1 << 20)
    large = tmp_path / "large.bin"
    large.write_bytes(os.urandom(5 << 20))
    way.fault = lambda name, count: (
        "lose" if name == "part/large.bin" or (name.endswith("/large.bin") and count == 2) else None
    )
    autotrack.set_experiment(request.node.name)
    with autotrack.start_run() as run:
        autotrack.log_artifact(large)
    autotrack.flush_async_logging()
    fetched = Client(own.url).download_artifacts(run.info.run_id, "large.bin", str(tmp_path / "to"))
    assert Path(fetched).read_bytes() == large.read_bytes()
    assert sum(size == 1 << 20 for method, _, size in way.requests if method == "PUT") == 6


@pytest.mark.slow
def test_it_is_killed_in_the_midst_of_it_and_started_again(tmp_path, monkeypatch):
    """What it had acknowledged is there, the rest follows, nothing is there twice."""
    monkeypatch.setenv("AUTOTRACK_QUERY_TIMEOUT", "120")
    server = Own(tmp_path)
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", server.url)
    try:
        autotrack.set_experiment("killed")
        with autotrack.start_run():
            for step in range(40_000):
                autotrack.log_metric("loss", step / 7, step=step)
                if step == 20_000:
                    autotrack.flush_async_logging()
            os.kill(server.kept.pid, signal.SIGKILL)
            autotrack.log_metric("meanwhile", 1)
            server.restart()
        autotrack.flush_async_logging()
        agree(server.url, "killed")
    finally:
        server.close()


def test_a_run_that_the_server_does_not_know_any_more_keeps_no_other_back(tmp_path, monkeypatch):
    """As after its database was lost: the next run arrives, the end of the program does not wait for the first one."""
    monkeypatch.setenv("AUTOTRACK_QUERY_TIMEOUT", "120")
    monkeypatch.setenv("AUTOTRACK_TOLD", "1")
    server = Own(tmp_path)
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", server.url)
    try:
        with autotrack.start_run() as lost:
            autotrack.log_metric("a", 1)
        autotrack.flush_async_logging()
        os.kill(server.kept.pid, signal.SIGKILL)
        for file in tmp_path.glob("own.db*"):
            file.unlink()
        server.restart()
        lost.log_metric("late", 2)
        with autotrack.start_run() as run:
            autotrack.log_metric("b", 1)
        assert Client(server.url).get_run(run.info.run_id).data.metrics == {"b": 1}
        uploader.finish(1000)
        done = sync("--json")
        assert [(one["run_id"], one["state"]) for one in done] == [(lost.info.run_id, "held")]
    finally:
        server.close()


def sync(*arguments):
    """What came of the runs of this store that were unsent."""
    command = [sys.executable, "-m", "autotrack", "sync", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    return json.loads(done.stdout)["servers"][0]["runs"]
