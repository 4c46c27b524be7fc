"""The client: MLflow's verbs over a local store."""

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from autotrack import current
from autotrack.client import Client
from autotrack.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType
from autotrack.event import ModelLogged
from autotrack.exceptions import AutotrackException


@pytest.fixture
def client() -> Client:
    """A client of this test's store, where it is by default."""
    return Client()


@pytest.fixture
def run_id(client: Client) -> str:
    """A run that nobody has ended."""
    return client.create_run("0", run_name="mine").info.run_id


def refused(code: str = "INVALID_PARAMETER_VALUE", says: str | None = None) -> "pytest.RaisesExc[AutotrackException]":
    """The block raises, with this code and a line that says what to do."""
    return pytest.raises(AutotrackException, match=says, check=lambda e: e.error_code == code and "\n" not in e.message)


def test_a_run_made_by_a_client_holds_what_it_was_given(client: Client):
    """Name, start, tags and the parent that a tag names."""
    experiment = client.create_experiment("exp", tags={"owner": "ada"})
    parent = client.create_run(experiment, start_time=5, run_name="outer")
    assert (parent.info.run_name, parent.info.start_time, parent.info.status) == ("outer", 5, "RUNNING")
    child = client.create_run(
        experiment, tags={"mlflow.parentRunId": parent.info.run_id, "n": 1, "mlflow.runName": "inner"}
    )
    assert child.data.tags == {"mlflow.parentRunId": parent.info.run_id, "n": "1", "mlflow.runName": "inner"}
    assert child.info.run_name == "inner"
    found = client.get_parent_run(child.info.run_id)
    assert found is not None
    assert found.info.run_id == parent.info.run_id
    assert client.get_parent_run(parent.info.run_id) is None
    with refused(says="differ"):
        client.create_run(experiment, run_name="a", tags={"mlflow.runName": "b"})


def test_a_client_sees_what_the_program_logs_while_it_logs(client: Client):
    """No flush, no end of the run is needed."""
    run = current.start("training")
    for step in range(3):
        run.metric("loss", 1 / (step + 1), step)
        assert client.get_run(run.run_id).data.metrics == {"loss": 1 / (step + 1)}
    run.params({"lr": 0.1})
    run.end()
    found = client.get_run(run.run_id)
    assert (found.info.status, found.data.params) == ("FINISHED", {"lr": "0.1"})
    assert [one.step for one in client.get_metric_history(run.run_id, "loss")] == [0, 1, 2]


def test_metrics_by_a_client(client: Client, run_id: str):
    """With and without a moment, a step, a data set; any number; what is no number is refused."""
    client.log_metric(run_id, "m", 2**60 + 1, timestamp=7, step=3, dataset_name="d", dataset_digest="x")
    client.log_metric(run_id, "m", 0.5, timestamp=0)
    client.log_metric(run_id, "m", float("inf"), timestamp=8, step=1.5)
    client.log_metric(run_id, "m", Fraction(1, 4), timestamp=9, step=2.0)
    history = client.get_metric_history(run_id, "m")
    assert [(one.value, one.timestamp, one.step) for one in history] == [
        (0.5, 0, 0), (2**60 + 1, 7, 3), (float("inf"), 8, 1.5), (0.25, 9, 2),
    ]  # fmt: skip
    assert history[1].dataset_digest == "x"
    assert client.get_run(run_id).data.metrics == {"m": 2**60 + 1}
    for wrong in ("abc", None, [1, 2]):
        with pytest.raises(AutotrackException, match="number"):
            client.log_metric(run_id, "m", wrong)
    with refused(says="ms since 1970"):
        client.log_metric(run_id, "m", 1.0, timestamp=-1)
    assert len(client.get_metric_history(run_id, "m")) == 4


def test_a_parameter_keeps_its_value(client: Client, run_id: str):
    """The same value again is no error, another one is, and nothing of its batch is recorded."""
    client.log_param(run_id, "lr", 0.1)
    client.log_param(run_id, "lr", "0.1")
    with refused(says="Changing param values is not allowed"):
        client.log_param(run_id, "lr", 0.2)
    with refused(says="Changing param values is not allowed"):
        client.log_batch(run_id, [Metric("m", 1.0, 1, 0)], [Param("new", "1"), Param("lr", "3")], [RunTag("t", "x")])
    with refused(says="comes twice"):
        client.log_batch(run_id, params=[Param("new", "1"), Param("new", "2")])
    data = client.get_run(run_id).data
    assert (data.params, data.metrics, "t" in data.tags) == ({"lr": "0.1"}, {}, False)


