"""`autotrack reindex`: what was done to a store by hand."""

import shutil
from pathlib import Path

import pytest

import autotrack
from autotrack.cli.app import main
from autotrack.client import Client


def test_runs_that_were_copied_and_removed_by_hand(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Are found, and gone, afterwards; a damaged line is named."""
    for _ in range(2):
        with autotrack.start_run():
            autotrack.log_metric("loss", 1.0)
    client = Client(str(store))
    gone, copied = client.search_runs([one.experiment_id for one in client.search_experiments()])
    runs = store / "runs"
    shutil.copytree(runs / copied.info.run_id, tmp_path / "elsewhere")
    shutil.rmtree(runs / copied.info.run_id)
    assert _reindexed(monkeypatch, capsys).startswith("1 runs in ")
    shutil.rmtree(runs / gone.info.run_id)
    shutil.copytree(tmp_path / "elsewhere", runs / copied.info.run_id)
    with next((runs / copied.info.run_id).glob("events-*")).open("a") as file:
        file.write("no event\n")
    printed = _reindexed(monkeypatch, capsys)
    assert printed.startswith("1 runs in ")
    assert f"cannot be read: {copied.info.run_id} events-" in printed
    assert client.get_run(copied.info.run_id).data.metrics == {"loss": 1.0}
    monkeypatch.setattr("sys.argv", ["autotrack", "reindex", "--store", str(tmp_path / "nowhere")])
    with pytest.raises(SystemExit):
        main()
    assert "there is no store" in capsys.readouterr().err


def _reindexed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    monkeypatch.setattr("sys.argv", ["autotrack", "reindex"])
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    return capsys.readouterr().out
