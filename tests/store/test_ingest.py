"""The index follows the journals: nothing twice, nothing lost, nothing hidden by something broken."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from journals import Journal, Writer, age, append

from autotrack.entities import ViewType
from autotrack.event import (
    DatasetUsed,
    Ended,
    ExperimentLife,
    ExperimentRenamed,
    ExperimentTags,
    Joined,
    LifeStage,
    ModelLogged,
    Params,
    Renamed,
    Tags,
)
from autotrack.exceptions import AutotrackException
from autotrack.store import Search, Store


@pytest.fixture
def journal(store: Path) -> Journal:
    """The store that the processes of a test write to."""
    return Journal(store)


def everything(store: Store) -> str:
    """All that a store answers, as one text."""
    runs = [run.to_dictionary() for run in store.search_runs(Search(view=ViewType.ALL))]
    curves = [store.history(r["info"]["run_id"], key).metrics() for r in runs for key in sorted(r["data"]["metrics"])]
    return json.dumps([sorted(runs, key=lambda r: r["info"]["run_id"]), repr(curves)], default=str, sort_keys=True)


def a_full_run(journal: Journal, **how: Any) -> Writer:
    run = journal.run(**how)
    run.event(Params({"lr": "0.1"}), 1001)
    run.event(Tags({"team": "vision", "drop": "me"}), 1002)
    run.event(DatasetUsed("digits", "abc", context="train"), 1003)
    run.point("loss", 0.5, 1, 1004)
    run.point("loss", 0.25, 2, 1005)
    run.event(ModelLogged("m-1" + run.run_id, "model", "model", ("sklearn",)), 1006)
    run.point("accuracy", 0.9, 2, 1007, of=("m-1" + run.run_id, "digits", "abc"))
    run.event(Tags({"drop": None}), 1008)
    run.event(Ended("FINISHED"), 1009)
    return run


def test_a_run_is_found_with_all_that_it_left(journal: Journal):
    """Parameters, tags, the last point of each metric, inputs and outputs."""
    run = a_full_run(journal)
    found = Store(journal.store).run(run.run_id)
    assert found.info.status == "FINISHED"
    assert (found.info.start_time, found.info.end_time) == (1000, 1009)
    assert found.data.params == {"lr": "0.1"}
    assert found.data.metrics == {"loss": 0.25, "accuracy": 0.9}
    assert found.data.tags == {"team": "vision", "mlflow.runName": "a run", "mlflow.user": "ada"}
    assert found.inputs.dataset_inputs[0].tags[0].value == "train"
    assert [one.model_id for one in found.outputs.model_outputs] == ["m-1" + run.run_id]


def test_what_is_added_later_is_found_at_the_next_question(journal: Journal):
    """A question asked while a training runs sees all that was logged before it."""
    run = journal.run()
    store = Store(journal.store)
    for epoch in range(5):
        run.point("loss", 1 / (epoch + 1), epoch, 2000 + epoch)
        assert store.run(run.run_id).data.metrics["loss"] == 1 / (epoch + 1)
        assert len(store.history(run.run_id, "loss")) == epoch + 1
    run.event(Ended("FAILED", "Traceback: boom"), 3000)
    assert store.run(run.run_id).info.error == "Traceback: boom"


def test_a_new_run_is_taken_in_without_listing_the_store(journal: Journal, monkeypatch: pytest.MonkeyPatch):
    """With many ended runs there, only the new one's directory is looked at."""
    old = [a_full_run(journal) for _ in range(20)]
    for run in old:
        age(run.directory, 2 * 3600)
    store = Store(journal.store)
    assert store.count() == 20
    new = a_full_run(journal)
    looked_at: list[str] = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: (looked_at.append(Path(path).name), scandir(path))[1])
    assert store.count() == 21
    assert set(looked_at) == {"opened", new.run_id}


def test_a_question_about_one_run_looks_at_no_other(journal: Journal, monkeypatch: pytest.MonkeyPatch):
    """In a program that has trained thousands of models and still lives, each of which might be added to."""
    one, other = a_full_run(journal), a_full_run(journal)
    store = Store(journal.store)
    assert store.count() == 2
    looked_at: list[str] = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: (looked_at.append(Path(path).name), scandir(path))[1])
    store.run(one.run_id)
    assert one.run_id in looked_at
    assert other.run_id not in looked_at


def test_the_index_is_a_cache_of_the_journals(journal: Journal):
    """Taken in step by step, all at once, or again: the answers are the same."""
    store = Store(journal.store)
    for number in range(5):
        run = a_full_run(journal, time=1000 + number)
        store.refresh()
        other = Writer(journal, run.run_id, "r1-2-bbbbbbbb")
        other.event(Tags({"team": "speech"}), 1003)
        other.point("loss", 0.1, 1, 2000)
        store.refresh()
    before = everything(store)
    store.reindex()
    assert everything(store) == before
    store.close()
    for file in journal.store.glob("index.db*"):
        file.unlink()
    assert everything(Store(journal.store)) == before


