"""Programs written for MLflow, before both servers."""

from __future__ import annotations

import hashlib
import resource
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
import requests
from comparing import Side, compared
from launched import Server
from mlflow.entities import Metric, Param, RunTag
from sklearn.linear_model import LogisticRegression, Ridge

FEATURES = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0], "b": [1.0, 0.0, 1.0, 0.0, 1.0, 0.0]})
TARGETS = [0, 0, 0, 1, 1, 1]


@compared
def test_a_model_is_logged_registered_and_loaded(side: Side) -> Iterator[tuple[str, Any]]:
    """By its run, its own id, its version, stage and alias; it predicts the same."""
    client = side.client
    mlflow.set_experiment(experiment_id=side.experiment())
    model = LogisticRegression().fit(FEATURES, TARGETS)
    expected = model.predict(FEATURES).tolist()
    with mlflow.start_run(run_name="train") as run:
        logged = mlflow.sklearn.log_model(
            model, name="model", input_example=FEATURES[:2], registered_model_name=side.name(),
            pip_requirements=["scikit-learn"], serialization_format="cloudpickle",
        )  # fmt: skip
    run_id = run.info.run_id
    client.transition_model_version_stage(side.name(), "1", "Production")
    client.set_registered_model_alias(side.name(), "best", "1")
    for label, uri in (
        ("run", f"runs:/{run_id}/model"), ("id", f"models:/{logged.model_id}"), ("version", f"models:/{side.name()}/1"),
        ("stage", f"models:/{side.name()}/Production"), ("alias", f"models:/{side.name()}@best"),
        ("latest", f"models:/{side.name()}/latest"),
    ):  # fmt: skip
        yield f"by {label}", mlflow.pyfunc.load_model(uri).predict(FEATURES).tolist() == expected
    yield (
        "logged model",
        [client.get_logged_model(logged.model_id).status, client.get_logged_model(logged.model_id).name],
    )
    yield "outputs", client.get_run(run_id).outputs.model_outputs
    yield "files", sorted(file.path for file in client.list_logged_model_artifacts(logged.model_id))
    yield (
        "version",
        [client.get_model_version(side.name(), "1").run_id, client.get_model_version(side.name(), "1").status],
    )
    again = mlflow.register_model(f"runs:/{run_id}/model", side.name())
    yield "registered again", [again.version, again.name]
    info = mlflow.models.get_model_info(f"models:/{side.name()}/2")
    yield "signature", info.signature.to_dict()


