"""Metrics and their histories, as MLflow's client sees them of both servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import requests
from comparing import Side, compared
from mlflow.entities import Metric


@compared
def test_points(side: Side) -> Iterator[tuple[str, Any]]:
    """Are kept with time and step; the last one is that of the highest step, then time, then value."""
    client, run = side.client, side.run()
    client.log_metric(run, "metric", 123.456, timestamp=789, step=2)
    client.log_metric(run, "stepless", 987.654, timestamp=321)
    client.log_metric(run, "nan", float("nan"), timestamp=1)
    client.log_metric(run, "int", 3, timestamp=1)
    client.log_metric(run, "tiny", 5e-324, timestamp=1)
    client.log_metric(run, "negative step", -1.5, timestamp=0, step=-5)
    client.log_metric(run, "zero", 0.0, timestamp=0, step=0)
    client.log_metric(run, "untimed", 1.0)
    yield "last", client.get_run(run).data.metrics
    for key in ("metric", "stepless", "nan", "negative step", "zero", "untimed", "never"):
        yield key, client.get_metric_history(run, key)
    for value, timestamp, step in ((1, 5, 3), (9, 1, 2), (2, 6, 3), (7, 4, 3), (2, 6, 3), (3, 6, 3)):
        client.log_metric(run, "order", value, timestamp=timestamp, step=step)
    yield "order", client.get_metric_history(run, "order")
    yield "last of order", client.get_run(run).data.metrics["order"]
    client.log_metric(run, "nan last", 1.0, timestamp=1, step=1)
    client.log_metric(run, "nan last", float("nan"), timestamp=1, step=1)
    yield "number beside nan", client.get_run(run).data.metrics["nan last"]
    yield "raw", side.get("runs/get", run_id=run)


@compared
def test_infinite_values(side: Side) -> Iterator[tuple[str, Any]]:
    """Are more than the largest double."""
    client, run = side.client, side.run()
    client.log_metric(run, "inf", float("inf"), timestamp=1)
    client.log_batch(run, [Metric("-inf", float("-inf"), 1, 0)])
    found = client.get_run(run).data.metrics
    yield "at least", [found["inf"] >= 1.7976931348623157e308, found["-inf"] <= -1.7976931348623157e308]
    yield "value", found["inf"]
    yield "history", client.get_metric_history(run, "-inf")


@compared
def test_refused_points(side: Side) -> Iterator[tuple[str, Any]]:
    """What is no number, time, step or key."""
    client, run = side.client, side.run()
    path, good = "runs/log-metric", {"run_id": run, "key": "foo", "value": 31, "timestamp": 59, "step": 41}
    for label, change, says in (
        ("id", {"run_id": 31}, "Invalid value 31 for parameter 'run_id' supplied"),
        ("key", {"key": 31}, "Invalid value 31 for parameter 'key' supplied"),
        ("step", {"step": "foo"}, "Invalid value .*foo.* for parameter 'step' supplied"),
        ("timestamp", {"timestamp": "foo"}, "Invalid value .*foo.* for parameter 'timestamp' supplied"),
        ("no id", {"run_id": None}, "Missing value for required parameter 'run_id'"),
        ("no key", {"key": None}, "Missing value for required parameter 'key'"),
        ("text", {"value": "abc"}, ""),
        ("no value", {"value": None}, ""),
        ("negative time", {"timestamp": -1}, ""),
        ("no time", {"timestamp": None}, ""),
        ("no step", {"step": None}, ""),
        ("float step", {"step": 1.5}, ""),
        ("empty key", {"key": ""}, ""),
        ("bad key", {"key": "a?b"}, ""),
        ("long key", {"key": "k" * 251}, ""),
        ("longest key", {"key": "k" * 250}, ""),
        ("path", {"key": "a/../b"}, ""),
        ("list", {"value": [1]}, ""),
        ("number as text", {"value": "1.5"}, ""),
        ("nan as text", {"value": "NaN"}, ""),
        ("time as text", {"timestamp": "7"}, ""),
        ("true", {"value": True}, ""),
        ("huge step", {"step": 2**63}, ""),
        ("largest step", {"step": 2**63 - 1}, ""),
    ):
        yield label, side.post(path, {**good, **change}, says=says)
    yield "unknown run", side.post(path, {**good, "run_id": "f" * 32}, says="not found")
    yield "nothing", side.post(path, {})
    yield "after", sorted(client.get_run(run).data.metrics)


@compared
def test_histories_by_page(side: Side) -> Iterator[tuple[str, Any]]:
    """A token leads to the next page, until there is none."""
    client, run = side.client, side.run()
    client.log_batch(run, [Metric("m", float(i), 1000 + i, i) for i in range(10)])
    path = "metrics/get-history"
    token, pages = None, []
    while token is not None or not pages:
        asked = {"run_id": run, "metric_key": "m", "max_results": 4} | ({"page_token": token} if token else {})
        found = requests.get(f"{side.url}/api/2.0/mlflow/{path}", asked, timeout=30).json()
        token = found.pop("next_page_token", None)
        pages.append(found)
    yield "pages", pages
    yield "client", client.get_metric_history(run, "m")
    yield "whole", side.get(path, run_id=run, metric_key="m")
    yield "bad token", side.get(path, run_id=run, metric_key="m", page_token="nonsense")
    yield "none", side.get(path, run_id=run, metric_key="m", max_results=0)
    yield "negative", side.get(path, run_id=run, metric_key="m", max_results=-1)
    yield "no key", side.get(path, run_id=run, says="Missing value for required parameter 'metric_key'")
    yield "no run", side.get(path, metric_key="m", says="Missing value for required parameter 'run_id'")
    yield "unknown key", side.get(path, run_id=run, metric_key="never")
    yield "unknown run", side.get(path, run_id="f" * 32, metric_key="m")
    yield (
        "for the page",
        side.ask(
            "GET",
            "/ajax-api/2.0/mlflow/metrics/get-history",
            params={"run_id": run, "metric_key": "m", "max_results": 3},
        ),
    )


@compared
def test_histories_of_several_runs(side: Side) -> Iterator[tuple[str, Any]]:
    """Come run by run, each in its own order."""
    client, path = side.client, "/ajax-api/2.0/mlflow/metrics/get-history-bulk"
    runs = [side.run() for _ in range(3)]
    for number, run in enumerate(runs[:2]):
        for timestamp, step, value in ((1, 2, 10.0), (1, 3, 11.0), (1, 3, 12.0), (2, 3, 12.0)):
            client.log_metric(run, "A", value + number, timestamp=timestamp, step=step)
        for timestamp, step, value in ((7, -2, -100.0), (8, 0, 0.0), (8, 0, 1.0), (9, 1, 12.0)):
            client.log_metric(run, "B", value + number, timestamp=timestamp, step=step)

    def ask(says: str = "", **params: Any) -> Any:
        found = side.ask("GET", path, params=params, says=says)
        for one in found.get("body", {}).get("metrics", ()):
            one["run_id"] = runs.index(one["run_id"])
        return found

    yield "one", ask(run_id=runs[:1], metric_key="A")
    yield "other", ask(run_id=runs[1:2], metric_key="B")
    for key in ("A", "B"):
        found = ask(run_id=runs, metric_key=key)
        yield (
            f"order of runs {key}",
            [runs[one["run_id"]] for one in found["body"]["metrics"]]
            == sorted(runs[one["run_id"]] for one in found["body"]["metrics"]),
        )
        found["body"]["metrics"].sort(key=lambda one: one["run_id"])
        yield f"all {key}", found
    yield "two points", ask(run_id=runs[:1], metric_key="A", max_results=2)
    yield "no run", ask(metric_key="A", says="GetMetricHistoryBulk request must specify at least one run_id")
    yield (
        "many",
        ask(
            run_id=[f"id{i}" for i in range(1000)],
            metric_key="A",
            says="GetMetricHistoryBulk request cannot specify more than",
        ),
    )
    yield "no key", ask(run_id=runs, says="GetMetricHistoryBulk request must specify a metric_key")
    yield "not in the API", side.ask("GET", path.replace("ajax-api", "api"), params={"run_id": runs})["status"]


@compared
def test_curves_of_several_runs(side: Side) -> Iterator[tuple[str, Any]]:
    """Are thinned to as many steps as asked for, first and last kept, and narrowed to steps."""
    client, path = side.client, "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval"
    runs = [side.run() for _ in range(2)]
    for count, run in zip((10, 20), runs, strict=True):
        client.log_batch(run, [Metric("A", 10.0, 1, i) for i in range(count)])

    def ask(says: str = "", **params: Any) -> Any:
        found = side.ask("GET", path, params=params, says=says)
        for one in found.get("body", {}).get("metrics", ()):
            one["run_id"] = runs.index(one["run_id"])
        return found

    yield "five", ask(run_ids=runs[:1], metric_key="A", max_results=5)
    yield "range", ask(run_ids=runs[:1], metric_key="A", max_results=5, start_step=0, end_step=4)
    yield "two runs", ask(run_ids=runs, metric_key="A", max_results=5)
    yield "all", ask(run_ids=runs, metric_key="A")
    client.log_batch(runs[0], [Metric("A", 10.0, 2, i) for i in range(10)])
    yield "same steps", ask(run_ids=runs[:1], metric_key="A", max_results=5)
    yield "never logged", ask(run_ids=runs, metric_key="never")
    missing = "Missing value for required parameter '{}'"
    yield "no runs", ask(metric_key="A", says=missing.format("run_ids"))
    yield "many", ask(run_ids=[f"id{i}" for i in range(1000)], metric_key="A", says="must specify at most 100 run_ids")
    yield "none", ask(run_ids=["1"], metric_key="A", max_results=0, says="max_results must be between 1 and 2500")
    yield "too many", ask(run_ids=["1"], metric_key="A", max_results=2501)
    yield "empty key", ask(run_ids=["1"], metric_key="", says=missing.format("metric_key"))
    yield "no key", ask(run_ids=["1"], says=missing.format("metric_key"))
    yield (
        "backwards",
        ask(run_ids=["1"], metric_key="A", start_step=1, end_step=0, says="end_step must be greater than"),
    )
    yield "half a range", ask(run_ids=["1"], metric_key="A", start_step=1, says="If either start step or end step")


@compared
def test_metrics_of_models(side: Side) -> Iterator[tuple[str, Any]]:
    """A point may be about a model and a data set, and is found with both."""
    client, experiment = side.client, side.experiment()
    run, model = side.run(experiment), client.create_logged_model(experiment, name="m")
    client.log_metric(
        run, "metric", 0.5, timestamp=123456789, step=1, dataset_name="name", dataset_digest="digest",
        model_id=model.model_id,
    )  # fmt: skip
    client.log_batch(run, [Metric("other", 1.0, 5, 2, model_id=model.model_id)])
    found = client.get_logged_model(model.model_id)
    yield "model", sorted(found.metrics, key=lambda one: one.key)
    yield "run", client.get_run(run).data.metrics
    yield "history", client.get_metric_history(run, "metric")
    yield "raw", side.get("runs/get", run_id=run)
