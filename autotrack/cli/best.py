"""``autotrack best``: the best runs by a metric, also as a gate in a pipeline."""

from __future__ import annotations

from typing import Annotated

import typer

from autotrack.analysis.best import best_runs
from autotrack.analysis.finding import experiments
from autotrack.cli import find, runs, text
from autotrack.cli.console import open_console, plain
from autotrack.cli.options import AsJson, Experiments, Mode, Store, Where
from autotrack.client import Client
from autotrack.exceptions import AutotrackException


def best(
    metric: Annotated[str, typer.Option("--metric", "-m", help="The metric that counts.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="So many, the best first.")] = 1,
    least: Annotated[float | None, typer.Option("--min", help="Exit with 1 if the best value is below.")] = None,
    most: Annotated[float | None, typer.Option("--max", help="Exit with 1 if the best value is above.")] = None,
    last: Annotated[
        bool, typer.Option("--last", help="By the last value of each run, not the best it reached.")
    ] = False,
    mode: Mode = None,
    where: Where = "",
    experiment: Experiments = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Find the best runs by a metric.

    With --min or --max the exit code is 1 when even the best run does not reach it, and 2 when there is none.
    """
    client = Client(store)
    found = best_runs(client, metric, experiment, where, mode, last, count)
    if not found:
        fitting = "that fits " if where else ""
        raise AutotrackException.missing(
            f"no run {fitting}has a value of the metric {metric!r} ({client.tracking_uri})"
        )
    value = found[0].value
    reached = (least is None or value >= least) and (most is None or value <= most)
    names = {key: item.name for key, item in experiments(client).items()}
    if as_json:
        ranked = [{"value": one.value, **runs.facts(one.run, names)} for one in found]
        print(text.as_json({"metric": metric, "reached": reached, "runs": ranked}))
    else:
        console = open_console()
        console.print(runs.table(console, [one.run for one in found], names))
        for one in found:
            console.print(plain(f"{one.run.info.run_id[: find.SHORT]}  {metric} {text.number(one.value)}"))
        if not reached:
            bound = f"at least {least:g}" if least is not None and value < least else f"at most {most:g}"
            console.print(plain(f"{metric} is {text.number(value)} at best, and should be {bound}", "bold red"))
    if not reached:
        raise typer.Exit(1)
