"""Into autotrack's server and out of it a bundle goes as into a directory: byte for byte, and once."""

import os
import signal
import traceback
from itertools import count
from pathlib import Path

import pytest
from exchanged import bring, export, files, record

from autotrack.client import Client
from autotrack.exchange.place import PART_TAG
from autotrack.wire.connection import Connection


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server's address."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "remote"))
    from ownserver import Own

    (tmp_path / "own").mkdir()
    own = Own(tmp_path / "own")
    monkeypatch.setenv("AUTOTRACK_QUERY_TIMEOUT", "120")
    yield own.url
    own.close()


def killed_at(request, bundle, server):
    """Import in a process of its own, which is killed when it makes a request; whether it was."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    requests, real = count(1), Connection.call

    def call(self, *given, **named):
        done = real(self, *given, **named)
        if next(requests) == request:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    try:
        Connection.call = call
        bring(bundle, server)
    except BaseException:  # noqa: BLE001 - told in the child, which the test does not see
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def test_a_bundle_goes_into_a_server_and_comes_out_as_it_was(server, tmp_path):
    """Though the import is killed after this and that request: a run of which a part is missing says so, the next
    import goes on, and one more changes nothing."""
    run_id = record()
    export(tmp_path / "bundle", everything=True)
    points = {key: len(Client().get_metric_history(run_id, key)) for key in Client().get_run(run_id).data.metrics}
    client = Client(server)
    parts = 0
    for request in (12, 16, 20, 24):
        assert killed_at(request, tmp_path / "bundle", server)
        for run in client.search_runs([one.experiment_id for one in client.search_experiments()]):
            parts += PART_TAG in run.data.tags
            if run.info.run_id == run_id and PART_TAG not in run.data.tags:
                assert {key: len(client.get_metric_history(run_id, key)) for key in run.data.metrics} == points
    assert parts
    bring(tmp_path / "bundle", server)
    again = bring(tmp_path / "bundle", server)
    assert (again.runs, len(again.known), again.changes) == ([], 3, 0)
    export(tmp_path / "out.tar", server)
    bring(tmp_path / "out.tar", tmp_path / "other")
    export(tmp_path / "again", tmp_path / "other")
    assert files(tmp_path / "again") == files(tmp_path / "bundle")
    assert [one.why for one in client.get_model_history("churn")][-1] == "the best"
