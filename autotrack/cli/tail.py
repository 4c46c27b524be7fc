"""``autotrack tail``: what a run logs, while it logs."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from autotrack.analysis import telling
from autotrack.cli import find, text
from autotrack.cli.options import AsJson, Metrics, Store
from autotrack.client import Client
from autotrack.entities import Run

_PAUSE = 0.5
"""Seconds between two looks."""


def tail(
    run: Annotated[str | None, typer.Argument(help="A run's id; the newest run by default.")] = None,
    metric: Metrics = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Follow a run: the newest value of each metric twice a second, until it ends. Ctrl-C leaves the run alone.

    With --json each look that finds something is a line.
    """
    client = Client(store)
    found = find.run(client, run) if run else find.newest(client)
    if not as_json:
        print(f"{found.info.run_id[: find.SHORT]} {text.clean(found.info.run_name or '')}  {found.info.status.lower()}")
    try:
        for seen in looks(client, found, metric):
            print(text.as_json(seen, indent=None) if as_json else line(seen), flush=True)
    except KeyboardInterrupt:
        sys.exit(130)


def looks(client: Client, run: Run, keys: list[str] | None) -> Iterator[dict[str, Any]]:
    """What is new at each look: ``run_id``, ``step``, ``timestamp`` (ms) and ``metrics``; at last how the run ended:
    ``run_id``, ``status`` and ``duration`` (ms)."""
    seen: dict[str, tuple[float, int, float]] = {}
    while True:
        run = client.get_run(run.info.run_id)
        ended = run.info.status != "RUNNING"
        fresh: dict[tuple[int, float], dict[str, float]] = {}
        for point in client.get_last_metrics(run.info.run_id):
            mark = (point.step, point.timestamp, point.value)
            if (keys is None or point.key in keys) and repr(seen.get(point.key)) != repr(mark):
                seen[point.key] = mark
                fresh.setdefault((point.timestamp, point.step), {})[point.key] = point.value
        for (when, step), values in sorted(fresh.items()):
            yield {"run_id": run.info.run_id, "step": step, "timestamp": when, "metrics": values}
        if ended:
            end = run.info.end_time
            took = None if end is None else end - run.info.start_time
            yield {"run_id": run.info.run_id, "status": run.info.status, "duration": took}
            return
        time.sleep(_PAUSE)


def line(seen: dict[str, Any]) -> str:
    """The same for a reader."""
    if "status" in seen:
        took = "" if seen["duration"] is None else f" after {text.duration(seen['duration'])}"
        return f"{seen['status'].lower()}{took}"
    values = seen["metrics"]
    told = "  ".join(f"{text.clean(key)} {text.number(values[key])}" for key in telling.metrics_in_order(values))
    return f"{time.strftime('%H:%M:%S', time.localtime(seen['timestamp'] / 1000))}  step {seen['step']:g}  {told}"
