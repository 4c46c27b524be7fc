"""``autotrack report``: what an experiment has found, as one page."""

from __future__ import annotations

import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

import autotrack
from autotrack.analysis.reports import templates
from autotrack.analysis.reports.facts import Wanted, facts
from autotrack.cli import text
from autotrack.cli.console import open_console, plain
from autotrack.cli.options import AsJson, Mode, Store, Where
from autotrack.client import Client
from autotrack.exceptions import AutotrackException


def report(
    experiment: Annotated[str, typer.Argument(help="Name or id.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file, - for standard output; by default its name.")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Markdown instead of HTML.")] = False,
    metric: Annotated[
        str | None, typer.Option("--metric", "-m", help="The metric that counts; by default the experiment's own.")
    ] = None,
    mode: Mode = None,
    where: Where = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Runs in the table.")] = 30,
    template: Annotated[
        str | None, typer.Option(help="A template of yours: a file, a directory, or its name in autotrack-templates/.")
    ] = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Write a report of an experiment: its question, runs, curves, what mattered, and how to have the best run again.

    The page is one file that asks nothing of any host.
    """
    found = facts(Client(store), Wanted(experiment, metric, mode, where, limit))
    if as_json:
        print(text.as_json(asdict(found)))
        return
    kind = templates.MARKDOWN if markdown else templates.HTML
    file = templates.chosen(kind, template, found.template)
    page = templates.rendered(file, found, {"version": autotrack.__version__})
    if output == Path("-"):
        sys.stdout.buffer.write(page.encode())
        return
    target = output or Path(f"{_named(found.experiment)}-report{'.md' if markdown else '.html'}")
    try:
        target.write_text(page, encoding="utf-8")
    except OSError as error:
        raise AutotrackException.invalid(f"{target} cannot be written: {error.strerror or error}") from error
    open_console().print(plain(str(target)))


def _named(experiment: str) -> str:
    """A file name that any system takes."""
    return re.sub(r"[^\w.-]+", "-", experiment).strip("-.")[:60] or "experiment"
