"""``autotrack runs``: a table of what was trained."""

from __future__ import annotations

import re
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
from autotrack.store.search.parse import parse_field
from autotrack.store.search.tree import Field, Kind, Reading, Unit
from autotrack.store.search.vocabulary import RUNS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.console import Console
    from rich.table import Table

    from autotrack.entities import Run

METRICS = 3
"""Columns of metrics that most of the runs share."""
_FEW = 2
_LONG = 40
_BETWEEN_COMMAS = re.compile(r"(?:`[^`]*`|[^,`])+")
_ENTRIES = {"metrics": Kind.METRIC, "params": Kind.PARAM, "tags": Kind.TAG}


def runs(
    where: Where = "",
    sort: Annotated[
        list[str] | None, typer.Option(help='Order, such as "metrics.val_loss ASC"; may be repeated.')
    ] = None,
    experiment: Experiments = None,
    limit: Limit = 20,
    columns: Annotated[
        str, typer.Option(help='Instead of the most telling ones, such as "best(loss),params.lr,duration".')
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
    wanted = {name.strip(): column(name) for name in _BETWEEN_COMMAS.findall(columns or preset) if name.strip()}
    order = sort or ["attributes.start_time DESC"]
    found = list(every_run(client, among, where, order, limit + 1))
    more = len(found) > limit
    found = found[:limit]
    names = {key: item.name for key, item in among.items()}
    values = _values_of(client, list(among), found, wanted, where, order)
    if as_json:
        rows = [facts(run, names) for run in found]
        if columns:
            rows = [{**row, "columns": {name: of[n] for name, of in values.items()}} for n, row in enumerate(rows)]
        print(text.as_json({"store": client.tracking_uri, "runs": rows}))
        return
    console = open_console()
    if not found:
        told = "no run fits" if where or experiment else "no run yet; `autotrack run train.py` records one"
        console.print(f"{told} ({client.tracking_uri})")
        return
    shown = [_column(name, wanted[name], of) for name, of in values.items()]
    console.print(table(console, found, names, shown))
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


def column(name: str) -> Field:
    """What a column shows; raises for what names no column."""
    kind, dot, key = name.strip().partition(".")
    if dot and key and kind in _ENTRIES:
        return Field(_ENTRIES[kind], key.strip("`\"'"), numeric=kind == "metrics")
    try:
        return parse_field(name.strip(), RUNS)
    except AutotrackException as error:
        raise AutotrackException.invalid(
            f"{name.strip()!r} is no column; name metrics.KEY, params.KEY or tags.KEY, or what filters know, such as "
            f"best(KEY) and duration: {error.message}"
        ) from None


def _values_of(
    client: Client, ids: list[str], found: Sequence[Run], wanted: Mapping[str, Field], where: str, order: list[str]
) -> dict[str, list[Any]]:
    """The values of the columns by their names; what runs do not come with is asked for."""
    own = {
        name: [getattr(run.data, field.kind.value).get(field.key) for run in found]
        for name, field in wanted.items()
        if field.kind.value in _ENTRIES and field.reading is Reading.LAST
    }
    others = [name for name in wanted if name not in own]
    if others and found:
        page = client.run_columns(ids, others, where, order, len(found))
        places = {run_id: place for place, run_id in enumerate(page.run_ids)}
        for name in others:
            of = [places.get(run.info.run_id) for run in found]
            own[name] = [None if place is None else page.values[name][place] for place in of]
    return {name: own.get(name, []) for name in wanted}


def _column(name: str, field: Field, values: Sequence[Any]) -> Column:
    if field.kind is Kind.METRIC:
        return _metric(name if field.reading is not Reading.LAST else field.key, field.key, values)
    title = name if field.kind is Kind.ATTRIBUTE else field.key
    write = _WRITTEN[field.unit] if field.unit is not None else _told
    return Column(title, [plain("" if value is None else write(value)) for value in values], least=8)


_WRITTEN: dict[Unit, Callable[[Any], str]] = {
    Unit.MOMENT: text.moment,
    Unit.SECONDS: lambda seconds: text.duration(seconds * 1000),
}


def _told(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def table(
    console: Console,
    found: Sequence[Run],
    experiments: Mapping[str, str],
    wanted: Sequence[Column] = (),
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
        return fit(console, [*columns, *wanted])
    shared = telling.shared_metrics([run.data.metrics for run in found], METRICS)
    for place, key in enumerate(shared):
        values = [run.data.metrics.get(key) for run in found]
        columns.append(_metric(key, key, values, worth=0 if place == 0 else 7 - 2 * place))
    own = [plain(_own_metrics(run, shared)) for run in found]
    if any(own):
        columns.append(Column("metrics", own, least=24, worth=9))
    differing = telling.differing_params([run.data.params for run in found])
    if differing:
        parts = [plain(_parts(run.data.params, differing)) for run in found]
        columns.append(Column("differs in", parts, least=16, worth=8))
    return fit(console, columns)


def _metric(title: str, key: str, values: Sequence[float | None], worth: int = 0) -> Column:
    top = best(key, [value for value in values if value is not None]) if len(values) > 1 else None
    cells = [
        plain("" if value is None else text.number(value), "bold green" if value == top else "") for value in values
    ]
    return Column(title, cells, right=True, worth=worth)


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
