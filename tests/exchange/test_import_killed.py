"""An import that is killed leaves no half of a run, and goes on where it was."""

import pytest
from exchanged import bring, export, files, killed

from autotrack.client import Client
from autotrack.event import ArtifactStored, Ended, RunCreated
from autotrack.journal.writer import RunWriter

FILES = ["artifacts", "artifacts/file", "events-export.jsonl", "metrics-export.bin"]


@pytest.fixture
def bundle(tmp_path):
    """Two runs with a file each."""
    store = tmp_path / "here"
    Client(store).create_experiment("e")
    for number in range(2):
        run = store / "runs" / f"{number:032x}"
        (run / "artifacts").mkdir(parents=True)
        (run / "artifacts" / "file").write_bytes(bytes(1000))
        writer = RunWriter(run)
        writer.event(RunCreated("0", "Default", f"run {number}"), 1000)
        writer.point("loss", 0, 1, 1000, 0.5)
        writer.event(ArtifactStored("file", 1000), 1000)
        writer.event(Ended("FINISHED"), 2000)
        writer.close()
    export(tmp_path / "bundle", store)
    return tmp_path / "bundle"


def test_a_killed_import_leaves_whole_runs_and_is_repeated(bundle, tmp_path):
    """Killed before and after each step of it, one after the other, into the same store."""
    other = tmp_path / "other"
    told = killed(bundle, other, *range(1, 12))
    assert sum(one["killed"] for one in told) >= 6
    for one in told:
        assert all(names == FILES for names in one["runs"].values())
    seen = [len(one["runs"]) for one in told]
    assert seen == sorted(seen)
    assert set(seen) == {0, 1, 2}
    assert bring(bundle, other).runs == []
    assert list((other / ".incoming").iterdir()) == []
    export(tmp_path / "again", other)
    assert files(tmp_path / "again") == files(bundle)
    assert len(Client(other).search_runs(["0"])) == 2