def test_a_batch_is_recorded_whole(client: Client, run_id: str):
    """More than MLflow takes at once."""
    client.log_batch(
        run_id,
        [Metric(f"m{n}", float(n), 1, 0) for n in range(1500)],
        [Param(f"p{n}", str(n)) for n in range(300)],
        [RunTag("t", "x")],
    )
    data = client.get_run(run_id).data
    assert (len(data.metrics), len(data.params), data.tags["t"]) == (1500, 300, "x")


def test_tags_and_names_change_in_the_order_of_the_calls(client: Client, run_id: str):
    """However fast they follow one another, from one client or from two."""
    other = Client()
    for n in range(30):
        (client, other)[n % 2].set_tag(run_id, "t", n)
    assert client.get_run(run_id).data.tags["t"] == "29"
    client.delete_tag(run_id, "t")
    with refused("RESOURCE_DOES_NOT_EXIST", "no tag"):
        client.delete_tag(run_id, "t")
    client.set_tag(run_id, "mlflow.runName", "by tag")
    assert client.get_run(run_id).info.run_name == "by tag"
    client.update_run(run_id, name="by verb")
    found = client.get_run(run_id)
    assert (found.info.run_name, found.data.tags["mlflow.runName"]) == ("by verb", "by verb")


def test_a_run_is_ended_and_opened_again(client: Client, run_id: str):
    """With a state of MLflow's; an unknown one is refused, not ignored."""
    client.set_terminated(run_id)
    assert client.get_run(run_id).info.status == "FINISHED"
    client.update_run(run_id, status="RUNNING")
    assert client.get_run(run_id).info.end_time is None
    client.set_terminated(run_id, "FAILED", end_time=client.get_run(run_id).info.start_time + 100_000)
    found = client.get_run(run_id).info
    assert (found.status, found.end_time) == ("FAILED", found.start_time + 100_000)
    for wrong in ("DONE", "RUNNING", "LOST"):
        with refused(says="FINISHED, FAILED or KILLED"):
            client.set_terminated(run_id, wrong)


def test_a_deleted_run_takes_no_changes_until_it_is_restored(client: Client, run_id: str):
    """It stays readable, and searches find it when they ask for deleted ones."""
    client.log_metric(run_id, "m", 1.0)
    client.delete_run(run_id)
    assert client.get_run(run_id).info.lifecycle_stage == "deleted"
    for change in (
        lambda: client.log_metric(run_id, "m", 1.0),
        lambda: client.set_tag(run_id, "t", "x"),
        lambda: client.log_text(run_id, "x", "x.txt"),
        lambda: client.log_batch(run_id, [Metric("m", 1.0, 1, 0)]),
    ):
        with refused(says="restore_run"):
            change()
    assert client.search_runs(["0"]) == []
    assert len(client.search_runs(["0"], run_view_type=ViewType.DELETED_ONLY)) == 1
    client.restore_run(run_id)
    client.log_metric(run_id, "m", 2.0, step=1)
    assert client.search_runs(["0"])[0].data.metrics == {"m": 2.0}


def test_experiments(client: Client):
    """Created, found, renamed, tagged, deleted and restored; each name once, and a freed one again."""
    first = client.create_experiment("a")
    with refused("RESOURCE_ALREADY_EXISTS"):
        client.create_experiment("a")
    client.rename_experiment(first, "b")
    second = client.create_experiment("a")
    assert first != second
    with refused("BAD_REQUEST"):
        client.rename_experiment(second, "b")
    client.set_experiment_tag(first, "k", 1)
    assert client.get_experiment(first).tags == {"k": "1"}
    client.delete_experiment_tag(first, "k")
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.delete_experiment_tag(first, "k")
    client.delete_experiment(second)
    with refused(says="restore_experiment"):
        client.create_run(second)
    with refused("RESOURCE_ALREADY_EXISTS", "restore_experiment"):
        client.create_experiment("a")
    assert {one.name for one in client.search_experiments()} == {"Default", "b"}
    assert [one.name for one in client.search_experiments(ViewType.DELETED_ONLY)] == ["a"]
    client.restore_experiment(second)
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.restore_experiment(second)
    assert [
        one.name for one in client.search_experiments(filter_string="name != 'Default'", order_by=["name DESC"])
    ] == ["b", "a"]
    page = client.search_experiments(max_results=2)
    assert len([*page, *client.search_experiments(max_results=2, page_token=page.token)]) == 3
    assert client.get_experiment_by_name("nothing") is None
    for wrong in ("9999", "no number"):
        with refused("RESOURCE_DOES_NOT_EXIST", "search_experiments"):
            client.get_experiment(wrong)
    with refused():
        client.create_experiment("  ")


