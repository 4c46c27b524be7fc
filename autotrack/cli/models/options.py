"""Arguments that several of these commands take."""

from __future__ import annotations

from typing import Annotated

import typer

Name = Annotated[str, typer.Argument(help="The registered model's name.")]
Version = Annotated[str, typer.Argument(help="The version's number, or an alias with @ in front.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept in the log.")]
