"""`autotrack delete`, `restore` and `gc`: away, back, and gone."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import autotrack
from autotrack.cli.app import main
from autotrack.client import Client
from autotrack.store.database import open_database

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Carries a command out; gives its exit code, and what it printed."""

    def carry_out(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["autotrack", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return carry_out


@pytest.fixture
def runs() -> list[str]:
    """Three runs that have ended."""
    ids = []
    for number in range(3):
        with autotrack.start_run(run_name=f"run {number}") as run:
            autotrack.log_metric("loss", number)
        ids.append(run.info.run_id)
    return ids


def test_a_run_goes_away_comes_back_and_is_gone(command: Command, runs: list[str], store: Path):
    """What `delete` does is undone by `restore`, until `gc`."""
    assert command("delete", runs[0][:10], runs[1])[0] == 0
    assert Client().store.count() == 1
    code, printed, _ = command("restore", runs[1][:10])
    assert (code, printed.split()) == (0, ["restored", runs[1][:8], "run", "1"])
    code, printed, _ = command("gc", "--dry-run")
    assert code == 0
    assert f"{runs[0][:8]}  finished  run 0" in printed
    assert "1 run would be removed" in printed
    code, printed, _ = command("gc", "--json")
    told = json.loads(printed)
    assert [(one["run_id"], one["name"]) for one in told["removed"]] == [(runs[0], "run 0")]
    assert (told["freed"] > 0, told["kept"], told["left"]) == (True, [], {})
    assert {path.name for path in (store / "runs").iterdir()} == set(runs[1:])


def test_all_but_the_best_of_those_that_nobody_deleted(command: Command, runs: list[str], store: Path):
    """Which takes a word that says so."""
    policy = ("gc", "--keep-best", "1", "--metric", "loss")
    assert "0 runs removed" in command(*policy)[1]
    assert "2 runs removed" in command(*policy, "--active")[1]
    assert [path.name for path in (store / "runs").iterdir()] == [runs[0]]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("delete", "ffff"), "there is no run ffff"),
        (("gc", "--active"), "say which"),
        (("gc", "--older-than", "old"), "is no age"),
        (("gc", "--keep-best", "2"), "by which metric"),
        (("gc", "--where", "loss <"), "loss"),
        (("gc", "--experiment", "nope"), "no experiment"),
        (("gc", "--store", "http://127.0.0.1:9"), "name its database"),
        (("gc", "--store", "postgresql://u@h/x"), "--artifacts"),
    ],
)
def test_what_makes_no_sense_changes_nothing(command: Command, runs: list[str], words: tuple[str, ...], says: str):
    """One line, exit code 2."""
    code, printed, error = command(*words)
    assert (code, printed) == (2, "")
    assert says in error
    assert error.count("\n") == 1
    assert Client().store.count() == len(runs)


def test_a_server_s_database_is_named_with_its_files(command: Command, tmp_path: Path):
    """By default they lie beside it."""
    url, file = f"sqlite:///{tmp_path / 'autotrack.db'}", tmp_path / "artifacts"
    served = open_database(url, "mlflow-artifacts:")
    client = Client.on(served)
    run_id = client.create_run("0", run_name="away").info.run_id
    (file / "0" / run_id / "artifacts").mkdir(parents=True)
    (file / "0" / run_id / "artifacts" / "a.txt").write_text("a")
    client.set_terminated(run_id)
    client.delete_run(run_id)
    assert "1 run removed" in command("gc", "--store", url)[1]
    assert served.count(view=3) == 0
    assert [path for path in file.rglob("*") if path.is_file()] == []
    served.close()
