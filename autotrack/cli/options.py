"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

RunId = Annotated[str, typer.Argument(help="The run's id, or as much of its beginning as no other has.")]
RunIds = Annotated[list[str], typer.Argument(help="Ids of runs, or as much of each as no other run has.")]
Where = Annotated[str, typer.Option(help='Only these, such as "best(val/loss) < 0.3 AND params.lr < 0.01".')]
Experiments = Annotated[
    list[str] | None, typer.Option("--experiment", "-e", help="Name or id; may be repeated. All by default.")
]
Metrics = Annotated[list[str] | None, typer.Option("--metric", "-m", help="Only this metric; may be repeated.")]
Mode = Annotated[
    str | None, typer.Option(help='"min" or "max": which values are better, where the metric\'s name does not say.')
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")]
Store = Annotated[str | None, typer.Option(help="Another store, or a server, than that of this project.")]
AsJson = Annotated[bool, typer.Option("--json", help="All facts, for programs.")]
