"""The state of a run for which nobody wrote an end."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from journals import ELSEWHERE, Journal, age

from autotrack.journal import process
from autotrack.journal.process import this_process
from autotrack.store import Search, Store

OPENS = """
import sys, time
from autotrack import current
run = current.start("killed")
run.metric("loss", 0.5, 1)
print(run.run_id, flush=True)
time.sleep(600)
"""


@pytest.fixture
def journal(store: Path) -> Journal:
    """The store that the processes of a test write to."""
    return Journal(store)


def test_a_killed_program_leaves_a_killed_run(journal: Journal):
    """As soon as it is dead, with what it had logged, and found by its state."""
    with subprocess.Popen([sys.executable, "-c", OPENS], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        run_id = program.stdout.readline().strip()
        store = Store(journal.store)
        assert store.run(run_id).info.status == "RUNNING"
        assert store.search_runs(Search(filter="status = 'RUNNING'"))
        program.kill()
        program.wait()
        found = store.run(run_id)
        assert found.info.status == "KILLED"
        assert found.info.end_time is not None
        assert abs(found.info.end_time - time.time() * 1000) < 60_000
        assert found.data.metrics == {"loss": 0.5}
        assert [one.info.run_id for one in store.search_runs(Search(filter="status = 'KILLED'"))] == [run_id]


def test_a_silent_run_of_another_machine_is_lost_until_it_speaks_again(journal: Journal):
    """Its death cannot be proved from here, so the state is taken back."""
    run = journal.run()
    store = Store(journal.store)
    assert store.run(run.run_id).info.status == "RUNNING"
    age(run.directory, 120)
    found = store.run(run.run_id)
    assert found.info.status == "LOST"
    assert found.info.end_time is not None
    (run.directory / f"alive-{run.name}").write_text(f"{int(time.time() * 1000)}\n")
    assert (store.run(run.run_id).info.status, store.run(run.run_id).info.end_time) == ("RUNNING", None)


def test_a_run_lives_while_one_of_its_processes_does(journal: Journal):
    """One of two writers is proved dead; only with the other is the run."""
    here = this_process()
    gone = replace(here, pid=2**22 + 1)
    alive = journal.run(process=here)
    age(alive.directory, 3600)
    dead = journal.run(process=gone)
    reused = journal.run(process=replace(here, start=here.start - 1))
    rebooted = journal.run(process=replace(gone, boot="another boot", pidns="another namespace"))
    store = Store(journal.store)
    states = [store.run(one.run_id).info.status for one in (alive, dead, reused, rebooted)]
    assert states[:3] == ["RUNNING", "KILLED", "KILLED"]
    assert states[3] in ("KILLED", "RUNNING")


def test_a_process_that_the_system_hides_is_not_taken_for_dead(monkeypatch: pytest.MonkeyPatch):
    """Some machines show nobody the processes of others."""
    here = this_process()
    monkeypatch.setattr(process, "_start", lambda _pid: None)
    monkeypatch.setattr(process.os.path, "exists", lambda _path: False)
    assert process.alive(here) is None
    assert process.alive(replace(here, pid=2**22 + 1)) is False


def test_a_run_without_facts_of_its_process_is_judged_by_its_silence(journal: Journal):
    """As written by a system that has no such facts."""
    run = journal.run(process=replace(ELSEWHERE, boot="", pidns="", start=0))
    other = journal.run(process=None)
    store = Store(journal.store)
    age(run.directory, 120)
    assert [store.run(one.run_id).info.status for one in (run, other)] == ["LOST", "RUNNING"]
