"""Into autotrack's server and out of it a bundle goes as into a directory: byte for byte, and once."""

from pathlib import Path

import pytest
from exchanged import bring, export, files, killed, record

from autotrack.client import Client
from autotrack.exchange.place import PART_TAG


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


def test_a_bundle_goes_into_a_server_and_comes_out_as_it_was(server, tmp_path):
    """Though the import is killed after this and that request: a run of which a part is missing says so, the next
    import goes on, and one more changes nothing."""
    run_id = record()
    export(tmp_path / "bundle", everything=True)
    points = {key: len(Client().get_metric_history(run_id, key)) for key in Client().get_run(run_id).data.metrics}
    told = killed(tmp_path / "bundle", server, 12, 16, 20, 24)
    assert all(one["killed"] for one in told)
    assert any(PART_TAG in tags for one in told for tags, _ in one["runs"].values())
    for one in told:
        tags, counted = one["runs"].get(run_id, ({PART_TAG: ""}, {}))
        assert PART_TAG in tags or counted == points
    client = Client(server)
    bring(tmp_path / "bundle", server)
    again = bring(tmp_path / "bundle", server)
    assert (again.runs, len(again.known), again.changes) == ([], 3, 0)
    export(tmp_path / "out.tar", server)
    bring(tmp_path / "out.tar", tmp_path / "other")
    export(tmp_path / "again", tmp_path / "other")
    assert files(tmp_path / "again") == files(tmp_path / "bundle")
    assert [one.why for one in client.get_model_history("churn")][-1] == "the best"
