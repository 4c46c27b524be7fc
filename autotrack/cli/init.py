"""``autotrack init``: a new experiment, by a template."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autotrack.analysis.reports.plan import plan
from autotrack.cli.console import open_console, plain
from autotrack.cli.options import Mode, Store
from autotrack.cli.runs import column
from autotrack.client import Client
from autotrack.direction import direction
from autotrack.exceptions import AutotrackException


def init(
    name: Annotated[str, typer.Argument(help="The experiment's name; by default the template's.")] = "",
    template: Annotated[
        str | None,
        typer.Option(help="A directory with an experiment.toml, such a file, or its name in autotrack-templates/."),
    ] = None,
    question: Annotated[str, typer.Option(help="What the experiment is to answer.")] = "",
    metric: Annotated[str, typer.Option("--metric", "-m", help="The metric that counts.")] = "",
    mode: Mode = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where the experiment is described, for version control.")
    ] = Path("autotrack-experiment.toml"),
    store: Store = None,
) -> None:
    """Make a new experiment: its question, metric, columns, tags and report, as a template has them.

    Programs record to it by autotrack.set_experiment(NAME) or AUTOTRACK_EXPERIMENT=NAME.
    """
    made = plan(template, {"name": name, "question": question, "metric": metric, "mode": mode})
    for one in made.columns:
        column(one)
    if made.metric and not made.mode and not direction(made.metric):
        raise AutotrackException.invalid(
            f"whether more or less of {made.metric!r} is better is not known; say --mode min or --mode max"
        )
    if output.exists():
        raise AutotrackException.invalid(f"{output} is there already; give another file with --output")
    client = Client(store)
    client.create_experiment(made.name, tags=made.as_tags())
    output.write_text(made.as_toml(), encoding="utf-8")
    console = open_console()
    console.print(plain(f"experiment {made.name} ({client.tracking_uri}), described in {output}"))
    console.print(plain(f"record to it with  autotrack.set_experiment({made.name!r})", "dim"))
