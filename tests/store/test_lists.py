"""What a question asks the file system: the lists in use and the runs without an end, however many there are."""

import io
import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from journals import ELSEWHERE, Journal, age, append

import autotrack
from autotrack.event import Ended, ExperimentTags, Joined, encode
from autotrack.journal import lists as own
from autotrack.journal.format import experiment_id, writer_name
from autotrack.journal.lists import Experiments, Opened
from autotrack.journal.process import this_process
from autotrack.sinks import local
from autotrack.store import Store, index, ingest, lists

GONE = replace(this_process(), pid=2**22 + 1)


@pytest.fixture
def journal(store: Path) -> Journal:
    """The store that the processes of a test write to."""
    return Journal(store)


def finished(journal: Journal, *, process: object = GONE, old: float = 7200, said: bool = True) -> Path:
    """A run that has ended, by a process of its own; its list, and all else, is so many seconds old."""
    journal.process = writer_name()
    opened, experiments = (journal.store / name / journal.process for name in ("opened", "experiments"))
    for path in (opened, experiments.with_suffix(".jsonl")) if said else ():
        append(path, encode(Joined(process)))  # type: ignore[arg-type]  # a process
    run = journal.run(process=process)  # type: ignore[arg-type]  # the same
    run.event(Ended("FINISHED"), 3000)
    age(run.directory, old)
    when = time.time() - old
    os.utime(opened, (when, when))
    return opened


