"""Large files go past the server into its bucket, in parts; what has arrived is not sent again."""

import os
import subprocess
import sys
from pathlib import Path

from ownserver import Own

from autotrack.client import Client

PROGRAM = """
import json, os, sys, time
from pathlib import Path
from autotrack.wire import parts, roots
from autotrack.wire.connection import Connection

parts.PART_BYTES = roots.PARTS_FROM = 1 << 20
put, most = Connection.put, int(sys.argv.pop(1))

def kept():
    receipts = [json.loads(file.read_text()) for file in Path(".").glob(".autotrack/runs/*/sent-*")]
    return [part for receipt in receipts for part in receipt["parts"].values()]

def counted(self, url, *given):
    global most
    if most == 0:
        while sum(len(one["done"]) for one in kept()) < 3:
            time.sleep(0.01)
        os._exit(9)
    most -= 1
    print(url.partition("?")[0], flush=True)
    return put(self, url, *given)

Connection.put = counted
if sys.argv[1] == "sync":
    from autotrack.cli import main
    main()
import autotrack
with autotrack.start_run():
    autotrack.log_artifact(sys.argv[1])
"""


def test_a_program_that_dies_while_it_sends_leaves_the_missing_parts_to_the_next(s3, tmp_path, monkeypatch):
    """They go straight into the bucket, by URLs that the server has signed; the file is the same in the end."""
    large = tmp_path / "large.bin"
    large.write_bytes(os.urandom((5 << 20) + 17))
    (tmp_path / "own").mkdir()
    server = Own(tmp_path / "own", "--artifacts", s3.bucket(), "--presigned", **s3.environment)
    monkeypatch.setenv("AUTOTRACK_TRACKING_URI", server.url)
    monkeypatch.setenv("AUTOTRACK_TOLD", "1")
    monkeypatch.setenv("AUTOTRACK_EXIT_TIMEOUT", "60")
    try:
        (code, before), (last, after) = program(3, large), program(-1, "sync")
        assert (code, last, len(before), len(after)) == (9, 0, 3, 3)
        assert not any(url.startswith(server.url) for url in (*before, *after))
        assert not set(before) & set(after)
        (run,) = Path(".autotrack/runs").iterdir()
        fetched = Client(server.url).download_artifacts(run.name, "large.bin", str(tmp_path / "to"))
        assert Path(fetched).read_bytes() == large.read_bytes()
    finally:
        server.close()


def program(parts, *arguments):
    """Run one that dies before it sends more parts than that; gives its exit code and where the parts went."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(parts), *map(str, arguments)], capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip
    return done.returncode, [line for line in done.stdout.splitlines() if line.startswith("http")]
