"""Where a program records to, and what happens when that is a place which this version does not know."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import autotrack
from autotrack.exceptions import AutotrackException

FOREIGN = [
    ("databricks", "is a service"),
    ("sqlite:///mlflow.db", "left as it is"),
    ("postgresql://somewhere/db", "left as it is"),
    ("s3://bucket/x", "not a local store"),
    ("file://elsewhere/x", "elsewhere"),
    ("mlruns", "did not make"),
]


@pytest.fixture
def mlruns() -> Path:
    """What MLflow has left in the working directory."""
    Path("mlruns/0").mkdir(parents=True)
    Path("mlruns/0/meta.yaml").write_text("name: Default\n")
    Path("mlflow.db").write_bytes(b"SQLite format 3\0")
    return Path.cwd()


@pytest.mark.parametrize(("uri", "says"), FOREIGN)
def test_a_program_that_chooses_such_a_place_is_told_so(uri, says, mlruns):
    """At the line that does it, with nothing made or changed."""
    before = files_of(mlruns)
    with pytest.raises(AutotrackException, match=says) as caught:
        autotrack.set_tracking_uri(uri)
    assert "\n" not in str(caught.value)
    assert files_of(mlruns) == before


@pytest.mark.lenient
@pytest.mark.parametrize("variable", ["AUTOTRACK_TRACKING_URI", "MLFLOW_TRACKING_URI"])
@pytest.mark.parametrize(("uri", "says"), FOREIGN)
def test_a_program_whose_environment_names_such_a_place_goes_on(
    variable, uri, says, mlruns, monkeypatch, caplog, capsys
):
    """One warning; the record is local, and the program can ask for it."""
    before = {*files_of(mlruns)}
    monkeypatch.delenv("AUTOTRACK_TRACKING_URI")
    monkeypatch.setenv("AUTOTRACK_TOLD", "1")
    monkeypatch.setenv(variable, uri)
    autotrack.set_experiment("mine")
    autotrack.set_experiment_tags({"team": "search"})
    with autotrack.start_run() as run:
        autotrack.log_metric("loss", 0.5)
        autotrack.log_params({"lr": 0.1})
        autotrack.log_text("text", "t.txt")
        assert run.data.params == {"lr": "0.1"}
    local = mlruns / ".autotrack"
    assert autotrack.get_run(run.info.run_id).data.metrics == {"loss": 0.5}
    assert autotrack.search_runs(output_format="list")[0].info.run_id == run.info.run_id
    assert autotrack.MlflowClient().list_artifacts(run.info.run_id)[0].path == "t.txt"
    assert autotrack.get_tracking_uri() == str(local)
    autotrack.set_tracking_uri(autotrack.get_tracking_uri())
    assert len(caplog.records) == 1
    assert says in caplog.text or "not a server" in caplog.text
    assert capsys.readouterr() == ("", "")
    assert {*files_of(mlruns)} >= before
    assert all(local in path.parents for path in {*files_of(mlruns)} - before)


@pytest.mark.parametrize("form", ["{}", "file:{}", "file://{}", "relative", "file:relative", "file:./relative"])
def test_every_way_to_name_a_directory(form, tmp_path):
    """A path, absolute or not, and the two forms of a file URI."""
    uri = form.format(tmp_path / "here")
    autotrack.set_tracking_uri(uri)
    assert autotrack.get_tracking_uri() == uri
    with autotrack.start_run() as run:
        autotrack.log_metric("loss", 1)
    assert autotrack.get_run(run.info.run_id).data.metrics == {"loss": 1}
    directory = tmp_path / "work/relative" if "relative" in form else tmp_path / "here"
    assert (directory / "autotrack.json").is_file()
    assert Path(run.info.artifact_uri).is_relative_to(directory)


def test_a_path_object_becomes_a_uri(tmp_path):
    """As MLflow has it; None goes back to the default."""
    autotrack.set_tracking_uri(Path("elsewhere"))
    assert autotrack.get_tracking_uri() == (Path.cwd() / "elsewhere").as_uri()
    autotrack.set_tracking_uri(None)
    assert autotrack.get_tracking_uri() == str(tmp_path / "store")


def files_of(directory: Path) -> dict[Path, bytes]:
    """Every file below a directory."""
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_a_program_whose_working_directory_is_gone_records_at_home(tmp_path):
    """Somebody has removed the directory that the program stands in; nothing is said but where the record goes."""
    gone, home = tmp_path / "gone", tmp_path / "home"
    gone.mkdir()
    home.mkdir()
    code = (
        "import os; os.rmdir(os.getcwd())\nimport autotrack\nwith autotrack.start_run(): autotrack.log_metric('a', 1)\n"
    )
    variables = {name: value for name, value in os.environ.items() if name != "AUTOTRACK_TRACKING_URI"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=gone,
        env={**variables, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, f"autotrack: recording to {home}/.autotrack\n")
