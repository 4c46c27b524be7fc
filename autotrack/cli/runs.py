"""``autotrack runs``: a table of what was trained."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from autotrack.analysis import telling
from autotrack.analysis.finding import every_run, experiments_named
from autotrack.analysis.reports.plan import COLUMNS
from autotrack.cli import find, text
from autotrack.cli.console import STATUS, open_console, plain
from autotrack.cli.options import AsJson, Experiments, Limit, Store, Where
from autotrack.cli.table import Column, fit
from autotrack.client import Client
from autotrack.direction import best
from autotrack.exceptions import AutotrackException

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console
    from rich.table import Table

    from autotrack.entities import Run

METRICS = 3
"""Columns of metrics that most of the runs share."""
_FEW = 2
_LONG = 40


def runs(
    where: Where = "",
    sort: Annotated[
        list[str] | None, typer.Option(help='Order, such as "metrics.val_loss ASC"; may be repeated.')
    ] = None,
    experiment: Experiments = None,
    limit: Limit = 20,
    columns: Annotated[
        str, typer.Option(help='Instead of the most telling ones, such as "metrics.loss,params.lr".')
    ] = "",
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """List runs, newest first.

    Shown are the metrics that most of them share and the parameters in which they differ.
    """
    client = Client(store)
    among = experiments_named(client, experiment)
    preset = next(iter(among.values())).tags.get(COLUMNS, "") if experiment and len(among) == 1 else ""
    wanted = [column(name) for name in (columns or preset).split(",") if name.strip()]
    found = list(every_run(client, among, where, sort or ["attributes.start_time DESC"], limit + 1))
    more = len(found) > limit
    found = found[:limit]
    names = {key: item.name for key, item in among.items()}
    if as_json:
        print(text.as_json({"store": client.tracking_uri, "runs": [facts(run, names) for run in found]}))
        return
    console = open_console()
    if not found:
        told = "no run fits" if where or experiment else "no run yet; `autotrack run train.py` records one"
        console.print(f"{told} ({client.tracking_uri})")
        return
    console.print(table(console, found, names, wanted))
    if more:
        console.print(plain(f"more are left out; --limit {limit * 5} shows them", "dim"))


def facts(run: Run, experiments: Mapping[str, str]) -> dict[str, Any]:
    """A run as ``--json`` prints it."""
    info = run.info
    return {
        "run_id": info.run_id,
        "name": info.run_name,
        "experiment": experiments.get(info.experiment_id),
        "experiment_id": info.experiment_id,
        "status": info.status,
        "lifecycle_stage": info.lifecycle_stage,
        "start_time": info.start_time,
        "end_time": info.end_time,
        "user": info.user_id,
        "artifact_uri": info.artifact_uri,
        "error": info.error,
        "metrics": run.data.metrics,
        "params": run.data.params,
        "tags": run.data.tags,
    }


def column(name: str) -> tuple[str, str]:
    """``("metrics", key)`` of a column's name; raises for what names no column."""
    kind, dot, key = name.strip().partition(".")
    if not dot or kind not in ("metrics", "params", "tags") or not key:
        raise AutotrackException.invalid(f"{name.strip()!r} is no column; name metrics.KEY, params.KEY or tags.KEY")
    return kind, key.strip("`\"'")


def table(
    console: Console,
    found: Sequence[Run],
    experiments: Mapping[str, str],
    wanted: Sequence[tuple[str, str]] = (),
) -> Table:
    """The runs as a table that fits the console."""
    infos = [run.info for run in found]
    columns = [
        Column("run", [plain(info.run_id[: find.SHORT], "bold cyan") for info in infos]),
        Column("name", [plain(info.run_name or "") for info in infos], least=20),
        Column("status", [plain(info.status.lower(), STATUS.get(info.status, "")) for info in infos]),
        Column("started", [plain(text.ago(info.start_time)) for info in infos], worth=6),
        Column("took", [plain(_took(run)) for run in found], right=True, worth=4),
    ]
    if len({info.experiment_id for info in infos}) > 1:
        names = [plain(experiments.get(info.experiment_id, info.experiment_id)) for info in infos]
        columns.insert(2, Column("experiment", names, least=10))
    if wanted:
        columns += [_values(found, kind, key) for kind, key in wanted]
        return fit(console, columns)
    shared = telling.shared_metrics([run.data.metrics for run in found], METRICS)
    for place, key in enumerate(shared):
        columns.append(_values(found, "metrics", key, worth=0 if place == 0 else 7 - 2 * place))
    own = [plain(_own_metrics(run, shared)) for run in found]
    if any(own):
        columns.append(Column("metrics", own, least=24, worth=9))
    differing = telling.differing_params([run.data.params for run in found])
    if differing:
        parts = [plain(_parts(run.data.params, differing)) for run in found]
        columns.append(Column("differs in", parts, least=16, worth=8))
    return fit(console, columns)


def _values(found: Sequence[Run], kind: str, key: str, worth: int = 0) -> Column:
    values = [getattr(run.data, kind).get(key) for run in found]
    if kind != "metrics":
        return Column(key, [plain("" if value is None else value) for value in values], least=8, worth=worth)
    top = best(key, [value for value in values if value is not None]) if len(found) > 1 else None
    cells = [
        plain("" if value is None else text.number(value), "bold green" if value == top else "") for value in values
    ]
    return Column(key, cells, right=True, worth=worth)


def _took(run: Run) -> str:
    end = run.info.end_time or (time.time() * 1000 if run.info.status == "RUNNING" else None)
    return text.duration(end - run.info.start_time) if end else "?"


def _own_metrics(run: Run, shared: Sequence[str]) -> str:
    """What tells most of a run that lacks the metrics of the others."""
    if shared and any(key in run.data.metrics for key in shared):
        return ""
    keys = telling.metrics_in_order(run.data.metrics)[:_FEW]
    return "  ".join(f"{key} {text.number(run.data.metrics[key])}" for key in keys)


def _parts(params: Mapping[str, str], keys: Sequence[str]) -> str:
    told = [key for key in keys if params.get(key, "None") != "None" and len(params[key]) < _LONG]
    return "  ".join(f"{key}={params[key]}" for key in told)
