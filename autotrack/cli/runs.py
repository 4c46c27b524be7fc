"""``autotrack runs``: a table of what was trained."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from autotrack.cli import find, telling, text
from autotrack.cli.console import STATUS, box, open_console, plain
from autotrack.client import Client
from autotrack.exceptions import AutotrackException

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from autotrack.entities import Run

METRICS = 3
"""Columns of metrics that most of the runs share."""
_FEW = 2


def runs(
    where: Annotated[
        str, typer.Option(help="Only these, such as \"metrics.val_loss < 0.3 AND params.model = 'svm'\".")
    ] = "",
    sort: Annotated[
        list[str] | None, typer.Option(help='Order, such as "metrics.val_loss ASC"; may be repeated.')
    ] = None,
    experiment: Annotated[
        list[str] | None, typer.Option("--experiment", "-e", help="Name or id; may be repeated.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")] = 20,
    columns: Annotated[
        str, typer.Option(help='Instead of the most telling ones, such as "metrics.loss,params.lr".')
    ] = "",
    store: Annotated[str | None, typer.Option(help="Another store than that of this project.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All facts of the runs, for programs.")] = False,
) -> None:
    """List runs, newest first.

    Shown are the metrics that most of them share and the parameters in which they differ.

    JSON: {"store", "runs": [{"run_id", "name", "experiment", "experiment_id", "status", "lifecycle_stage",
    "start_time", "end_time", "user", "artifact_uri", "error", "metrics", "params", "tags"}]}; times in ms.
    """
    wanted = [column(name) for name in columns.split(",") if name.strip()]
    client = Client(store)
    ids = find.experiments_named(client, experiment or [])
    found = search(client, ids, where, sort or ["attributes.start_time DESC"], limit + 1)
    more = len(found) > limit
    found = found[:limit]
    names = {key: item.name for key, item in find.experiments(client).items()}
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
        console.print(plain(f"older ones are left out; --limit {limit * 5} shows more", "dim"))


def search(client: Client, ids: Sequence[str], where: str, order: list[str], limit: int) -> list[Run]:
    """The first ``limit`` runs that fit, over as many pages as that takes."""
    found: list[Run] = []
    token: str | None = None
    while ids and len(found) < limit:
        page = client.search_runs(
            list(ids), where, max_results=min(1000, limit - len(found)), order_by=order, page_token=token
        )
        found += page
        token = page.token
        if not token:
            break
    return found


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
    shown = Table(box=box(console), pad_edge=False, header_style="bold")
    shown.add_column("run", no_wrap=True, style="bold cyan")
    shown.add_column("name", no_wrap=True, overflow="ellipsis", min_width=8)
    several = len({run.info.experiment_id for run in found}) > 1
    if several:
        shown.add_column("experiment", no_wrap=True, overflow="ellipsis")
    shown.add_column("status", no_wrap=True)
    shown.add_column("started", no_wrap=True)
    shown.add_column("took", no_wrap=True, justify="right")
    metrics: list[str] = []
    differing: list[str] = []
    if not wanted:
        metrics = telling.shared_metrics([run.data.metrics for run in found], METRICS)
        differing = telling.differing_params([run.data.params for run in found])
        wanted = [("metrics", key) for key in metrics]
    for kind, key in wanted:
        shown.add_column(
            plain(key), no_wrap=True, overflow="ellipsis", justify="right" if kind == "metrics" else "left"
        )
    own = [_own_metrics(run, metrics) for run in found] if metrics != [] or not wanted else []
    if any(own):
        shown.add_column("metrics", no_wrap=True, overflow="ellipsis", ratio=3)
    if differing:
        shown.add_column("differs in", no_wrap=True, overflow="ellipsis", ratio=2)
    bests = {key: _best_of(found, key) for kind, key in wanted if kind == "metrics"}
    for index, run in enumerate(found):
        info = run.info
        cells = [plain(info.run_id[: find.SHORT]), plain(info.run_name or "")]
        if several:
            cells.append(plain(experiments.get(info.experiment_id, info.experiment_id)))
        ended = info.end_time or (time.time() * 1000 if info.status == "RUNNING" else None)
        cells += [
            plain(info.status.lower(), STATUS.get(info.status, "")),
            plain(text.ago(info.start_time)),
            plain(text.duration(ended - info.start_time) if ended else "?"),
        ]
        for kind, key in wanted:
            value = getattr(run.data, kind).get(key)
            if kind == "metrics" and value is not None:
                top = len(found) > 1 and bests[key] == value
                cells.append(plain(text.number(value), "bold green" if top else ""))
            else:
                cells.append(plain("" if value is None else str(value)))
        if any(own):
            cells.append(plain(own[index]))
        if differing:
            cells.append(plain(_parts(run.data.params, differing)))
        shown.add_row(*cells)
    return shown


def _best_of(found: Sequence[Run], key: str) -> float | None:
    return telling.best(key, [run.data.metrics[key] for run in found if key in run.data.metrics])


def _own_metrics(run: Run, shared: Sequence[str]) -> str:
    """What tells most of a run that lacks the metrics of the others."""
    if shared and any(key in run.data.metrics for key in shared):
        return ""
    keys = telling.metrics_in_order(run.data.metrics)[:_FEW]
    return "  ".join(f"{key} {text.number(run.data.metrics[key])}" for key in keys)


def _parts(params: Mapping[str, str], keys: Sequence[str]) -> str:
    return "  ".join(f"{key}={params[key]}" for key in keys if key in params)
