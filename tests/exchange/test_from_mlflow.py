"""MLflow's records become autotrack's: from its directory, its database and its server. MLflow's own client says what
each of them holds."""

import math
import sqlite3
import tempfile
from pathlib import Path

import pytest
from exchanged import bring, export, files

from autotrack.client import Client
from autotrack.exceptions import AutotrackException

OLD = """
CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name TEXT, artifact_location TEXT, lifecycle_stage TEXT);
CREATE TABLE runs (run_uuid TEXT PRIMARY KEY, name TEXT, user_id TEXT, status TEXT, start_time INTEGER,
    end_time INTEGER, lifecycle_stage TEXT, artifact_uri TEXT, experiment_id INTEGER);
CREATE TABLE metrics (key TEXT, value FLOAT, timestamp INTEGER, run_uuid TEXT);
CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
INSERT INTO experiments VALUES (0, 'Default', './mlruns/0', 'active'), (7, 'old', './mlruns/7', 'active'),
    (8, 'gone', './mlruns/8', 'deleted');
INSERT INTO runs VALUES ('0123456789abcdef0123456789abcdef', '', 'ada', 'FINISHED', 1000, 2000, 'active', '{uri}', 7),
    ('1123456789abcdef0123456789abcdef', '', 'ada', 'FAILED', 1000, 2000, 'deleted', '', 7);
INSERT INTO metrics VALUES ('loss', 0.5, 1000, '0123456789abcdef0123456789abcdef'),
    ('loss', 0.25, 1001, '0123456789abcdef0123456789abcdef');
INSERT INTO params VALUES ('lr', '0.1', '0123456789abcdef0123456789abcdef');
INSERT INTO tags VALUES ('mlflow.runName', 'first', '0123456789abcdef0123456789abcdef');
"""


@pytest.fixture
def old(tmp_path):
    """A database as MLflow 1.0 made it: no steps, no NaN, no data sets, no registry."""
    place = tmp_path / "old" / "mlflow.db"
    (place.parent / "files").mkdir(parents=True)
    (place.parent / "files" / "a.txt").write_text("a")
    with sqlite3.connect(place) as made:
        made.executescript(OLD.replace("{uri}", (place.parent / "files").as_uri()))
    made.close()
    return place


def test_a_database_of_an_old_version_is_read(old, tmp_path):
    """What it has not got is left out; what was deleted comes when asked for; it is not written to."""
    before = old.read_bytes()
    bring(old, tmp_path / "store")
    client = Client(tmp_path / "store")
    run = client.get_run("0123456789abcdef0123456789abcdef")
    assert client.get_experiment("7").name == "old"
    assert (run.info.experiment_id, run.info.user_id, run.info.run_name) == ("7", "ada", "first")
    assert [(p.value, p.step, p.timestamp) for p in client.get_metric_history(run.info.run_id, "loss")] == [
        (0.5, 0, 1000), (0.25, 0, 1001),
    ]  # fmt: skip
    assert Path(client.download_artifacts(run.info.run_id, "a.txt")).read_text() == "a"
    assert len(bring(f"sqlite:///{old}", tmp_path / "store", deleted=True).runs) == 1
    assert old.read_bytes() == before


def test_files_elsewhere_are_brought_when_they_are_named(old, tmp_path):
    """A record may name any place of this machine; only those that somebody has named are looked at."""
    elsewhere = tmp_path / "elsewhere"
    (old.parent / "files").rename(elsewhere)
    with sqlite3.connect(old) as made:
        made.execute("UPDATE runs SET artifact_uri = ? WHERE artifact_uri != ''", (elsewhere.as_uri(),))
    made.close()
    assert bring(old, tmp_path / "a").files == 0
    assert bring(old, tmp_path / "b", artifacts=elsewhere).files == 1


