"""Finding runs among 10,000 in the tracker's own store by its client, each of 60 parameters, 40 metrics and 6 tags.

Runs are written past the trackers, each in the tracker's own form; what is timed is asking. All of the work is done by
the process itself, so its processor time is taken, which a neighbour's load moves less than the clock.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from benchmarks.tracker import Tracker
from benchmarks.workload import Measured, Row, quantile, scaled
from benchmarks.workloads.many_runs import PAGE, QUESTIONS, busy, runs

RUNS = scaled(10_000)
ROWS = (
    Row("built", f"index of {RUNS:,} local runs: built", limit=20),
    Row("caught_up", "… caught up with one new run", limit=0.02),
    Row("nothing", "… asked when there is nothing new", limit=0.02),
    Row("search", f"{len(QUESTIONS)} searches by the client over {RUNS:,} runs, mean", times={"mlflow": 20}),
    Row("search_p95", "… p95"),
)


def measure(tracker: type[Tracker]) -> Measured:
    """Fill the tracker's own store, and ask its client."""
    used = tracker()
    if tracker.module not in ("autotrack", "mlflow"):
        return Measured()
    client = used.api.MlflowClient()
    experiment = client.create_experiment("many")
    figures: dict[str, float] = {}
    if tracker.module == "mlflow":
        _fill_mlflow(used.api.get_tracking_uri().removeprefix("sqlite:///"), experiment)
    else:
        _fill_local(client.store.directory, experiment)
        figures["built"] = busy(client.store.reindex)
        client.search_runs([experiment], max_results=1)
        used.open()
        used.close()
        figures["caught_up"] = busy(client.store.count)
        figures["nothing"] = busy(client.store.count)
    taken = [
        busy(lambda f=f, o=o: client.search_runs([experiment], f, order_by=[o] if o else [], max_results=PAGE))  # type: ignore[misc]  # bound at once
        for _, f, o in QUESTIONS
    ]
    figures |= {"search": sum(taken) / len(taken), "search_p95": quantile(taken, 0.95)}
    return Measured(figures)


def _fill_local(directory: Path, experiment: str) -> None:
    from autotrack.event import Ended, Joined, Params, RunCreated, Series, Tags, encode  # autotrack's alone
    from autotrack.journal.format import record  # the same
    from autotrack.journal.process import this_process  # the same

    # One of this machine that has ended, as far as anybody can tell: nobody waits for more of it. Each run is listed
    # as by a program of its own.
    process = replace(this_process(), start=1)
    opened = directory / "opened"
    opened.mkdir(parents=True, exist_ok=True)
    for one in runs(RUNS):
        list_of = opened / f"r0-1-{one.number:08x}"
        list_of.write_bytes(encode(Joined(process), one.start) + f"{one.run_id}\n".encode())
        place = directory / "runs" / one.run_id
        place.mkdir(parents=True)
        lines = [
            encode(RunCreated(experiment, "many", f"run {one.number}", process=process), one.start),
            encode(Params(one.params), one.start), encode(Tags(one.tags), one.start),
            *(encode(Series(k + 1, f"m{k}", None, None, None), one.start) for k in range(len(one.metrics))),
            encode(Ended(one.status), one.end),
        ]  # fmt: skip
        points = [record(k + 1, 0, 10, one.end, value) for k, value in enumerate(one.metrics.values())]
        for name, data in (("events-r0-1-00000001.jsonl", lines), ("metrics-r0-1-00000001.bin", points)):
            (place / name).write_bytes(b"".join(data))
            os.utime(place / name, (one.end / 1000, one.end / 1000))


def _fill_mlflow(file: str, experiment: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        for one in runs(RUNS):
            mark = one.run_id
            row = (mark, f"run {one.number}", one.status, one.start, one.end, "active", experiment, "", "ada", "LOCAL")
            connection.execute(
                "INSERT INTO runs (run_uuid, name, status, start_time, end_time, lifecycle_stage, experiment_id,"
                " artifact_uri, user_id, source_type) VALUES (?,?,?,?,?,?,?,?,?,?)", row,
            )  # fmt: skip
            for table in ("params", "tags"):
                pairs = [(key, value, mark) for key, value in getattr(one, table).items()]
                connection.executemany(f"INSERT INTO {table} (key, value, run_uuid) VALUES (?,?,?)", pairs)
            last = [(key, value, one.end, 10, False, mark) for key, value in one.metrics.items()]
            connection.executemany(
                "INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid) VALUES (?,?,?,?,?,?)", last
            )
