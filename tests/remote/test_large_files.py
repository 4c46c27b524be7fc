"""Large files go past the server into its bucket, in parts; what has arrived is not sent again."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ownserver import Own

from autotrack.client import Client
from autotrack.exceptions import AutotrackException
from autotrack.wire.address import address
from autotrack.wire.connection import Connection
from autotrack.wire.multipart import S3Upload
from autotrack.wire.parts import Parts
from autotrack.wire.roots import root

PART = 5 << 20
"""S3 takes no smaller one, unless it is the last."""

PROGRAM = """
import json, os, signal, sys, time
from pathlib import Path
from autotrack.wire import connection, parts
from autotrack.wire.connection import Connection

parts.PART_BYTES = parts.PARTS_FROM = 5 << 20
put, most = Connection.put, int(sys.argv.pop(1))

def kept():
    receipts = [json.loads(file.read_text()) for file in Path(".").glob(".autotrack/runs/*/sent-*")]
    return [part for receipt in receipts for part in receipt["parts"].values()]

class Cut:
    def __init__(self, data):
        self.data = data
    def __len__(self):
        return len(self.data)
    def __iter__(self):
        yield next(iter(self.data))
        while sum(len(one["done"]) for one in kept()) < int(os.environ["NOTED"]) or not kept():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)

def counted(self, url, data, *given):
    global most
    plain, _, query = url.partition("?")
    number = [one for one in query.split("&") if one.startswith("partNumber=")]
    if most == 0:
        data = Cut(data)
    else:
        print("?".join([plain, *number]), flush=True)
    most -= 1
    return put(self, url, data, *given)

Connection.put = counted
if sys.argv[1] == "sync":
    from autotrack.cli import main
    main()
import autotrack
if len(sys.argv) > 2:
    autotrack.set_experiment(sys.argv[2])
with autotrack.start_run():
    autotrack.log_artifact(sys.argv[1])
"""


@pytest.fixture
def large(tmp_path, monkeypatch):
    """A file of four parts, the last one smaller; programs wait for it to arrive."""
    monkeypatch.setenv("AUTOTRACK_TOLD", "1")
    monkeypatch.setenv("AUTOTRACK_EXIT_TIMEOUT", "60")
    file = tmp_path / "large.bin"
    file.write_bytes(os.urandom(3 * PART + 17))
    return file


def test_a_program_that_is_killed_while_it_sends_leaves_the_missing_parts_to_the_next(s3, large, tmp_path, monkeypatch):
    """They go straight into the bucket, by URLs that the server has signed; the file is the same in the end."""
    (tmp_path / "own").mkdir()
    server = Own(tmp_path / "own", "--artifacts", s3.bucket(), "--presigned", **s3.environment)
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", server.url)
    monkeypatch.setenv("NOTED", "2")
    try:
        sent_once_though_killed(server.url, large)
        (run,) = Path(".autotrack/runs").iterdir()
        fetched = Client(server.url).download_artifacts(run.name, "large.bin", str(tmp_path / "to"))
        assert Path(fetched).read_bytes() == large.read_bytes()
    finally:
        server.close()


def test_so_it_is_with_a_bucket_that_mlflows_server_names(s3, tracking, large, tmp_path, monkeypatch, request):
    """The client begins the upload itself, and asks the bucket which parts are there: none needs to be noted here."""
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", tracking.url)
    monkeypatch.setenv("NOTED", "0")
    name, place = request.node.name, s3.bucket()
    tracking.post("experiments/create", name=name, artifact_location=f"{place}/a b")
    before = sent_once_though_killed(tracking.url, large, name)
    (run,) = tracking.runs(name)
    assert run["info"]["artifact_uri"].startswith(f"{place}/a b/")
    there = root(run["info"]["artifact_uri"], Connection(address(tracking.url)))
    there.fetch("large.bin", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == large.read_bytes()
    assert all(url.startswith(f"{s3.endpoint}/tests/") for url in before)


def sent_once_though_killed(server, large, *experiment):
    """Kill a program in the midst of the third part, have the rest sent, and see that each part was sent once; gives
    where those went that had arrived."""
    (code, before), (last, after) = program(2, large, *experiment), program(-1, "sync")
    assert (code, last, len(before), len(after)) == (-signal.SIGKILL, 0, 2, 2)
    assert not any(url.startswith(server) for url in (*before, *after))
    assert not set(before) & set(after)
    assert not list(Path(".autotrack").glob("outbox/*/[0-9a-f]*"))
    return before


def program(parts, *arguments):
    """Run one that is killed while it sends the part after so many; gives its exit code and where the parts went."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(parts), *map(str, arguments)], capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip
    return done.returncode, [line for line in done.stdout.splitlines() if line.startswith("http")]


