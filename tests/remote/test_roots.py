"""Files go where a server's artifact root says, and come back the same."""

import os
from pathlib import Path

import pytest
from trackingserver import Tracking

import autotrack
from autotrack.exceptions import AutotrackException
from autotrack.wire.address import address
from autotrack.wire.connection import Connection
from autotrack.wire.roots import root

CONTENTS = {"a.txt": b"text", "deep/er/b.bin": bytes(range(256)) * 9000, "empty": b""}


@pytest.fixture
def connection():
    """To a server that nobody has to ask."""
    return Connection(address("http://127.0.0.1:9"))


@pytest.fixture(params=["directory", "bucket", "proxied"])
def place(request, connection, tmp_path):
    """A shared directory, a real S3 server, and MLflow's own proxy."""
    if request.param == "directory":
        return root((tmp_path / "shared dir").as_uri(), connection)
    if request.param == "bucket":
        return root(f"{request.getfixturevalue('s3').bucket()}/some/prefix", connection)
    there = Connection(address(request.getfixturevalue("tracking").url))
    return root(f"mlflow-artifacts:/{request.node.name}/x y/artifacts", there)


def test_a_file_is_there_whole_and_comes_back_whole(place, tmp_path):
    """Any size, below any directory; what is not there is an error, and an empty list."""
    for path, content in CONTENTS.items():
        (tmp_path / "file").write_bytes(content)
        place.put(path, tmp_path / "file")
    assert [(one.path, one.is_dir) for one in place.list("")] == [("a.txt", False), ("deep", True), ("empty", False)]
    assert [(one.path, one.file_size) for one in place.list("deep/er")] == [("deep/er/b.bin", 256 * 9000)]
    assert place.list("nowhere") == []
    for path, content in CONTENTS.items():
        place.fetch(path, tmp_path / "back" / path)
        assert (tmp_path / "back" / path).read_bytes() == content
    with pytest.raises(AutotrackException):
        place.fetch("nowhere", tmp_path / "back/nowhere")
    assert not (tmp_path / "back/nowhere").exists()


def test_a_place_that_cannot_be_reached_is_told(connection):
    """With what to do about it."""
    with pytest.raises(AutotrackException, match="--serve-artifacts"):
        root("hdfs://somewhere/x", connection)


@pytest.mark.slow
def test_files_go_directly_where_the_server_sends_its_clients(s3, tmp_path, monkeypatch):
    """Not through it."""
    server = Tracking(tmp_path, f"{s3.bucket()}/root")
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", server.url)
    monkeypatch.setenv("AUTOTRACK_QUERY_TIMEOUT", "120")
    large = tmp_path / "large.bin"
    large.write_bytes(os.urandom(20 << 20))
    try:
        with autotrack.start_run() as run:
            autotrack.log_artifact(large)
        autotrack.flush_async_logging()
        found = autotrack.get_run(run.info.run_id)
        assert found.info.artifact_uri.startswith("s3://")
        back = autotrack.MlflowClient().download_artifacts(run.info.run_id, "large.bin", str(tmp_path / "back"))
        assert Path(back).read_bytes() == large.read_bytes()
    finally:
        server.close()