def test_events_count_in_the_order_of_their_time_whoever_wrote_them(journal: Journal):
    """A tag set earlier by a slower machine does not undo a later one, however late its file arrives."""
    run = journal.run()
    run.event(Tags({"stage": "two", "gone": None}), 2000)
    run.event(Params({"lr": "second"}), 2000)
    store = Store(journal.store)
    assert store.run(run.run_id).data.tags["stage"] == "two"
    late = Writer(journal, run.run_id, "r1-2-bbbbbbbb")
    late.event(Tags({"stage": "one", "gone": "x", "own": "y"}), 1500)
    late.event(Params({"lr": "first"}), 1500)
    found = store.run(run.run_id).data
    assert (found.tags["stage"], found.tags["own"], "gone" in found.tags) == ("two", "y", False)
    assert found.params == {"lr": "first"}, "a parameter keeps the value that was logged first"


def test_the_last_point_is_the_one_of_the_greatest_step_time_and_value(journal: Journal):
    """Across writers and in any order of arrival, as MLflow has it; a NaN yields to a number of the same moment."""
    run = journal.run()
    store = Store(journal.store)
    other = Writer(journal, run.run_id, "r1-2-bbbbbbbb")
    for writer, value, step, when in [
        (run, 1.0, 5, 100),
        (other, 2.0, 4, 900),
        (other, 3.0, 5, 99),
        (run, 4.0, 5, 100),
        (other, float("nan"), 5, 100),
    ]:
        writer.point("m", value, step, when)
        store.refresh()
    assert store.run(run.run_id).data.metrics["m"] == 4.0
    assert [one.value for one in store.last_metrics(run.run_id)] == [4.0]


def test_a_broken_run_hides_no_other(journal: Journal):
    """Garbage in a file, values of the wrong kind, numbers that no database holds: the other runs are all there."""
    good = [a_full_run(journal) for _ in range(3)]
    append(a_full_run(journal).events, b"\0\0garbage\n" + b'{"e":"tags","t":1,"values":[1,2]}\n')
    for size in (b"1e300", b"9" * 40):
        append(
            a_full_run(journal).events, b'{"e":"model","t":2,"model_id":"x","name":"n","path":"p","size":%b}\n' % size
        )
    strange = a_full_run(journal)
    strange.event(Params({"\ud800 \0 key": "\udfff", "deep": "x" * 3_000_000}), 2000)
    directory = a_full_run(journal)
    directory.metrics.unlink()
    directory.metrics.mkdir()
    append(a_full_run(journal).metrics, b"\xaa" * 320)
    store = Store(journal.store)
    found = {run.info.run_id for run in store.search_runs(Search())}
    assert {run.run_id for run in good} <= found
    assert strange.run_id in found
    assert len(store.run(strange.run_id).data.params["deep"]) == 3_000_000
    assert {fault.reason.partition(" (")[0] for fault in store.faults()} >= {"damaged record", "broken line"}
    assert len({fault.scope for fault in store.faults()}) == 5


def test_a_run_whose_directory_is_deleted_goes_away(journal: Journal):
    """One that runs at once, one that had ended when the store is read again."""
    live, ended = journal.run(), a_full_run(journal)
    age(ended.directory, 2 * 3600)
    store = Store(journal.store)
    assert store.count() == 2
    shutil.rmtree(live.directory)
    assert store.count() == 1
    shutil.rmtree(ended.directory)
    store.reindex()
    assert store.count() == 0


def test_a_run_that_was_copied_here_is_found_by_its_id(journal: Journal, tmp_path: Path):
    """No list names it; asking for it, or reading the store again, takes it in."""
    elsewhere = Journal(tmp_path / "elsewhere")
    runs = [a_full_run(elsewhere) for _ in range(2)]
    store = Store(journal.store)
    assert store.count() == 0
    for run in runs:
        shutil.copytree(run.directory, journal.store / "runs" / run.run_id)
    assert store.run(runs[0].run_id).info.status == "FINISHED"
    assert store.count() == 1
    store.reindex()
    assert store.count() == 2


def test_a_run_that_is_listed_before_it_is_there_is_waited_for(journal: Journal):
    """The list may be seen before the directory, or before its first event."""
    store = Store(journal.store)
    run_id = "0123456789abcdef0123456789abcdef"
    journal.announce(run_id)
    assert store.count() == 0
    (journal.store / "runs" / run_id).mkdir(parents=True)
    assert store.count() == 0
    journal.run(run_id=run_id)
    assert store.count() == 1


def test_what_is_added_to_an_ended_run_is_found(journal: Journal):
    """A score on a finished model, by the process that trained it and is still there."""
    run = a_full_run(journal)
    store = Store(journal.store)
    assert store.run(run.run_id).info.status == "FINISHED"
    run.point("score", 0.75, 0, 5000)
    run.event(Renamed("better"), 5001)
    found = store.run(run.run_id)
    assert (found.data.metrics["score"], found.info.run_name, found.info.status) == (0.75, "better", "FINISHED")


