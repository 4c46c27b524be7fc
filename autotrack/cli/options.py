"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Where = Annotated[str, typer.Option(help='Only these, such as "best(val/loss) < 0.3 AND params.lr < 0.01".')]
Experiments = Annotated[
    list[str] | None, typer.Option("--experiment", "-e", help="Name or id; may be repeated. All by default.")
]
Store = Annotated[str | None, typer.Option(help="Another store than that of this project.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
Mode = Annotated[
    str | None, typer.Option(help='"min" or "max": which values are better, where the metric\'s name does not say.')
]