def test_artifacts(client: Client, run_id: str, tmp_path: Path):
    """Files and directories go in, are listed level by level and come out again."""
    (tmp_path / "d" / "sub").mkdir(parents=True)
    (tmp_path / "d" / "sub" / "x.txt").write_text("x")
    (tmp_path / "d" / "y.bin").write_bytes(b"yy")
    client.log_artifact(run_id, tmp_path / "d" / "y.bin", "in")
    client.log_artifact(run_id, tmp_path / "d")
    client.log_artifacts(run_id, tmp_path / "d", "all")
    client.log_text(run_id, "tëxt", "notes/a.txt")
    client.log_dict(run_id, {"a": 1}, "a.json")
    client.log_table(run_id, {"a": [1]}, "t.json")
    client.log_table(run_id, {"a": [2]}, "t.json")
    assert [one.path for one in client.list_artifacts(run_id)] == ["a.json", "all", "d", "in", "notes", "t.json"]
    (sub, y) = client.list_artifacts(run_id, "d")
    assert (sub.path, sub.is_dir, y.path, y.file_size) == ("d/sub", True, "d/y.bin", 2)
    assert client.list_artifacts(run_id, "a.json") == []
    assert Path(client.download_artifacts(run_id, "notes/a.txt")).read_text("utf-8") == "tëxt"
    copy = Path(client.download_artifacts(run_id, "all", str(tmp_path / "out")))
    assert (copy / "sub" / "x.txt").read_text() == "x"
    assert '"data": [[1], [2]]' in Path(client.download_artifacts(run_id, "t.json")).read_text()
    for wrong in ("../../secret", "/etc/passwd", "a/../../../x"):
        for ask in (client.list_artifacts, client.download_artifacts, lambda r, p: client.log_text(r, "x", p)):
            with refused(says="artifacts"):
                ask(run_id, wrong)
    with refused("RESOURCE_DOES_NOT_EXIST", "list_artifacts"):
        client.download_artifacts(run_id, "nothing")
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.log_artifact(run_id, tmp_path / "nothing")


def test_a_link_out_of_the_artifacts_is_not_followed(client: Client, run_id: str, tmp_path: Path):
    """What a training program left in its directory gives nobody the rest of the disk."""
    client.log_text(run_id, "x", "x.txt")
    root = Path(client.download_artifacts(run_id))
    (root / "out").symlink_to("/etc")
    for ask in (client.list_artifacts, client.download_artifacts):
        with refused(says="leads out"):
            ask(run_id, "out")


def test_inputs(client: Client, run_id: str):
    """A data set with its role and tags; the same one again stays one."""
    dataset = DatasetInput(
        Dataset("digits", "abc", "local", "here"), [InputTag("mlflow.data.context", "train"), InputTag("k", "v")]
    )
    client.log_inputs(run_id, [dataset, dataset])
    (found,) = client.get_run(run_id).inputs.dataset_inputs
    assert found == dataset
    assert client.search_runs(["0"], "dataset.name = 'digits' AND dataset.context = 'train'")


