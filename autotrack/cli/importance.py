"""``autotrack importance``: which hyperparameters mattered."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from autotrack.analysis.question import importance_of
from autotrack.cli import text
from autotrack.cli.console import open_console, plain
from autotrack.cli.options import AsJson, Experiments, Store, Where
from autotrack.cli.table import Column, fit
from autotrack.client import Client

_BAR = 16
_EXPLAINS = 0.2
"""R² below which nothing that follows is worth much."""


def importance(
    metric: Annotated[str, typer.Option("--metric", "-m", help="A metric, or a reading such as best(val/loss).")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="So many parameters, the first first.")] = 15,
    where: Where = "",
    experiment: Experiments = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Tell which hyperparameters mattered for a metric, with how much certainty, over how many runs."""
    found = importance_of(Client(store), metric, experiment, where)
    if as_json:
        print(text.as_json(asdict(found)))
        return
    console = open_console()
    weights = found.weights[:count]
    widest = max((weight.permutation for weight in weights), default=0.0) or 1.0
    bars = ["█" * round(_BAR * weight.permutation / widest) for weight in weights]
    if console.options.ascii_only:
        bars = [bar.replace("█", "#") for bar in bars]
    columns = [
        Column("parameter", [plain(weight.parameter, "bold") for weight in weights], least=16),
        Column(
            "importance", [plain(f"{one.permutation:.2f} ± {one.permutation_std:.2f}") for one in weights], right=True
        ),
        Column("", [plain(bar, "cyan") for bar in bars], worth=3),
        Column("alone", [plain(f"{one.share:.0%} ± {one.share_std:.0%}") for one in weights], right=True, worth=2),
        Column(
            "correlation",
            [plain("" if one.correlation is None else f"{one.correlation:+.2f}") for one in weights],
            right=True,
            worth=1,
        ),
        Column("runs", [plain(str(one.runs)) for one in weights], right=True, worth=1),
    ]
    console.print(fit(console, columns))
    first = next(iter(found.pairs), None)
    if first is not None and first[2] >= 0.05:
        console.print(plain(f"together: {first[0]} and {first[1]} {first[2]:.0%} beyond each alone"))
    told = f"{found.runs} runs; the parameters explain {max(found.score, 0):.0%} of {found.metric} in runs not seen"
    console.print(plain(told, "dim"))
    if found.score < _EXPLAINS:
        console.print(plain("that is little: more runs are needed, or something else matters", "yellow"))
