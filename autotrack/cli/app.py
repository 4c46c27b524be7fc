"""The commands, put together."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

import autotrack
from autotrack.cli.best import best
from autotrack.cli.compare import compare
from autotrack.cli.console import fail
from autotrack.cli.delete import delete, restore
from autotrack.cli.diff import diff
from autotrack.cli.doctor import doctor
from autotrack.cli.export import export
from autotrack.cli.gc import gc
from autotrack.cli.history import history
from autotrack.cli.import_ import import_records
from autotrack.cli.importance import importance
from autotrack.cli.init import init
from autotrack.cli.models.app import models
from autotrack.cli.reindex import reindex
from autotrack.cli.report import report
from autotrack.cli.reproduce import reproduce
from autotrack.cli.run import start
from autotrack.cli.runs import runs
from autotrack.cli.scrub import scrub
from autotrack.cli.serve import server, ui
from autotrack.cli.show import show
from autotrack.cli.sync import sync_runs
from autotrack.cli.tail import tail
from autotrack.exceptions import AutotrackException

app = typer.Typer(
    name="autotrack",
    help="Records every model that is trained, without a change to the code, and shows what was recorded.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    options_metavar="[PYTHON OPTIONS]",
)
def run(
    program: Annotated[
        list[str], typer.Argument(metavar="PROGRAM", help="A script, or -m and a module; then its own arguments.")
    ],
) -> None:
    """Run a program as python would, and record what it trains.

    Also what its child processes train. Its output, exit code and behaviour stay as they are.
    """
    raise typer.Exit(start(program))


app.command()(runs)
app.command()(show)
app.command()(tail)
app.command()(best)
app.command()(compare)
app.command()(diff)
app.command()(importance)
app.command()(history)
app.command()(report)
app.command()(init)
app.command()(export)
app.command("import")(import_records)
app.command("sync")(sync_runs)
app.command()(doctor)
app.command()(reproduce)
app.command()(scrub)
app.command()(delete)
app.command()(restore)
app.command()(gc)
app.command()(reindex)
app.command()(server)
app.command()(ui)
app.add_typer(models)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    if version:
        print(f"autotrack {autotrack.__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line; what cannot be carried out ends with exit code 2 and one line on stderr."""
    try:
        app()
    except AutotrackException as error:
        fail(error.message)
    except BrokenPipeError:
        # The reader has seen enough, as in `autotrack runs | head`; nothing more may be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        fail(f"{error.filename or 'the store'} cannot be read: {error.strerror or error}")
