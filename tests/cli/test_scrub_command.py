"""`autotrack scrub`: what slipped through the redactor is taken out of everything that a run has recorded."""

from pathlib import Path

import pytest

import autotrack
from autotrack.cli.app import main
from autotrack.client import Client

SECRET = 'Sésame "ouvre" \\toi 🔑'


@pytest.fixture
def run_id(store: Path) -> str:
    """A run that has the secret in a parameter, a tag, a metric's name, a note, a text and an error."""
    run = autotrack.start_run()
    autotrack.log_param("phrase", f"x {SECRET} y {SECRET}")
    autotrack.set_tag(f"tag {SECRET[:6]}", SECRET)
    autotrack.log_metric("loss", 0.5)
    autotrack.log_text(f"a {SECRET} b", "notes/one.txt")
    autotrack.log_text("nothing", "notes/two.txt")
    run.__exit__(ValueError, ValueError(SECRET), None)
    assert Client().get_run(run.run_id).data.params["phrase"].startswith("x S")  # an index is there
    return run.run_id


def command(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The exit code of the command line."""
    monkeypatch.setattr("sys.argv", ["autotrack", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def has(store: Path, text: str) -> list[str]:
    """The files of a store with a text in them, as it is or as JSON writes it."""
    forms = (text.encode(), text.encode("unicode_escape"), b"ouvre")
    return [
        file.name for file in store.rglob("*") if file.is_file() and any(form in file.read_bytes() for form in forms)
    ]


def test_nothing_of_it_is_left(run_id: str, store: Path, monkeypatch: pytest.MonkeyPatch):
    """Neither in journals nor in files nor in the index; the record is otherwise what it was."""
    events = next((store / "runs" / run_id).glob("events-*"))
    size = events.stat().st_size
    assert has(store, SECRET)
    assert command(monkeypatch, "scrub", run_id[:10], SECRET) == 0
    assert has(store, SECRET) == []
    assert events.stat().st_size == size
    run = Client().get_run(run_id)
    assert run.data.metrics == {"loss": 0.5}
    assert run.data.tags["autotrack.scrubbed"] == "5"
    files = store / "runs" / run_id / "artifacts" / "notes"
    assert (files / "one.txt").read_text() == f"a {'*' * len(SECRET.encode())} b"
    assert (files / "two.txt").read_text() == "nothing"


def test_a_dry_run_changes_nothing(
    run_id: str, store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """It says where it is."""
    before = {file: file.read_bytes() for file in (store / "runs").rglob("*") if file.is_file()}
    assert command(monkeypatch, "scrub", run_id, "ou[vw]re", "--regex", "--dry-run") == 0
    assert "1  artifacts/notes/one.txt" in capsys.readouterr().out
    assert {file: file.read_bytes() for file in before} == before


def test_a_file_that_another_run_shares_is_left_to_that_one(store: Path, monkeypatch: pytest.MonkeyPatch):
    """Only the named run's files change, and the command says that there are others."""
    runs = [autotrack.start_run().run_id for _ in range(2) if autotrack.end_run() is None]
    one, two = (store / "runs" / run / "artifacts" / "file.txt" for run in runs)
    for file in (one, two):
        file.parent.mkdir()
    one.write_text("secret words")
    two.hardlink_to(one)
    assert command(monkeypatch, "scrub", runs[0], "secret words") == 0
    assert (one.read_text(), two.read_text()) == ("*" * 12, "secret words")


@pytest.mark.parametrize("words", [("abc",), (".*xyz|", "--regex"), ("(((((", "--regex")])
def test_a_pattern_that_finds_nothing_or_everything_is_refused(
    run_id: str, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
):
    """Before anything is changed."""
    assert command(monkeypatch, "scrub", run_id, *words) == 2
