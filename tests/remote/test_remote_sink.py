"""The sink that is a server keeps to what every sink promises, whether or not the server is there."""

import json
from pathlib import Path

import pytest
from agreement import agree

import autotrack
from autotrack.client import Client
from autotrack.sinks.remote import RemoteSink
from autotrack.testing import SinkContract, recorded


class TestRemote(SinkContract):
    """A server where nobody listens."""

    @pytest.fixture(autouse=True)
    def place(self, tmp_path, monkeypatch):
        """The journals of these tests."""
        monkeypatch.setenv("AUTOTRACK_LOCAL_STORE", str(tmp_path / "journal"))
        monkeypatch.setenv("AUTOTRACK_QUERY_TIMEOUT", "0.1")

    def sink(self, directory):
        sink = RemoteSink("http://127.0.0.1:9")
        sink._asked = lambda _: False  # what nobody can be asked
        return sink

    def runs(self, sink):
        return recorded(sink.directory)


def test_a_change_from_outside_is_sent_too(faults, tracking, request, monkeypatch):
    """What somebody edits in the local store after the run had arrived."""
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", faults.url)
    monkeypatch.setenv("AUTOTRACK_QUERY_TIMEOUT", "120")
    autotrack.set_experiment(request.node.name)
    with autotrack.start_run() as run:
        autotrack.log_metric("a", 1)
    autotrack.flush_async_logging()
    store = Path(".autotrack").absolute()
    assert json.loads(next(store.glob("runs/*/sent-*.json")).read_text())["run_id"]
    Client(store).set_tag(run.info.run_id, "edited", "later")
    assert [path.name for path in store.glob(f"outbox/*/{run.info.run_id}")]
    autotrack.flush_async_logging()
    assert not list(store.glob(f"outbox/*/{run.info.run_id}"))
    agree(tracking, store, request.node.name)
