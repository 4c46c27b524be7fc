"""``autotrack tail``: what a run logs, while it logs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Annotated

import typer

from autotrack.analysis import telling
from autotrack.cli import find, text
from autotrack.cli.options import Metrics, Store
from autotrack.client import Client
from autotrack.entities import Metric, Run

_PAUSE = 0.5
"""Seconds between two looks."""


def tail(
    run: Annotated[str | None, typer.Argument(help="A run's id; the newest run by default.")] = None,
    metric: Metrics = None,
    store: Store = None,
) -> None:
    """Follow a run: the newest value of each metric twice a second, until it ends. Ctrl-C leaves the run alone."""
    client = Client(store)
    found = find.run(client, run) if run else find.newest(client)
    print(f"{found.info.run_id[: find.SHORT]} {text.clean(found.info.run_name or '')}  {found.info.status.lower()}")
    try:
        for line in lines(client, found, metric):
            print(line, flush=True)
    except KeyboardInterrupt:
        sys.exit(130)


def lines(client: Client, run: Run, keys: list[str] | None) -> Iterator[str]:
    """What is new at each look, and at last how the run ended."""
    seen: dict[str, tuple[float, int, float]] = {}
    while True:
        run = client.get_run(run.info.run_id)
        ended = run.info.status != "RUNNING"
        fresh: dict[tuple[int, float], list[Metric]] = {}
        for point in client.store.last_metrics(run.info.run_id):
            mark = (point.step, point.timestamp, point.value)
            if (keys is None or point.key in keys) and repr(seen.get(point.key)) != repr(mark):
                seen[point.key] = mark
                fresh.setdefault((point.timestamp, point.step), []).append(point)
        for (when, step), points in sorted(fresh.items()):
            values = {point.key: point.value for point in points}
            told = "  ".join(
                f"{text.clean(key)} {text.number(values[key])}" for key in telling.metrics_in_order(values)
            )
            yield f"{time.strftime('%H:%M:%S', time.localtime(when / 1000))}  step {step:g}  {told}"
        if ended:
            took = (
                "" if run.info.end_time is None else f" after {text.duration(run.info.end_time - run.info.start_time)}"
            )
            yield f"{run.info.status.lower()}{took}"
            return
        time.sleep(_PAUSE)
