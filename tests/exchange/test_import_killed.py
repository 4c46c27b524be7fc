"""An import that is killed leaves no half of a run, and goes on where it was."""

import os
import signal
from itertools import count

import pytest
from exchanged import bring, export, files

from autotrack.client import Client
from autotrack.event import ArtifactStored, Ended, RunCreated
from autotrack.exchange import journal, place
from autotrack.journal.writer import RunWriter


def wrapped(stepped, real):
    """A function that goes by way of another one."""
    return lambda *given, **named: stepped(real, *given, **named)


def killed_at(step, bundle, store):
    """Import in a process of its own, which is killed before or after a step of the import; whether it was."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    steps = count(1)

    def stepped(real, *given, **named):
        for part in (lambda: None, lambda: real(*given, **named)):
            done = part()
            if next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)
        return done

    try:
        for owner, name in ((journal, "write"), (place.Local, "keep"), (place.Local, "list")):
            setattr(owner, name, wrapped(stepped, getattr(owner, name)))
        bring(bundle, store)
    finally:
        os._exit(0)


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
    other, seen = tmp_path / "other", []
    for at in range(1, 40):
        killed = killed_at(at, bundle, other)
        runs = sorted((other / "runs").iterdir()) if (other / "runs").exists() else []
        for run in runs:
            names = sorted(one.name for one in run.iterdir())
            assert names == ["artifacts", "events-export.jsonl", "metrics-export.bin"]
            assert (run / "artifacts" / "file").stat().st_size == 1000
        seen.append(len(runs))
        if not killed:
            break
    assert seen == sorted(seen)
    assert set(seen) == {0, 1, 2}
    assert bring(bundle, other).runs == []
    assert list((other / ".incoming").iterdir()) == []
    export(tmp_path / "again", other)
    assert files(tmp_path / "again") == files(bundle)
    assert len(Client(other).search_runs(["0"])) == 2
