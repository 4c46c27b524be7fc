"""Programs as they are written for MLflow, and what a reader of the record sees: MLflow 3.17's answers, on SQLite.

A program gets the module under the name that it would import.
"""

import importlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

PROGRAMS: list[tuple[Callable[[Any], Any], Any]] = []


def answers(expected: Any) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Add a program and what it returns."""

    def add(program: Callable[[Any], Any]) -> Callable[[Any], Any]:
        PROGRAMS.append((program, expected))
        return program

    return add


def own(tags: dict[str, str]) -> dict[str, str]:
    """The tags that a program has set itself."""
    others = ("autotrack.", "mlflow.user", "mlflow.source")
    return {key: value for key, value in tags.items() if not key.startswith(others)}


@answers(
    [
        "FINISHED", "baseline", {"alpha": "0.5", "layers": "[64, 64]", "flag": "True", "nothing": "None"},
        {"loss": 0.25, "rmse": 0.7, "a": 1.0, "b": 2.5}, {"team": "x", "v": "1", "mlflow.runName": "baseline"}, "wine",
    ]
)  # fmt: skip
def a_first_program(mlflow):
    """Parameters, metrics, tags, and what the store says afterwards."""
    mlflow.set_experiment("wine")
    with mlflow.start_run(run_name="baseline") as run:
        mlflow.log_param("alpha", 0.5)
        mlflow.log_params({"layers": [64, 64], "flag": True, "nothing": None})
        for epoch in range(4):
            mlflow.log_metric("loss", 1.0 / (epoch + 1), step=epoch)
        mlflow.log_metric(key="rmse", value=np.float64(0.7))
        mlflow.log_metrics({"a": 1, "b": 2.5}, step=3)
        mlflow.set_tag("team", "x")
        mlflow.set_tags({"v": 1})
    assert mlflow.active_run() is None
    found = mlflow.get_run(run.info.run_id)
    experiment = mlflow.get_experiment(found.info.experiment_id).name
    return [
        found.info.status,
        found.info.run_name,
        found.data.params,
        found.data.metrics,
        own(found.data.tags),
        experiment,
    ]


@answers([["lr=0.2", "lr=0.1"], [0.4, 0.2], True, True, None])
def a_sweep_of_nested_runs(mlflow):
    """The children are found by their parent, the best first."""
    mlflow.set_experiment("sweep")
    with mlflow.start_run(run_name="parent") as parent:
        for lr in (0.1, 0.2):
            with mlflow.start_run(run_name=f"lr={lr}", nested=True) as child:
                mlflow.log_metric("score", lr * 2)
                assert mlflow.active_run().info.run_id == child.info.run_id
        back = mlflow.active_run().info.run_id == parent.info.run_id
    client = mlflow.tracking.MlflowClient()
    experiment = mlflow.get_experiment_by_name("sweep")
    children = client.search_runs(
        [experiment.experiment_id], f"tags.mlflow.parentRunId = '{parent.info.run_id}'", order_by=["metrics.score DESC"]
    )
    above = mlflow.get_parent_run(children[0].info.run_id)
    return [
        [child.info.run_name for child in children],
        [child.data.metrics["score"] for child in children],
        back,
        above.info.run_id == parent.info.run_id,
        mlflow.get_parent_run(parent.info.run_id),
    ]


@answers(["refused", None, "FINISHED", "FAILED", "KILLED", "FAILED", ["RUNNING", "FINISHED", {"again": 1.0}]])
def runs_that_end_in_every_way(mlflow):
    """By end_run, by an exception, and resumed by their id."""
    seen: list[Any] = []
    first = mlflow.start_run()
    try:
        mlflow.start_run()
    except Exception:  # noqa: BLE001 - MLflow raises a bare Exception here
        seen.append("refused")
    mlflow.end_run()
    mlflow.end_run()
    seen += [mlflow.active_run(), mlflow.last_active_run().info.status]
    assert mlflow.last_active_run().info.run_id == first.info.run_id
    for status in ("FAILED", "KILLED"):
        run = mlflow.start_run()
        mlflow.end_run(status)
        seen.append(mlflow.get_run(run.info.run_id).info.status)
    try:
        with mlflow.start_run() as run:
            raise ValueError
    except ValueError:
        seen.append(mlflow.get_run(run.info.run_id).info.status)
    with mlflow.start_run(run_id=run.info.run_id) as resumed:
        status = resumed.info.status
        mlflow.log_metric("again", 1)
    found = mlflow.get_run(run.info.run_id)
    return [*seen, [status, found.info.status, found.data.metrics]]


@answers([
    ["r3", "r2", "r1", "r0"],
    ["artifact_uri", "end_time", "experiment_id", "metrics.acc", "metrics.only2", "params.m", "run_id", "start_time",
     "status"],
    "datetime64[us, UTC]", ["nan", "1.0", "nan", "nan"], ["svm"], [0.0, 0.25], ["r1", "r2", "r3"], True, ["r3", 0.75],
    [3, 1], ["INVALID_PARAMETER_VALUE"] * 4, [3, "deleted", 1],
])  # fmt: skip
def a_search(mlflow):
    """As a data frame, as a list, page by page, with good filters and bad ones."""
    mlflow.set_experiment("search")
    for n in range(4):
        with mlflow.start_run(run_name=f"r{n}"):
            mlflow.log_param("m", "svm" if n % 2 else "rf")
            mlflow.log_metric("acc", n / 4)
            if n == 2:
                mlflow.log_metric("only2", 1)
        time.sleep(0.005)
    frame = mlflow.search_runs()
    experiment = mlflow.get_experiment_by_name("search")
    listed = mlflow.search_runs(
        output_format="list", filter_string="attributes.run_name LIKE 'r%' AND metrics.acc != 0",
        order_by=["attributes.start_time ASC"],
    )  # fmt: skip
    best = mlflow.search_runs([experiment.experiment_id], order_by=["metrics.acc DESC"], max_results=1).iloc[0]
    client = mlflow.MlflowClient()
    page = client.search_runs([experiment.experiment_id], max_results=3)
    rest = client.search_runs(experiment_ids=[experiment.experiment_id], max_results=3, page_token=page.token)
    codes = []
    for bad in ("metrics.acc >", "metrics.acc = 'x'", "params.m > 'a'", "foo.bar = 1"):
        with pytest.raises(mlflow.exceptions.MlflowException) as caught:
            mlflow.search_runs(filter_string=bad)
        codes.append(caught.value.error_code)
    seen = [
        list(frame["tags.mlflow.runName"]),
        sorted(name for name in frame.columns if not name.startswith("tags.")),
        str(frame["start_time"].dtype),
        [str(value) for value in frame["metrics.only2"]],
        list(mlflow.search_runs(filter_string="params.m = 'svm' and metrics.acc > 0.3")["params.m"]),
        list(
            mlflow.search_runs(experiment_names=["search"], order_by=["metrics.acc ASC"], max_results=2)["metrics.acc"]
        ),
        [run.info.run_name for run in listed],
        mlflow.search_runs(filter_string="metrics.acc > 10").empty,
        [best["tags.mlflow.runName"], best["metrics.acc"]],
        [len(page), len(rest)],
        codes,
    ]
    mlflow.delete_run(frame["run_id"][0])
    deleted = mlflow.search_runs(run_view_type=mlflow.entities.ViewType.DELETED_ONLY)
    return [*seen, [len(mlflow.search_runs()), mlflow.get_run(frame["run_id"][0]).info.lifecycle_stage, len(deleted)]]


@answers([
    [("m", 1.0, 1), ("m", 0.5, 2)], [(1.0, 1000, 0), (2.0, 2000, 1)], {"p": "1", "bp": "v"}, {"m": 0.5, "bm": 2.0},
    {"t": "1", "x": "y", "bt": "tv", "mlflow.runName": "mine"}, ["FINISHED", "mine"], ["f.json", "f.txt"],
    ["INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS", "RESOURCE_DOES_NOT_EXIST"],
    None, ["Default", "c"], ["c"], "cc", "deleted", ["new", False], [],
])  # fmt: skip
def a_client(mlflow):
    """Every verb by run id, and the codes of what is refused."""
    client = mlflow.MlflowClient()
    entities = importlib.import_module(f"{mlflow.__name__}.entities")
    experiment = client.create_experiment("c", tags={"a": "b"})
    run_id = client.create_run(experiment, tags={"t": "1"}, run_name="mine").info.run_id
    client.log_param(run_id, "p", 1)
    client.log_metric(run_id, "m", 1.0, step=1)
    client.log_metric(run_id, "m", 0.5, step=2)
    client.set_tag(run_id, "x", "y")
    client.log_batch(
        run_id,
        metrics=[entities.Metric("bm", 1.0, 1000, 0), entities.Metric("bm", 2.0, 2000, 1)],
        params=[entities.Param("bp", "v")],
        tags=[entities.RunTag("bt", "tv")],
    )
    client.log_text(run_id, "x", "f.txt")
    client.log_dict(run_id, {"a": 1}, "f.json")
    client.set_terminated(run_id)
    found = client.get_run(run_id)
    codes = []
    for refused in (
        lambda: client.log_param(run_id, "p", 2),
        lambda: client.get_run("0" * 32),
        lambda: client.create_experiment("c"),
        lambda: client.get_experiment("123456"),
    ):
        with pytest.raises(mlflow.exceptions.MlflowException) as caught:
            refused()
        codes.append(caught.value.error_code)
    seen = [
        [(point.key, point.value, point.step) for point in client.get_metric_history(run_id, "m")],
        [(point.value, point.timestamp, point.step) for point in client.get_metric_history(run_id, "bm")],
        found.data.params, found.data.metrics, own(found.data.tags), [found.info.status, found.info.run_name],
        [file.path for file in client.list_artifacts(run_id)],
        codes,
        client.get_experiment_by_name("none"),
        [one.name for one in client.search_experiments(order_by=["name ASC"])],
        [one.name for one in mlflow.search_experiments(filter_string="tags.a = 'b'")],
    ]  # fmt: skip
    client.rename_experiment(experiment, "cc")
    seen.append(client.get_experiment(experiment).name)
    client.delete_experiment(experiment)
    seen.append(client.get_experiment(experiment).lifecycle_stage)
    client.restore_experiment(experiment)
    client.delete_tag(run_id, "x")
    client.update_run(run_id, name="new")
    changed = client.get_run(run_id)
    return [*seen, [changed.info.run_name, "x" in changed.data.tags], client.get_metric_history(run_id, "none")]


@answers([["e1", "1", "active"], {"z": "3", "zz": "4"}, "INVALID_PARAMETER_VALUE", [True, "hello"], ["e1", True, False],
          ["RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "INVALID_PARAMETER_VALUE"]])  # fmt: skip
def experiments(mlflow):
    """Made, chosen, tagged, deleted, restored."""
    made = mlflow.create_experiment("e1", tags={"q": "1"})
    chosen = mlflow.set_experiment(experiment_id=made)
    first = [chosen.name, chosen.tags.get("q"), chosen.lifecycle_stage]
    other = mlflow.set_experiment("e2")
    mlflow.set_experiment_tags({"z": 3, "gone": 1})
    mlflow.set_experiment_tag("zz", "4")
    mlflow.delete_experiment_tag("gone")
    tags = {key: value for key, value in mlflow.get_experiment(other.experiment_id).tags.items() if key[0] in "zg"}
    mlflow.delete_experiment(made)
    with pytest.raises(mlflow.MlflowException) as deleted:
        mlflow.set_experiment("e1")
    with mlflow.start_run(experiment_id=other.experiment_id, description="hello") as run:
        pass
    found = mlflow.get_run(run.info.run_id)
    placed = [run.info.experiment_id == other.experiment_id, found.data.tags["mlflow.note.content"]]
    mlflow.MlflowClient().restore_experiment(made)
    codes = []
    for refused in (lambda: mlflow.get_experiment("987"), mlflow.set_experiment, lambda: mlflow.create_experiment("")):
        with pytest.raises(mlflow.MlflowException) as caught:
            refused()
        codes.append(caught.value.error_code)
    names = [one.name for one in mlflow.search_experiments()]
    back = [mlflow.get_experiment_by_name("e1").name, "e2" in names, "e3" in names]
    return [first, tags, deleted.value.error_code, placed, back, codes]


@answers([3, True, {"b": 1.0, "i": 3.0, "k": 2.0, "np": 0.25}, "nan", {"ret": "3", "late": "2"},
          [("k", 2.0, 1234, 5)], ["data", "info", "inputs", "outputs"], 1.0, None, "FINISHED", False])  # fmt: skip
def without_start_run(mlflow):
    """A run begins by itself; another is added to by its id when it is over."""
    returned = mlflow.log_param("ret", 3)
    run = mlflow.active_run()
    mlflow.log_metric("np", np.float32(0.25))
    mlflow.log_metric("i", np.int64(3))
    mlflow.log_metric("nan", float("nan"))
    mlflow.log_metric("b", True)
    mlflow.log_metric(key="k", value=2, step=5, timestamp=1234, synchronous=True)
    mlflow.end_run()
    run_id = run.info.run_id
    first = mlflow.get_run(run_id)
    numbers = {key: value for key, value in first.data.metrics.items() if key != "nan"}
    history = mlflow.MlflowClient().get_metric_history(run_id, "k")
    mlflow.log_metric("late", 1.0, run_id=run_id)
    mlflow.log_params({"late": 2}, run_id=run_id)
    mlflow.log_text("text", "t.txt", run_id=run_id)
    second = mlflow.get_run(run_id)
    with mlflow.start_run() as other:
        mlflow.set_tag("x", "1")
        mlflow.delete_tag("x")
    assert dict(second.info)["status"] == "FINISHED"
    return [
        returned, run is not None, numbers, str(first.data.metrics["nan"]), second.data.params,
        [(point.key, point.value, point.timestamp, point.step) for point in history],
        sorted(second.to_dictionary()), second.data.metrics["late"], mlflow.active_run(), second.info.status,
        "x" in mlflow.get_run(other.info.run_id).data.tags,
    ]  # fmt: skip