@pytest.mark.slow
@compared
def test_autologging(side: Side) -> Iterator[tuple[str, Any]]:
    """Records parameters, metrics, data sets and plots."""
    mlflow.set_experiment(experiment_id=side.experiment())
    mlflow.sklearn.autolog(log_models=False, silent=True)
    try:
        with mlflow.start_run() as run:
            Ridge(alpha=2.0).fit(FEATURES, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
        LogisticRegression().fit(FEATURES, TARGETS)
    finally:
        mlflow.sklearn.autolog(disable=True)
    yield "run", side.client.get_run(run.info.run_id).data.metrics
    found = side.client.search_runs(side.experiments, order_by=["start_time ASC"])
    yield "runs", [[one.info.status, one.data.params, one.data.metrics] for one in found]
    yield "tags", [{k: v for k, v in one.data.tags.items() if k.startswith("estimator")} for one in found]
    yield "inputs", [one.inputs.dataset_inputs for one in found]
    yield "files", [[file.path for file in side.client.list_artifacts(one.info.run_id)] for one in found]
    frame = mlflow.search_runs(side.experiments, "metrics.training_score > 0", order_by=["metrics.training_score DESC"])
    yield "frame", [len(frame), sorted(frame.columns)]


@compared
def test_nested_runs(side: Side) -> Iterator[tuple[str, Any]]:
    """By the fluent functions, with inputs and every kind of value."""
    mlflow.set_experiment(side.name())
    side.known(mlflow.get_experiment_by_name(side.name()).experiment_id)
    with mlflow.start_run(run_name="parent", description="the parent") as parent:
        mlflow.log_params({"a": 1, "b": "two", "c": None})
        mlflow.log_metrics({"x": 1.0, "y": 2.0}, step=3)
        mlflow.set_tags({"t": 1})
        mlflow.log_input(mlflow.data.from_pandas(FEATURES, source="here.csv", name="data"), "train", {"foo": "baz"})
        with mlflow.start_run(run_name="child", nested=True) as child:
            mlflow.log_metric("x", 5)
    with pytest.raises(ZeroDivisionError), mlflow.start_run(run_name="broken"):
        raise ZeroDivisionError
    with mlflow.start_run(run_id=child.info.run_id):
        mlflow.log_metric("x", 6, step=1)
    own = ("mlflow.source", "mlflow.user")
    for name, run in (("parent", parent), ("child", child)):
        found = side.client.get_run(run.info.run_id)
        tags = {key: value for key, value in found.data.tags.items() if not key.startswith(own)}
        yield name, [found.info.status, found.data.params, found.data.metrics, tags, found.inputs]
    yield "all", [run.info.status for run in side.client.search_runs(side.experiments, order_by=["start_time ASC"])]
    yield "again", mlflow.set_experiment(side.name()).experiment_id == side.experiments[0]


@pytest.mark.slow
@compared
def test_thirty_threads(side: Side) -> Iterator[tuple[str, Any]]:
    """Each with runs of its own, all with one run, and all claiming one name: nothing is lost, one wins."""
    client, experiment = side.client, side.experiment()
    shared = side.run(experiment)

    def work(number: int) -> list[Any]:
        run = client.create_run(experiment, run_name=f"r{number}").info.run_id
        for step in range(5):
            client.log_metric(run, "m", step, step=step)
            client.log_metric(shared, f"m{number}", step, step=step)
        client.log_batch(
            run, [Metric("b", float(i), i, i) for i in range(100)], [Param("p", str(number))], [RunTag("t", "x")]
        )
        claimed = side.attempt(client.create_registered_model, side.name())
        changed = side.attempt(client.log_param, shared, "p", number)
        client.set_terminated(run)
        return [isinstance(claimed, dict) and claimed["refused"], isinstance(changed, dict) and changed["refused"]]

    with ThreadPoolExecutor(30) as pool:
        outcomes = list(pool.map(work, range(30)))
    yield "claims", sorted(map(str, (claimed for claimed, _ in outcomes)))
    yield "changes", sorted(map(str, (changed for _, changed in outcomes)))
    runs = client.search_runs([experiment], "params.p LIKE '%' AND status = 'FINISHED'")
    yield "runs", sorted(run.info.run_name for run in runs)
    yield "points", [len(client.get_metric_history(run.info.run_id, key)) for run in runs for key in ("m", "b")]
    yield "shared", sorted(client.get_run(shared).data.metrics.items())


@pytest.mark.slow
def test_a_gigabyte_passes_in_constant_memory(autotrack: Server, tmp_path: Path):
    """Up and down by MLflow's client, whose own needs bound it; neither it nor the server holds the file."""
    side, size = Side(autotrack.url, "gigabyte"), 1 << 30
    file, block = tmp_path / "large.bin", bytes(range(256)) * 4096
    digest = hashlib.sha256()
    with file.open("wb") as target:
        for number in range(size // len(block)):
            piece = number.to_bytes(8, "big") + block[8:]
            target.write(piece)
            digest.update(piece)
    run = side.run()
    side.client.log_text(run, "warm", "warm.txt")
    client_before, server_before = _peak(), _server_peak(autotrack)
    side.client.log_artifact(run, str(file))
    file.unlink()
    assert side.client.list_artifacts(run)[0].file_size == size
    fetched = Path(side.client.download_artifacts(run, "large.bin", str(tmp_path)))
    found = hashlib.sha256()
    with fetched.open("rb") as source:
        while piece := source.read(1 << 20):
            found.update(piece)
    assert found.digest() == digest.digest()
    assert _server_peak(autotrack) - server_before < 150 << 20
    assert _peak() - client_before < 150 << 20
    place = side.client.get_run(run).info.artifact_uri.removeprefix("mlflow-artifacts:/")
    url = f"{autotrack.url}/api/2.0/mlflow-artifacts/artifacts/{place}/large.bin"
    with requests.get(url, headers={"Range": f"bytes={size - 10}-"}, timeout=60) as answer:
        assert (answer.status_code, answer.content) == (206, block[-10:])


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _server_peak(server: Server) -> int:
    status = Path(f"/proc/{server.kept.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) << 10
