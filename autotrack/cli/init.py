"""``autotrack init``: a new experiment, by a template."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from autotrack.analysis.reports import templates
from autotrack.analysis.reports.plan import FILE, Plan, plan
from autotrack.cli.console import open_console, plain
from autotrack.cli.options import Mode, Store
from autotrack.cli.runs import column
from autotrack.cli.table import Column, fit
from autotrack.client import Client
from autotrack.direction import direction
from autotrack.exceptions import AutotrackException


def init(
    name: Annotated[
        str, typer.Argument(help="The experiment's name; by default the template's, or the directory's.")
    ] = "",
    template: Annotated[
        str | None,
        typer.Option(help="The name of one (--list), a directory with an experiment.toml, or such a file."),
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Say which templates there are, and make nothing.")] = False,
    question: Annotated[str, typer.Option(help="What the experiment is to answer.")] = "",
    metric: Annotated[str, typer.Option("--metric", "-m", help="The metric that counts.")] = "",
    mode: Mode = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where the experiment is described, for version control.")
    ] = Path("autotrack-experiment.toml"),
    store: Store = None,
) -> None:
    """Make a new experiment: its question, metric, columns, tags and report, as a template has them.

    "training" and "ablation" are there from the start; a project's own lie in autotrack-templates/. Programs record
    to the experiment by autotrack.set_experiment(NAME) or AUTOTRACK_EXPERIMENT=NAME.
    """
    console = open_console()
    if listed:
        console.print(fit(console, _templates()))
        return
    if output.exists():
        raise AutotrackException.invalid(f"{output} is there already; give another file with --output")
    made = plan(
        template, {"name": name, "question": question, "metric": metric, "mode": mode}, Path.cwd().resolve().name
    )
    for one in made.columns:
        column(one)
    if made.metric and not made.mode and not direction(made.metric):
        raise AutotrackException.invalid(
            f"whether more or less of {made.metric!r} is better is not known; say --mode min or --mode max"
        )
    client = Client(store)
    if client.get_experiment_by_name(made.name) is not None:
        raise AutotrackException.invalid(
            f"there is an experiment {made.name!r} already; give this one another name: autotrack init NAME"
        )
    client.create_experiment(made.name, tags=made.as_tags())
    output.write_text(made.as_toml(), encoding="utf-8")
    console.print(plain(f"experiment {made.name} ({client.tracking_uri}), described in {output}"))
    console.print(plain(f"record to it with  autotrack.set_experiment({made.name!r})", "dim"))
    console.print(plain(f"and have it as a page with  autotrack report {shlex.quote(made.name)}", "dim"))


def _templates() -> list[Column]:
    found = templates.listed()
    about = [Plan.read(file) if (file := place / FILE).is_file() else Plan() for place in found.values()]
    own = [place.parent == templates.OWN for place in found.values()]
    return [
        Column("template", [plain(name) for name in found]),
        Column("asks", [plain(one.question, "dim") for one in about], least=20),
        Column("metric", [plain(one.metric) for one in about], worth=2),
        Column(
            "of",
            [
                plain("autotrack" if one else str(place.parent), "dim")
                for one, place in zip(own, found.values(), strict=True)
            ],
            least=9,
            worth=1,
        ),
    ]
