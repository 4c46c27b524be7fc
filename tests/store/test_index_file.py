"""The index file may be missing, broken, old, foreign or unwritable: the answers stay the same."""

import os
import sqlite3
from pathlib import Path

import pytest
from journals import Journal

from autotrack.event import Ended
from autotrack.exceptions import AutotrackException
from autotrack.store import Search, Store, index, tables


@pytest.fixture
def journal(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    """A store with ten runs, and a user whose cache directory is in the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = Journal(store)
    for number in range(10):
        run = made.run(f"run {number}", 1000 + number)
        run.point("number", number, 0, 2000)
        run.event(Ended("FINISHED"), 3000)
    return made


def numbers(store: Store) -> list[float]:
    return [run.data.metrics["number"] for run in store.search_runs(Search(order_by=["metrics.number"]))]


def test_a_deleted_index_is_built_anew_under_a_running_program(journal: Journal):
    """Nobody has to restart."""
    store = Store(journal.store)
    assert numbers(store) == [*range(10)]
    for file in journal.store.glob("index.db*"):
        file.unlink()
    assert numbers(store) == [*range(10)]


@pytest.mark.parametrize("damage", ["garbage", "emptied", "middle", "other tables"])
@pytest.mark.lenient
def test_a_damaged_index_is_built_anew(journal: Journal, damage: str):
    """Found when it is opened or in the middle of a question, by a new program or by one that had it open."""
    open_one = Store(journal.store)
    assert numbers(open_one) == [*range(10)]
    file = journal.store / "index.db"
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    if damage == "garbage":
        file.write_bytes(os.urandom(50_000))
    elif damage == "emptied":
        file.write_bytes(b"")
    elif damage == "middle":
        with file.open("r+b") as data:
            data.seek(4096)
            data.write(b"\xa5" * (file.stat().st_size - 8192))
    else:
        with sqlite3.connect(file) as connection:
            connection.execute("DROP TABLE tags")
    assert numbers(Store(journal.store)) == [*range(10)]
    assert numbers(open_one) == [*range(10)]


def test_an_index_of_another_version_is_built_anew(journal: Journal, monkeypatch: pytest.MonkeyPatch):
    """Older or newer: it is a cache, so nothing is migrated."""
    assert numbers(Store(journal.store)) == [*range(10)]
    monkeypatch.setattr(tables, "FORMAT", 99)
    assert numbers(Store(journal.store)) == [*range(10)]
    monkeypatch.undo()
    assert numbers(Store(journal.store)) == [*range(10)]


def test_another_store_at_the_same_place_has_its_own_index(journal: Journal, tmp_path: Path):
    """A store that is made again, or an index that came with a copy, does not answer for what was there before."""
    store = Store(journal.store)
    assert store.count() == 10
    journal.store.rename(tmp_path / "moved")
    again = Journal(journal.store)
    assert store.count() == 0
    again.run()
    (tmp_path / "moved" / "index.db").replace(journal.store / "index.db")
    assert Store(journal.store).count() == 1


def unwritable(monkeypatch: pytest.MonkeyPatch, *directories: Path) -> None:
    """As if these directories took no files; the tests may run as a user whom no permission stops."""
    access = os.access

    def refuse(path: Path, mode: int) -> bool:
        return not (mode & os.W_OK and Path(path) in directories) and access(path, mode)

    monkeypatch.setattr(index.os, "access", refuse)


def test_a_read_only_store_is_indexed_in_the_cache_directory(journal: Journal, monkeypatch: pytest.MonkeyPatch):
    """Nothing is written to it, not even a lock."""
    unwritable(monkeypatch, journal.store)
    before = sorted(journal.store.rglob("*"))
    store = Store(journal.store)
    assert numbers(store) == [*range(10)]
    assert sorted(journal.store.rglob("*")) == before
    assert store.index_path is not None
    assert store.index_path.parent.name == "index"


def test_a_store_on_a_network_file_system_is_indexed_in_the_cache_directory(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
):
    """SQLite could not share memory there."""
    monkeypatch.setattr(index.medium, "on_network", lambda directory: directory == journal.store)
    store = Store(journal.store)
    assert numbers(store) == [*range(10)]
    assert not (journal.store / "index.db").exists()


def test_with_no_place_to_write_the_index_lives_as_long_as_the_program(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """A read-only store and no cache directory: the answers are the same, only slower."""
    unwritable(monkeypatch, journal.store)
    (tmp_path / "cache").write_text("a file is in the way")
    assert numbers(Store(journal.store)) == [*range(10)]


def test_a_question_makes_no_store(tmp_path: Path):
    """Where nothing was recorded there is nothing but the default experiment, and nothing is left behind."""
    store = Store(tmp_path / "nothing")
    assert store.count() == 0
    assert [one.name for one in store.search_experiments()] == ["Default"]
    assert not (tmp_path / "nothing").exists()


def test_a_foreign_directory_is_refused_untouched(tmp_path: Path):
    """A directory with somebody's files, a store of a later version, a broken mark."""
    for name, content in [("notes.txt", "mine"), ("autotrack.json", '{"product":"autotrack","format":99}'),
                          ("autotrack.json", '{"product":')]:  # fmt: skip
        directory = tmp_path / f"{len(content)}"
        directory.mkdir()
        (directory / name).write_text(content)
        with pytest.raises(AutotrackException, match=str(directory)):
            Store(directory).refresh()
        assert [path.name for path in directory.iterdir()] == [name]