def test_logged_models(client: Client):
    """Found by themselves, by what they scored and on which data."""
    ids = []
    for n in range(3):
        run = current.start(f"run {n}", experiment=("0", "Default"))
        model_id = f"m-{n}"
        run.model(ModelLogged(model_id, f"model {n}", "model", ("sklearn",), params={"depth": str(n)}))
        run.metric("acc", n / 10, 1, model_id=model_id, dataset="val", digest="v")
        run.metric("acc", 1 - n / 10, 1, model_id=model_id, dataset="test", digest="t")
        run.end()
        ids.append((model_id, run.run_id))
    model = client.get_logged_model("m-1")
    assert (model.name, model.source_run_id, model.params, model.flavors) == (
        "model 1",
        ids[1][1],
        {"depth": "1"},
        ("sklearn",),
    )
    assert sorted(one.value for one in model.metrics) == [0.1, 0.9]
    assert model.artifact_location.endswith(f"{ids[1][1]}/artifacts/model")

    def search(text: str, **more: object) -> list[str]:
        return [one.model_id for one in client.search_logged_models(["0"], text, **more)]  # type: ignore[arg-type]

    assert set(search("params.depth IN ('1', '2')")) == {"m-1", "m-2"}
    assert set(search("metrics.acc >= 0.9")) == {"m-0", "m-1"}
    assert search("metrics.acc >= 0.2", datasets=[{"dataset_name": "val"}]) == ["m-2"]
    order = {"field_name": "metrics.acc", "ascending": False, "dataset_name": "val"}
    assert search("", order_by=[order]) == ["m-2", "m-1", "m-0"]
    assert search("", order_by=[{**order, "dataset_name": "test"}]) == ["m-0", "m-1", "m-2"]
    with refused("RESOURCE_DOES_NOT_EXIST"):
        client.get_logged_model("m-9")


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("sqlite:///mlflow.db", "left as it is"),
        ("postgresql://somewhere/db", "left as it is"),
        ("ftp://somewhere", "not a local store"),
        ("file://elsewhere/x", "elsewhere"),
    ],
)
def test_what_this_version_does_not_read_is_refused_with_a_way_out(uri: str, says: str):
    """Nothing is opened, made or changed there."""
    Path("mlflow.db").write_bytes(b"SQLite format 3\0")
    with refused(says=says):
        Client(uri)
    assert Path("mlflow.db").read_bytes() == b"SQLite format 3\0"
    assert [path.name for path in Path().iterdir()] == ["mlflow.db"]


def test_a_directory_of_somebody_else_is_refused_untouched(tmp_path: Path):
    """MLflow's own store directory, or just a folder."""
    (tmp_path / "mlruns" / "0").mkdir(parents=True)
    with refused(says="autotrack did not make"):
        Client(tmp_path / "mlruns")
    assert [path.name for path in (tmp_path / "mlruns").iterdir()] == ["0"]


def test_a_store_is_named_by_a_path_or_a_file_uri(run_id: str, store: Path):
    """And by nothing: the one where runs are recorded."""
    for uri in (None, str(store), store, store.as_uri(), f"file:{store}"):
        assert Client(uri).get_run(run_id).info.run_name == "mine"


def test_what_one_process_edits_another_one_sees(client: Client, run_id: str, store: Path):
    """Also on a run that has long ended, from a process that is gone by then."""
    client.set_terminated(run_id)
    for n in range(2):
        program = f"from autotrack.client import Client; Client({str(store)!r}).set_tag({run_id!r}, 'n', {n})"
        subprocess.run([sys.executable, "-c", program], check=True)
        assert client.get_run(run_id).data.tags["n"] == str(n)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_a_forked_child_asks_and_edits(client: Client, run_id: str):
    """It inherits no connection and no lock."""
    client.set_tag(run_id, "who", "parent")
    pid = os.fork()
    if pid == 0:
        try:
            ok = client.get_run(run_id).data.tags["who"] == "parent"
            client.set_tag(run_id, "who", "child")
            os._exit(0 if ok and client.get_run(run_id).data.tags["who"] == "child" else 1)
        except BaseException:  # noqa: BLE001 - a child must never run the rest of the tests
            os._exit(2)
    assert os.waitpid(pid, 0)[1] == 0
    assert client.get_run(run_id).data.tags["who"] == "child"


def test_a_store_that_takes_no_writes_says_so(client: Client, run_id: str, monkeypatch: pytest.MonkeyPatch):
    """A full disk or a read-only directory: one line, and nothing changed."""

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("autotrack.journal.writer._write", full)
    for change in (lambda: client.set_tag(run_id, "t", "x"), lambda: client.create_experiment("new")):
        with refused("INTERNAL_ERROR", "No space left on device; nothing was changed"):
            change()
    monkeypatch.undo()
    assert "t" not in client.get_run(run_id).data.tags


def test_asking_loads_no_framework_and_no_dataframe(store: Path):
    """The client needs SQLAlchemy and the standard library."""
    program = (
        f"import sys; from autotrack.client import Client; c = Client({str(store)!r}); c.search_runs(['0']);"
        "print([m for m in ('numpy', 'pandas', 'torch', 'sklearn', 'requests', 'wrapt') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"
