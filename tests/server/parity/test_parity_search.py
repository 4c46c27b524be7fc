"""Searches for runs, as MLflow's client sees them of both servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from comparing import Side, compared
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType


@compared
def test_filters(side: Side) -> Iterator[tuple[str, Any]]:
    """Ask for metrics, parameters, tags, attributes and data sets."""
    client, experiment = side.client, side.experiment()
    runs = {}
    for number, name in enumerate(("one", "two", "three", "Four")):
        run = side.run(experiment, run_name=name, start_time=1000 + number, tags={"mlflow.user": f"user{number % 2}"})
        metrics = [Metric("acc", number / 10, 1, 0), Metric("a b", number, 1, 0)]
        if number == 2:
            metrics.append(Metric("loss", float("nan"), 1, 0))
        client.log_batch(
            run, metrics, [Param("lr", f"0.{number}"), Param("model", ("Tree", "forest")[number % 2])],
            [RunTag("stage", "prod" if number else "test"), RunTag("weird key-", "50%_x")],
        )  # fmt: skip
        runs[run] = name
    ids = list(runs)
    client.log_param(ids[3], "only", "here")
    client.log_metric(ids[0], "loss", 2)
    client.set_terminated(ids[1], "FAILED", end_time=2000)
    client.log_inputs(
        ids[2], [DatasetInput(Dataset("data", "d1", "t", "s"), [InputTag("mlflow.data.context", "train")])]
    )

    def found(condition: str) -> Any:
        return side.attempt(lambda: [runs[run.info.run_id] for run in client.search_runs([experiment], condition)])

    for condition in (
        "", "metrics.acc > 0.1", "metrics.acc >= 0.1 and metrics.acc < 0.3", "metric.acc = 0.2", "metrics.acc != 0.2",
        "metrics.`a b` <= 1", 'metrics."a b" = 2', "metrics.loss != 5", "metrics.loss > 1", "metrics.never = 1",
        "params.lr = '0.1'", "param.lr != '0.1'", "parameters.lr LIKE '0.%'", "params.model ILIKE 'FOR%'",
        "params.model LIKE 'FOR%'", "params.only != 'x'", 'params.lr = "0.2"', "params.only IS NULL",
        "params.only IS NOT NULL", "tags.stage = 'prod'", "tag.stage != 'prod'", "tags.`weird key-` LIKE '50%'",
        "tags.`weird key-` = '50%_x'", "tags.never IS NULL", "tags.stage LIKE 'p_od'", "tags.mlflow.user = 'user1'",
        "attributes.status = 'FAILED'", "attribute.status != 'FAILED'", "attr.status = 'RUNNING'",
        "run.status = 'RUNNING'", "status = 'FAILED'", "attributes.run_name = 'two'", "run_name LIKE 't%'",
        "run_name ILIKE 'F%'", "`run name` = 'one'", "attributes.start_time > 1001", "start_time <= 1001",
        "end_time = 2000", "attributes.user_id = 'user1'", "user_id LIKE 'user%'", "created > 1002",
        f"attributes.run_id = '{ids[0]}'", f"run_id IN ('{ids[0]}', '{ids[2]}')", f"run_id NOT IN ('{ids[0]}')",
        "attributes.artifact_uri LIKE '%artifacts'", "dataset.name = 'data'", "datasets.digest LIKE 'd%'",
        "dataset.context = 'train'", "dataset.name IN ('data', 'other')", "dataset.name != 'other'",
        "metrics.acc > 0 AND params.model = 'Tree' AND tags.stage = 'prod'", "metrics.acc > 0.1 and", "METRICS.acc > 0",
        "metrics.acc > -1", "metrics.acc < 1e-1", "metrics.acc > .05", "metrics.acc >0.1", "tags.`stage`='prod'",
    ):  # fmt: skip
        yield condition.replace(ids[0], "first").replace(ids[2], "third"), found(condition)
    for condition in (
        "metrics.acc > 'a'", "params.lr = 0.1", "params.lr > '0.1'", "acc > 1", "metrics.acc", "= 1", "metrics. > 1",
        "metrics.acc LIKE '1'", "attributes.nonsense = 'x'", "tags.stage IN ('a')", "params.lr IN ('0.1')",
        "status IN ('FAILED')", "metrics.acc IS NULL", "params.lr = '0.1", "foo.bar = 'x'", "metrics.acc == 1",
        "metrics.acc > 1; DROP TABLE runs", "metrics.acc > 1 AND AND metrics.acc > 2", "start_time = 'x'",
        "dataset.nonsense = 'x'", "dataset.name > 'x'", "run_id IN ()", "run_id IN (1)", "tags.a.b.c.d = 5",
    ):  # fmt: skip
        yield condition, found(condition)


@compared
def test_orders(side: Side) -> Iterator[tuple[str, Any]]:
    """NaN comes after numbers and what is missing last; ties go by start, the newest first, then id."""
    client, experiment = side.client, side.experiment()
    runs = {}
    for number, value in enumerate((3.0, float("nan"), None, 1.0, 2.0, 3.0)):
        run = side.run(experiment, run_name=f"r{number}", start_time=1000 + number)
        if value is not None:
            client.log_metric(run, "m", value, timestamp=1)
            client.log_param(run, "p", str(value))
        client.set_tag(run, "t", "x" if number % 2 else "y")
        runs[run] = f"r{number}"
    client.set_terminated(list(runs)[3], end_time=5000)

    def found(*order: str) -> Any:
        return side.attempt(
            lambda: [runs[run.info.run_id] for run in client.search_runs([experiment], order_by=list(order))]
        )

    for order in (
        (), ("metrics.m",), ("metrics.m DESC",), ("metrics.m ASC", "start_time ASC"), ("params.p",), ("params.p DESC",),
        ("tags.t", "metrics.m DESC"), ("tag.t DESC",), ("attributes.start_time",), ("start_time DESC",),
        ("attribute.end_time",), ("end_time DESC",), ("run_name DESC",), ("attributes.`run_name`",), ("status",),
        ("metrics.`m` asc",), ("metrics.never",), ("created ASC",), ("user_id",), ("metrics.m desc", "run_name desc"),
        ("`Run Name` DESC",),
    ):  # fmt: skip
        yield f"by {', '.join(order)}", found(*order)
    by_place = client.search_runs([experiment], order_by=["artifact_uri"])
    places = [run.info.artifact_uri for run in by_place]
    yield "by place", places == sorted(places)
    for order in ("nonsense", "metrics", "metrics.m sideways", "m", "metrics.m DESC DESC"):
        yield f"by {order}", found(order)


@compared
def test_pages(side: Side) -> Iterator[tuple[str, Any]]:
    """Every run comes once; with equal starts ordered by id."""
    client, experiment = side.client, side.experiment()
    runs = sorted(side.run(experiment, start_time=1) for _ in range(10))
    token, pages = None, []
    while token is not None or not pages:
        found = client.search_runs([experiment], max_results=4, page_token=token)
        token = found.token
        pages.append([runs.index(run.info.run_id) for run in found])
    yield "pages", pages
    exactly = client.search_runs([experiment], max_results=10)
    yield "exactly", [len(exactly), bool(exactly.token)]
    yield (
        "too many",
        side.attempt(client.search_runs, [experiment], max_results=123456789, says="Invalid value 123456789"),
    )
    yield "most", side.attempt(lambda: len(client.search_runs([experiment], max_results=50000)))
    yield "none", side.attempt(client.search_runs, [experiment], max_results=0)
    yield "negative", side.attempt(client.search_runs, [experiment], max_results=-1)
    yield "bad token", side.attempt(client.search_runs, [experiment], page_token="nonsense")
    yield "no experiment", side.post("runs/search", {})
    yield "empty experiments", side.attempt(client.search_runs, [])
    yield "unknown experiment", side.attempt(client.search_runs, ["987654321"])
    other = side.experiment("other")
    side.run(other, start_time=5)
    both = client.search_runs([experiment, other])
    yield "two experiments", [len(both), both[0].info.experiment_id == other]
    bad = side.post("runs/search", {"experiment_ids": "x"}, says="Invalid value .*x.* for parameter 'experiment_ids'")
    yield "bad experiments", bad
    yield "one run raw", side.post("runs/search", {"experiment_ids": [other]})


@compared
def test_views(side: Side) -> Iterator[tuple[str, Any]]:
    """Active ones, deleted ones, or both; those of a deleted experiment are deleted."""
    client, experiment = side.client, side.experiment()
    runs = {side.run(experiment, start_time=number): number for number in range(3)}
    client.delete_run(next(iter(runs)))
    for view in (ViewType.ACTIVE_ONLY, ViewType.DELETED_ONLY, ViewType.ALL):
        yield (
            ViewType.to_string(view),
            [runs[run.info.run_id] for run in client.search_runs([experiment], run_view_type=view)],
        )
    client.delete_experiment(experiment)
    for view in (ViewType.ACTIVE_ONLY, ViewType.DELETED_ONLY, ViewType.ALL):
        yield (
            f"{ViewType.to_string(view)} of a deleted one",
            [runs[run.info.run_id] for run in client.search_runs([experiment], run_view_type=view)],
        )
