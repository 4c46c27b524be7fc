"""The commands below ``autotrack models``, put together."""

from __future__ import annotations

import typer

from autotrack.cli.models.compare import compare
from autotrack.cli.models.history import history
from autotrack.cli.models.lineage import lineage
from autotrack.cli.models.list import list_models
from autotrack.cli.models.predict import predict
from autotrack.cli.models.promote import approve, promote, rollback
from autotrack.cli.models.resolve import resolve
from autotrack.cli.models.serve import serve
from autotrack.cli.models.show import show
from autotrack.cli.models.verify import verify

models = typer.Typer(
    name="models",
    help="The registry: which model is live, where it came from, who promoted it and why.",
    no_args_is_help=True,
)

models.command("list")(list_models)
models.command()(show)
models.command()(promote)
models.command()(approve)
models.command()(rollback)
models.command()(history)
models.command()(resolve)
models.command()(verify)
models.command()(compare)
models.command()(lineage)
models.command()(predict)
models.command()(serve)