def settle(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the directories had been as they are for a while."""
    monkeypatch.setattr(lists, "_FRESH_NS", 0)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the file system was asked, by the last part of its path."""
    names: list[str] = []

    def told(call: Callable[..., object]) -> Callable[..., object]:
        return lambda path, *rest, **more: (names.append(Path(str(path)).name), call(path, *rest, **more))[1]

    for module, name in ((os, "stat"), (os, "lstat"), (os, "scandir"), (os, "listdir"), (io, "open")):
        monkeypatch.setattr(module, name, told(getattr(module, name)))
    return names


@pytest.mark.parametrize("said", [True, False], ids=["by dead processes", "long ago, by nobody knows whom"])
def test_a_question_costs_the_same_over_few_and_many_finished_runs(
    journal: Journal, asked: list[str], monkeypatch: pytest.MonkeyPatch, said: bool
):
    """No list, directory or file of any of them is asked after, by a program that has just started."""
    settle(monkeypatch)
    counts = []
    for number in (10, 90):
        for _ in range(number):
            finished(journal, process=GONE if said else ELSEWHERE, old=7200 if said else 8 * 24 * 3600, said=said)
        Store(journal.store).refresh()
        Store(journal.store).refresh()
        asked.clear()
        store = Store(journal.store)
        found = store.count()
        counts.append((found, len(asked)))
        assert not [one for one in asked if one.startswith(("r0-", "events-", "metrics-", "alive-")) or len(one) == 32]
    assert counts == [(10, counts[0][1]), (100, counts[0][1])]


def test_a_list_in_use_is_read_on(journal: Journal, asked: list[str], monkeypatch: pytest.MonkeyPatch):
    """A living process, here or elsewhere, may open a run at any time; the others' lists are not asked after."""
    settle(monkeypatch)
    for _ in range(5):
        finished(journal)
    here, elsewhere = (
        finished(journal, process=this_process(), old=3000),
        finished(journal, process=ELSEWHERE, old=3000),
    )
    store = Store(journal.store)
    assert store.count() == 7
    for number, path in enumerate((here, elsewhere)):
        asked.clear()
        store.count()
        assert {name for name in asked if name.startswith("r0-")} >= {here.name, elsewhere.name}
        assert len({name for name in asked if name.startswith("r0-") and "." not in name}) == 2
        journal.process = path.name
        journal.run()
        assert store.count() == 8 + number


def test_a_new_list_is_found_in_a_directory_that_does_not_say_that_it_changed(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
):
    """On a file system of which that is not known, and within a tick of the clock of the one before."""
    monkeypatch.setattr(lists.medium, "stamps_directories", lambda _directory: False)
    finished(journal)
    store = Store(journal.store)
    assert store.count() == 1
    finished(journal)
    assert store.count() == 2
    monkeypatch.undo()
    store = Store(journal.store)
    assert store.count() == 2
    before = (journal.store / "opened").stat()
    path = finished(journal)
    os.utime(path.parent, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert store.count() == 3


def test_a_list_that_was_replaced_by_a_longer_one_is_read_on(journal: Journal, monkeypatch: pytest.MonkeyPatch):
    """As a copy of a store is brought up to date: beside the old file first, then in its place."""
    settle(monkeypatch)
    path = finished(journal)
    store = Store(journal.store)
    assert (store.count(), store.count()) == (1, 1)
    text = path.read_bytes()
    path.unlink()
    journal.run()
    path.with_name(".new").write_bytes(text + path.read_bytes())
    path.with_name(".new").replace(path)
    os.utime(path, (1, 1))
    assert store.count() == 2


def test_a_list_is_not_added_to_after_an_hour(store: Path, monkeypatch: pytest.MonkeyPatch):
    """So that a reader need not ask after it for ever: a new one is begun, also by a forked child, with whose it is."""
    Journal(store)
    opened, experiments = Opened(store), Experiments(store)
    opened.add("a")
    opened.add("b", "c")
    experiments.add(ExperimentTags(experiment_id("exp"), {"k": "v"}), 1)
    now = time.time()
    monkeypatch.setattr(own.time, "time", lambda: now + own.IN_USE_SECONDS + 1)
    opened.add("d")
    pid = os.getpid()
    monkeypatch.setattr(own.os, "getpid", lambda: 1)
    opened.add("e")
    files = list((store / "opened").iterdir())
    assert sorted(file.read_text().splitlines()[1:] for file in files) == [["a", "b", "c"], ["d"], ["e"]]
    assert sorted(process.pid for file in files if (process := own.owner(file))) == sorted([1, pid, pid])
    assert own.owner(next((store / "experiments").iterdir())) is not None
    assert Store(store).experiment(experiment_id("exp")).tags == {"k": "v"}  # type: ignore[union-attr]  # it is there


def test_what_is_added_to_a_run_long_after_its_end_is_found(
    store: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
):
    """By the program that trained it and still lives: nobody looks at such a run, until the program says that it has
    added to it."""
    with autotrack.start_run() as run:
        autotrack.log_metric("loss", 1.0)
    age(store / "runs" / run.info.run_id, 120)
    asking = Store(store)
    assert (asking.count(), asking.count()) == (1, 1)
    asked.clear()
    assert asking.count() == 1
    assert run.info.run_id not in asked
    now = time.monotonic()
    monkeypatch.setattr(local.time, "monotonic", lambda: now + 60)
    autotrack.log_metric("score", 0.5, run_id=run.info.run_id)
    assert asking.run(run.info.run_id).data.metrics == {"loss": 1.0, "score": 0.5}


def test_a_process_killed_while_it_takes_in_very_many_runs_leaves_a_fast_index(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
):
    """What finds runs by values is made when all have been taken in, by whoever asks next."""

    def indexes() -> set[str]:
        with sqlite3.connect(journal.store / "index.db") as connection:
            return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}

    for _ in range(4):
        finished(journal)
    Store(journal.store).refresh()
    whole = indexes()
    Store(journal.store)._index.discard()
    monkeypatch.setattr(ingest, "_MANY", 3)
    with monkeypatch.context() as killed:
        killed.setattr(index.Index, "fasten", lambda _index: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            Store(journal.store).refresh()
    assert indexes() < whole
    store = Store(journal.store)
    assert store.count() == 4
    assert indexes() == whole
    store.reindex()
    assert indexes() == whole
