"""A tracking server under the same load: prepared requests over four connections that stay open.

MLflow's protocol, to autotrack's server and to MLflow's, each on SQLite and on a PostgreSQL that does not wait for the
disk, files in a directory.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from statistics import median
from urllib.parse import urlencode

from benchmarks.filling import copy_runs
from benchmarks.load import CONNECTIONS, Connection, flood, get, post
from benchmarks.served import DATABASES, Served
from benchmarks.tracker import Tracker
from benchmarks.workload import Measured, Row, scaled, seconds

BATCH, COPIES, PAGE = 1000, 9, 100
REPEATS, MOST_REPEATS, ENOUGH_SECONDS = 5, 100, 0.5
MADE, POINTS, SINGLE, BATCHES = (scaled(count) for count in (1000, 100_000, 600, 60))
RUNS = MADE * (1 + COPIES)
"""The first of them are made by the server, the others are copies of their rows."""
ROWS = (
    Row("start", "start of a server whose database is there, until it answers"),
    *(
        row
        for database, title in DATABASES
        for row in (
            Row(f"{database}_single", f"{title}: a call with one point"),
            Row(f"{database}_batch", f"{title}: a point in batches of {BATCH:,}", times={"mlflow": 20}),
            Row(f"{database}_batch_busy", "… processor time of server and database"),
            Row(f"{database}_create", f"{title}: a run's creation"),
            Row(f"{database}_search", f"{title}: a search over {RUNS:,} runs, mean of three", times={"mlflow": 20}),
            Row(f"{database}_search_busy", "… processor time of server and database", times={"mlflow": 20}),
            Row(f"{database}_newest", "… without a filter alone"),
            Row(f"{database}_newest_busy", "… processor time of server and database"),
            Row(f"{database}_pages", "… a page of runs that nobody has asked for before, all of them page by page"),
            Row(f"{database}_history", f"{title}: a history of {POINTS:,} points, whole", times={"mlflow": 20}),
            Row(f"{database}_history_busy", "… processor time of server and database"),
            Row(f"{database}_curve", f"{title}: the same, thinned to 2,500"),
        )
    ),
    Row("client", "SQLite: a point by MLflow's own client, in batches"),
    Row("ceiling_single", "the generator alone, a call with one point", compared=False),
    Row("ceiling_batch", "the generator alone, a point in batches", compared=False),
)
SEARCHES = (
    {"filter": "metrics.acc > 0.5 AND params.model = 'm3'", "order_by": ["metrics.acc DESC"]},
    {"filter": "", "order_by": []},
    {"filter": "tags.team = 't1'", "order_by": ["params.lr ASC"]},
)


def measure(tracker: type[Tracker]) -> Measured:
    """One server after the other, each empty at first."""
    measured = Measured()
    if tracker.server("sqlite://", "", 0) is None:
        return measured
    with closing(Served(None)) as nothing:
        run = "0" * 32
        measured.figures["ceiling_single"] = _single(nothing.port, run) / SINGLE
        measured.figures["ceiling_batch"] = _batches(nothing.port, [run]) / (BATCHES * BATCH)
    for database, _ in DATABASES:
        with closing(Served(tracker, database)) as served:
            for key, figure in _figures(served).items():
                measured.figures[f"{database}_{key}"] = figure
            if database == "sqlite":
                measured.figures["client"] = _client(served)
                measured.figures["start"] = served.again()
    return measured


def _figures(served: Served) -> dict[str, float]:
    port, figures = served.port, {}
    with closing(Connection(port)) as connection:
        first = json.loads(connection.ask(post("experiments/create", {"name": "load"})))["experiment_id"]
        runs = [_created(connection.ask(_create(first, number))) for number in range(CONNECTIONS)]
        connection.ask(_point(runs[0], -1))
        figures["single"] = _single(port, runs[0]) / SINGLE
        busy = served.busy()
        figures["batch"] = _batches(port, runs) / (BATCHES * BATCH)
        figures["batch_busy"] = (served.busy() - busy) / (BATCHES * BATCH)
        long = _created(connection.ask(_create(first, 1)))
        for begin in range(0, POINTS, BATCH):
            connection.ask(_points(long, begin, min(BATCH, POINTS - begin)))
        figures["history"], figures["history_busy"] = _asked(served, [lambda: _whole(connection, long)])
        asked = urlencode({"run_ids": long, "metric_key": "loss", "max_results": 2500})
        curve = get(f"metrics/get-history-bulk-interval?{asked}")
        figures["curve"], _ = _asked(served, [lambda: connection.ask(curve)])
        many = json.loads(connection.ask(post("experiments/create", {"name": "many"})))["experiment_id"]
        made: list[bytes] = []
        figures["create"] = flood(port, [_create(many, number) for number in range(MADE)], made.append) / MADE
        flood(port, [_facts(_created(answer), number) for number, answer in enumerate(made)])
        copy_runs(served.store, many, COPIES)
        figures["pages"] = _pages(connection, many)
        bodies = [post("runs/search", {"experiment_ids": [many], "max_results": PAGE, **one}) for one in SEARCHES]
        searches = [partial(connection.ask, body) for body in bodies]
        figures["search"], figures["search_busy"] = _asked(served, searches)
        figures["newest"], figures["newest_busy"] = _asked(served, searches[1:2])
    return figures


def _asked(served: Served, questions: Sequence[Callable[[], object]]) -> tuple[float, float]:
    """The median of each question's time, on average, and the servers' processor time."""
    busy, asked, taken = served.busy(), 0, list[float]()
    for question in questions:
        # Processor time is counted in hundredths of a second.
        times = max(REPEATS, min(MOST_REPEATS, round(ENOUGH_SECONDS / seconds(question))))
        taken.append(median(seconds(question) for _ in range(times)))
        asked += 1 + times
    return sum(taken) / len(taken), (served.busy() - busy) / asked


def _pages(connection: Connection, experiment: str) -> float:
    """Seconds per page of going through all runs of an experiment."""
    taken, token = list[float](), ""
    while len(taken) < RUNS // PAGE:
        asked = {"experiment_ids": [experiment], "max_results": PAGE} | ({"page_token": token} if token else {})
        begin = time.perf_counter()
        answer = connection.ask(post("runs/search", asked))
        taken.append(time.perf_counter() - begin)
        token = json.loads(answer).get("next_page_token", "")
    assert not token
    return median(taken)


def _whole(connection: Connection, run: str) -> None:
    answer = connection.ask(get("metrics/get-history?" + urlencode({"run_id": run, "metric_key": "loss"})))
    assert answer.count(b'"step"') >= POINTS - 1  # a step of 0 may be left out


def _single(port: int, run: str) -> float:
    return flood(port, [_point(run, step) for step in range(SINGLE)])


def _batches(port: int, runs: Sequence[str]) -> float:
    """Each connection writes to a run of its own, as each of four programs does."""
    return flood(port, [_points(runs[number % len(runs)], number * BATCH, BATCH) for number in range(BATCHES)])


def _create(experiment: str, number: int) -> bytes:
    body = {"experiment_id": experiment, "start_time": 1_700_000_000_000 + number, "run_name": f"run-{number}"}
    return post("runs/create", body | {"tags": [{"key": "team", "value": f"t{number % 7}"}]})


def _created(answer: bytes) -> str:
    return str(json.loads(answer)["run"]["info"]["run_id"])


def _point(run: str, step: int) -> bytes:
    point = {"key": "single", "value": 1 / (step + 2), "timestamp": 1_700_000_000_000 + step, "step": step}
    return post("runs/log-metric", {"run_id": run, **point})


def _points(run: str, begin: int, count: int) -> bytes:
    points = [
        {"key": "loss", "value": 1 / (step + 1), "timestamp": 1_700_000_000_000 + step, "step": step}
        for step in range(begin, begin + count)
    ]
    return post("runs/log-batch", {"run_id": run, "metrics": points})


def _facts(run: str, number: int) -> bytes:
    when = 1_700_000_000_000 + number
    metrics = [("acc", number * 7919 % 1000 / 1000), ("loss", 1 / (number + 1)), ("f1", number % 10 / 10)]
    return post("runs/log-batch", {
        "run_id": run,
        "metrics": [{"key": key, "value": value, "timestamp": when, "step": 1} for key, value in metrics],
        "params": [
            {"key": "lr", "value": str(number % 97 / 1000)}, {"key": "model", "value": f"m{number % 5}"},
            {"key": "depth", "value": str(number % 12)},
        ],
    })  # fmt: skip


def _client(served: Served) -> float:
    """Seconds per point by MLflow's client."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    from mlflow import MlflowClient  # a peer's client, timed before either server
    from mlflow.entities import Metric  # the same

    client = MlflowClient(f"http://127.0.0.1:{served.port}")
    run = client.create_run("0").info.run_id
    batches = [
        [Metric("c", 0.5, 1, number * BATCH + step) for step in range(BATCH)] for number in range(BATCHES // 5 + 1)
    ]
    client.log_batch(run, batches[0])
    return seconds(lambda: [client.log_batch(run, batch) for batch in batches[1:]]) / max(1, len(batches) - 1) / BATCH
