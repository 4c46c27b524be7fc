"""``autotrack history``: the curve of a metric over several runs."""

from __future__ import annotations

import csv
import sys
from typing import Annotated

import typer

from autotrack.analysis.curves import metric_history
from autotrack.cli import find, text
from autotrack.cli.console import open_console, paint
from autotrack.cli.curve import Curve
from autotrack.cli.options import AsJson, Metrics, RunIds, Store
from autotrack.client import Client
from autotrack.exceptions import AutotrackException


def history(
    runs: RunIds,
    metric: Metrics = None,
    plot: Annotated[bool, typer.Option("--plot", help="Draw the curves, each metric with all runs in one.")] = False,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Print every point of metrics as CSV, or draw them."""
    client = Client(store)
    found = [find.run(client, given) for given in runs]
    for key in metric or ():
        if not any(key in run.data.metrics for run in found):
            there = ", ".join(sorted({name for run in found for name in run.data.metrics})) or "none"
            raise AutotrackException.missing(f"none of these runs has a metric {key!r}; they have: {there}")
    rows = metric_history(client, found, metric or None, "list")
    if as_json:
        print(text.as_json(rows))
    elif plot:
        console = open_console()
        for key in dict.fromkeys(row["metric"] for row in rows):
            console.print(text.clean(key))
            curves = [
                Curve(
                    f"{run.info.run_id[: find.SHORT]} {text.clean(run.info.run_name or '')}",
                    [
                        (float(row["step"]), float(row["value"]))
                        for row in rows
                        if row["metric"] == key and row["run_id"] == run.info.run_id
                    ],
                )
                for run in found
            ]
            console.print(paint(console, [one for one in curves if one.points]))
    else:
        names = ["run_id", "run_name", "metric", "step", "timestamp", "value"]
        writer = csv.DictWriter(sys.stdout, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