class Stops(Exception):
    """What ends an upload in these tests."""


@pytest.fixture
def cut_off(s3, large, monkeypatch):
    """A file in a bucket of which two parts have arrived: the place, what was kept, and the numbers that are sent."""
    monkeypatch.setattr("autotrack.wire.parts.PARTS_FROM", PART)
    monkeypatch.setattr("autotrack.wire.parts.PART_BYTES", PART)
    place, kept, sent = root(s3.bucket(), Connection(address("http://127.0.0.1:9"))), {}, []
    part = S3Upload.part

    def counted(self, begun, number, data):
        if len(sent) == 2:
            raise Stops
        sent.append(number)
        return part(self, begun, number, data)

    monkeypatch.setattr(S3Upload, "part", counted)
    with pytest.raises(Stops):
        place.put("d/large.bin", large, Parts(False, kept))
    monkeypatch.setattr(S3Upload, "part", lambda self, *given: (sent.append(given[1]), part(self, *given))[1])
    return place, kept, sent


def test_a_file_that_has_changed_since_is_sent_anew(cut_off, large, tmp_path):
    """What had arrived of it before is removed from the bucket."""
    place, kept, sent = cut_off
    before = json.loads(json.dumps(kept))
    large.write_bytes(os.urandom(2 * PART))
    place.put("d/large.bin", large, Parts(False, kept))
    assert (sent, kept) == ([1, 2, 1, 2], {})
    place.fetch("d/large.bin", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == large.read_bytes()
    assert gone(place, before)


def test_an_upload_that_the_bucket_has_forgotten_begins_anew(cut_off, large, tmp_path):
    """As after a lifecycle rule of the bucket for incomplete ones."""
    place, kept, sent = cut_off
    place._upload("d/large.bin").abort(kept)
    place.put("d/large.bin", large, Parts(False, kept))
    assert sent == [1, 2, 1, 2, 3, 4]
    place.fetch("d/large.bin", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == large.read_bytes()


def test_parts_that_are_listed_on_several_pages_are_all_known(cut_off, monkeypatch):
    """S3 lists a thousand of them at once."""
    place, kept, _ = cut_off
    query = S3Upload._query
    monkeypatch.setattr(S3Upload, "_query", lambda self, begun: f"{query(self, begun)}&max-parts=1")
    assert place._upload("d/large.bin").arrived(kept) == kept["done"]


def test_of_a_file_that_is_gone_nothing_stays_there(cut_off, large):
    """And whoever sends it hears that it is gone."""
    place, kept, _ = cut_off
    before = json.loads(json.dumps(kept))
    large.unlink()
    with pytest.raises(FileNotFoundError):
        place.put("d/large.bin", large, Parts(False, kept))
    assert kept == {}
    assert gone(place, before)


def gone(place, begun):
    """Whether the bucket knows nothing of an upload any more."""
    with pytest.raises(AutotrackException) as refusal:
        place._upload("d/large.bin").arrived(begun)
    return refusal.value.error_code == "NoSuchUpload"
