"""What cannot be carried out: one line on stderr that says what to do, exit code 2, nothing changed."""

from __future__ import annotations

from pathlib import Path

import pytest

import autotrack as at


@pytest.fixture
def one_run():
    """A store with a run."""
    with at.start_run(run_name="there"):
        at.log_metric("loss", 1.0)


def files(directory: Path) -> dict[str, bytes]:
    """Every file below, but the index, which is a cache."""
    return {
        str(path): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and not path.name.startswith("index.db")
    }


@pytest.mark.usefixtures("one_run")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "missing.py"], "no such file"),
        (["run"], "SCRIPT"),
        (["run", "-m"], "lacks its value"),
        (["run", "-c", "print(1)"], "no option here"),
        (["run", "-I", "program.py"], "leave it out"),
        (["show", "ffffffff"], "no run"),
        (["show", "../../etc/passwd"], "no run id"),
        (["show", "%"], "no run id"),
        (["runs", "--where", "metrics.loss <"], "filter"),
        (["runs", "--where", "loss is small"], "filter"),
        (["runs", "--where", "metrics.loss < 'one'"], "number"),
        (["runs", "--sort", "metrics.loss SIDEWAYS"], ""),
        (["runs", "--experiment", "unknown"], "no experiment"),
        (["runs", "--columns", "loss"], "metrics.KEY"),
        (["runs", "--store", "http://127.0.0.1:9/"], ""),
    ],
)
def test_refused(autotrack, store, script, words, says):
    """Each with its own word of advice."""
    script("print('must not run')")
    before = files(store) | files(Path.cwd())
    found = autotrack(*words)
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith("autotrack: ")
    assert found.err.count("\n") == 1
    assert says in found.err
    assert files(store) | files(Path.cwd()) == before


@pytest.mark.parametrize("words", [["runs"], ["show", "abc"]])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("holiday.jpg", "not ours"),
        ("autotrack.json", "{torn"),
        ("autotrack.json", '{"product": "somebody else\'s", "format": 1}'),
        ("autotrack.json", '{"product": "autotrack", "format": 999}'),
    ],
)
def test_broken_or_foreign_store(autotrack, store, words, name, content):
    """A directory that is not ours, or was damaged, or is from the future, is named and left alone."""
    store.mkdir()
    (store / name).write_text(content)
    found = autotrack(*words)
    assert (found.code, found.out) == (2, "")
    assert found.err.startswith("autotrack: ")
    assert found.err.count("\n") == 1
    assert str(store) in found.err
    assert files(store) == {str(store / name): content.encode()}


def test_store_that_is_a_file(autotrack, store):
    """A file in the store's place."""
    store.write_text("a file")
    found = autotrack("runs")
    assert found.code == 2
    assert found.err.count("\n") == 1
    assert store.read_text() == "a file"


@pytest.mark.usefixtures("one_run")
def test_unknown_option(autotrack):
    """What no command knows is a matter of usage."""
    assert autotrack("runs", "--nonsense").code == 2
    assert autotrack("nonsense").code == 2


@pytest.mark.usefixtures("one_run")
def test_index_that_is_no_database(autotrack, store):
    """The index is a cache: a broken one is made again."""
    autotrack("runs")
    for index in store.glob("index.db*"):
        index.write_bytes(b"garbage" * 1000)
    found = autotrack("runs")
    assert found.code == 0
    assert "there" in found.out
