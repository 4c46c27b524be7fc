"""The commands below ``autotrack models``, put together."""

from __future__ import annotations

import typer

models = typer.Typer(
    name="models",
    help="The registry: which model is live, where it came from, who promoted it and why.",
    no_args_is_help=True,
)


@models.callback()
def _models() -> None:
    """Kept so that a single command below it still has its own name."""