def test_a_database_that_is_not_mlflows_is_an_error(tmp_path):
    """As is one that cannot be opened."""
    sqlite3.connect(tmp_path / "a.db").close()
    with pytest.raises(AutotrackException, match="no tables of MLflow's"):
        bring(tmp_path / "a.db", tmp_path / "store")
    (tmp_path / "b.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(AutotrackException, match="cannot be read"):
        bring(tmp_path / "b.db", tmp_path / "store")
    with pytest.raises(AutotrackException, match="cannot be read"):
        bring("postgresql://127.0.0.1:1/none", tmp_path / "store")


def test_hostile_yaml_is_an_error_and_nothing_else(tmp_path):
    """Nothing is built from it but plain values."""
    place = tmp_path / "mlruns" / "1"
    place.mkdir(parents=True)
    told = tmp_path / "told"
    for text in (f"a: !!python/object/apply:os.mkdir ['{told}']", "a: [", "- 1", "a: &a [*a]\n*a: 1", "\0"):
        (place / "meta.yaml").write_text(text)
        with pytest.raises(AutotrackException):
            bring(tmp_path / "mlruns", tmp_path / "store")
    assert not told.exists()


def recorded(uri, artifacts=None):
    """Have MLflow record something of everything; a client of it."""
    mlflow = pytest.importorskip("mlflow")
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient(uri)
    more = {} if artifacts is None else {"artifact_location": artifacts}
    number = client.create_experiment("exp one", tags={"owner": "ada", "mlflow.note.content": "# note"}, **more)
    run = client.create_run(number, 1000, {"team": "blue", "uni": "é✓", "mlflow.user": "ada"}, "parent")
    run_id = run.info.run_id
    for key, value in {"lr": "0.1", "deep/key": "x", "lines": "one\ntwo", "empty": ""}.items():
        client.log_param(run_id, key, value)
    for step in range(20):
        client.log_metric(run_id, "loss", 1 / (step + 1), 1000 + step, step)
    for value in (math.nan, math.inf, -math.inf):
        client.log_metric(run_id, "odd", value, 1000, 1)
    client.log_metric(run_id, "deep/metric", 3.5, 1000, -2)
    entities = mlflow.entities
    data = entities.Dataset("data", "d1", "local", "{}", "{}", "{}")
    client.log_inputs(run_id, [entities.DatasetInput(data, [entities.InputTag("mlflow.data.context", "training")])])
    client.log_text(run_id, "hello", "deep/hello.txt")
    model = client.create_logged_model(
        number, "model", run_id, {"mt": "v"}, {"alpha": "1"}, model_type="agent"
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        Path(place, "MLmodel").write_text("flavors: {}\n")
        client.log_model_artifacts(model.model_id, place)
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run_id, [entities.LoggedModelOutput(model.model_id, 3)])
    client.log_metric(run_id, "acc", 0.75, 1005, 3, model_id=model.model_id)
    client.set_terminated(run_id, "FINISHED", 3000)
    child = client.create_run(number, 1500, {"mlflow.parentRunId": run_id}, "child")
    client.set_terminated(child.info.run_id, "FAILED", 1600)
    client.delete_run(client.create_run(number, 1700).info.run_id)
    client.create_registered_model("churn", {"a": "b"}, "a description")
    for count in range(3):
        source = "s3://bucket/x" if count == 1 else f"models:/{model.model_id}"
        own = {} if count == 1 else {"run_id": run_id, "model_id": model.model_id}
        client.create_model_version("churn", source, tags={"vt": str(count)}, description=f"v{count}", **own)
    client.delete_model_version("churn", "2")
    client.transition_model_version_stage("churn", "3", "Production")
    client.set_registered_model_alias("churn", "champion", "3")
    return client


def bits(value):
    """A float, told apart from every other one."""
    return "nan" if value != value else float(value).hex()


def said(client, own=False):
    """What a client, MLflow's or autotrack's, says of everything. Times of versions are when they were changed last."""
    found = {}
    for one in client.search_experiments():
        found[one.name] = dict(one.tags)
        for info in client.search_runs([one.experiment_id]):
            run = client.get_run(info.info.run_id)
            facts = ("run_name", "status", "start_time", "end_time", "lifecycle_stage", "user_id")
            data = [(d.dataset.to_dictionary(), [(t.key, t.value) for t in d.tags]) for d in run.inputs.dataset_inputs]
            made = [(o.model_id, o.step) for o in run.outputs.model_outputs]
            curves = {
                key: sorted(
                    (p.timestamp, p.step, bits(p.value)) for p in client.get_metric_history(run.info.run_id, key)
                )
                for key in run.data.metrics
            }
            found[run.info.run_id] = [getattr(run.info, fact) for fact in facts], dict(run.data.params), curves
            found[run.info.run_id] += dict(run.data.tags), repr(data), made, sorted(paths(client, run.info.run_id))
        for model in client.search_logged_models([one.experiment_id]):
            facts = ("name", "creation_timestamp", "last_updated_timestamp", "model_type", "source_run_id")
            points = sorted((p.key, bits(p.value), p.step, p.timestamp) for p in model.metrics)
            found[model.model_id] = (
                [getattr(model, fact) for fact in facts],
                dict(model.tags),
                dict(model.params),
                points,
            )
    for model in client.search_registered_models():
        aliases = {alias: str(version) for alias, version in model.aliases.items()}
        found[model.name] = model.description, dict(model.tags), aliases, model.creation_timestamp
        for one in client.search_model_versions(f"name = '{model.name}'"):
            facts = ("current_stage", "description", "source", "run_id", "creation_timestamp")
            found[model.name, str(one.version)] = [getattr(one, fact) for fact in facts], dict(one.tags)
    return found


def paths(client, run_id, path=None):
    """The run's files, without those of models, which MLflow keeps elsewhere."""
    for one in client.list_artifacts(run_id, path):
        if one.path != "models":
            yield from paths(client, run_id, one.path) if one.is_dir else [one.path]


def agree(client, source, store, **given):
    """Import, and compare with what MLflow's client says; once more, and from a bundle of it."""
    done = bring(source, store, **given)
    assert said(Client(store)) == said(client)
    assert sorted(bring(source, store, **given).known) == sorted(done.runs)
    export(store.parent / "bundle", store)
    bring(store.parent / "bundle", store.parent / "third")
    export(store.parent / "again", store.parent / "third")
    assert files(store.parent / "again") == files(store.parent / "bundle")
    (model,) = Client(store).search_logged_models([Client(store).get_experiment_by_name("exp one").experiment_id])
    assert model.artifact_location.endswith(f"models/{model.model_id}")
    assert [one.model_id for one in Client(store).get_metric_history(model.source_run_id, "acc")] == [model.model_id]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_directory_says_what_it_said(tmp_path, monkeypatch):
    """``mlruns``, by MLflow's own client."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    place = tmp_path / "mlruns"
    agree(recorded(place.as_uri()), place, tmp_path / "store")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_database_says_what_it_said(database, tmp_path):
    """SQLite and PostgreSQL, as MLflow sets them up today."""
    url = database.replace("autotrack.db", "mlflow.db").replace("postgresql://", "postgresql+psycopg://")
    client = recorded(url, (tmp_path / "artifacts").as_uri())
    agree(client, url, tmp_path / "store", artifacts=tmp_path / "artifacts")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_running_server_says_what_it_said(tmp_path, monkeypatch):
    """Over its protocol, with its files through it."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "remote"))
    from trackingserver import Tracking

    server = Tracking()
    try:
        agree(recorded(server.url), server.url, tmp_path / "store")
    finally:
        server.close()