def test_a_resumed_run_runs_again(journal: Journal):
    """Its end is taken back by whoever joins it, and it ends once more."""
    run = a_full_run(journal)
    store = Store(journal.store)
    again = Writer(journal, run.run_id, "r0-9-cccccccc")
    again.event(Joined(None), 4000)
    assert store.run(run.run_id).info.status == "RUNNING"
    again.event(Ended("KILLED"), 5000)
    assert (store.run(run.run_id).info.status, store.run(run.run_id).info.end_time) == ("KILLED", 5000)


def test_deleting_hides_and_restoring_shows(journal: Journal):
    """A run by itself, and all runs of an experiment with it."""
    run, kept = a_full_run(journal), a_full_run(journal)
    experiment = journal.create_experiment("exp")
    store = Store(journal.store)
    run.event(LifeStage("deleted"), 2000)
    assert [one.info.run_id for one in store.search_runs(Search())] == [kept.run_id]
    journal.experiment(ExperimentLife(experiment, "deleted"), 3000)
    assert store.count() == 0
    assert store.count(view=ViewType.DELETED_ONLY) == 2
    assert store.run(kept.run_id).info.lifecycle_stage == "deleted"
    journal.experiment(ExperimentLife(experiment, "active"), 4000)
    assert store.count() == 1


def test_experiments_follow_their_events(journal: Journal):
    """Created twice by two processes it is one; names, tags and order of events count as for runs. The newest comes
    first, and Default is as old as the oldest event, whenever the store was marked."""
    a = journal.create_experiment("a")
    journal.create_experiment("a", 600)
    store = Store(journal.store)
    assert [one.name for one in store.search_experiments()] == ["a", "Default"]
    journal.experiment(ExperimentRenamed(a, "c"), 900)
    journal.experiment(ExperimentTags(a, {"k": "new"}), 900)
    assert store.experiment(a) == store.experiment_named("c")
    journal.experiment(ExperimentRenamed(a, "b"), 800, "r0-2-00000002")
    journal.experiment(ExperimentTags(a, {"k": "old", "other": "x"}), 800, "r0-2-00000002")
    found = store.experiment(a)
    assert found is not None
    assert (found.name, found.tags, found.creation_time) == ("c", {"k": "new", "other": "x"}, 500)
    run = journal.run(experiment="never announced")
    assert store.experiment(store.run(run.run_id).info.experiment_id).name == "never announced"  # type: ignore[union-attr]


WRITES = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[1]]
from journals import Journal
from autotrack.event import Ended
journal = Journal(Path(sys.argv[2]))
journal.process = sys.argv[3]
for number in range(60):
    run = journal.run(name=f"{sys.argv[3]} {number}", time=1000 + number)
    run.point("number", number, 0, 2000)
    run.event(Ended("FINISHED"), 3000)
"""
READS = """
import sys, time
from pathlib import Path
from autotrack.store import Search, Store
store = Store(Path(sys.argv[1]))
deadline = time.monotonic() + 60
while (count := store.count()) < 120 and time.monotonic() < deadline:
    pass
print(count, len(store.faults()))
"""


def test_processes_that_write_and_read_at_once_lose_nothing(journal: Journal):
    """Two write while two others ask all the time: every run is there, once, without a fault."""
    here = str(Path(__file__).parent)
    commands = [["-c", WRITES, here, str(journal.store), f"r0-{n}-0000000{n}"] for n in (1, 2)]
    commands += [["-c", READS, str(journal.store)] for _ in range(2)]
    started = [subprocess.Popen([sys.executable, *one], stdout=subprocess.PIPE, text=True) for one in commands]
    said = [process.communicate(timeout=120)[0].strip() for process in started]
    assert [process.returncode for process in started] == [0, 0, 0, 0]
    assert said[2:] == ["120 0", "120 0"]
    runs = Store(journal.store).search_runs(Search(limit=500))
    assert sorted(run.data.metrics["number"] for run in runs) == sorted([*range(60)] * 2)


def test_a_process_killed_while_it_takes_in_leaves_a_good_index(journal: Journal):
    """Whoever asks next goes on from there."""
    for _ in range(300):
        a_full_run(journal)
    command = [sys.executable, "-c", READS, str(journal.store)]
    for wait in (0.3, 0.45, 0.6):
        process = subprocess.Popen(command)
        time.sleep(wait)
        process.kill()
        process.wait()
    store = Store(journal.store)
    assert store.count() == 300
    assert all(run.data.metrics["loss"] == 0.25 for run in store.search_runs(Search()))


def test_an_unknown_run_is_an_error_that_says_what_to_do(journal: Journal):
    """Also an id that is a path."""
    for run_id in ("0" * 32, "../../etc", ""):
        with pytest.raises(AutotrackException, match="autotrack runs") as caught:
            Store(journal.store).run(run_id)
        assert caught.value.error_code == "RESOURCE_DOES_NOT_EXIST"
