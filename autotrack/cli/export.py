"""``autotrack export``: what was recorded as a bundle, or as a table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from autotrack.analysis.finding import experiments, experiments_named
from autotrack.cli import find, options, text
from autotrack.cli.console import open_console, plain
from autotrack.client import Client
from autotrack.entities import ViewType
from autotrack.exceptions import AutotrackException
from autotrack.exchange import bundle, tables
from autotrack.exchange.recorded import Choice, Recorded
from autotrack.store.search.tokens import literal

_FEW = 5


def export(
    what: Annotated[
        list[str] | None,
        typer.Argument(help="Experiments, runs, and models:/NAME; everything by default.", metavar="[WHAT]..."),
    ] = None,
    to: Annotated[Path | None, typer.Option(help="A bundle: a new directory, or a new .zip or .tar file.")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="A table of the runs, as CSV.")] = None,
    jsonl: Annotated[Path | None, typer.Option("--jsonl", help="The same, one JSON object a line.")] = None,
    parquet: Annotated[Path | None, typer.Option("--parquet", help="The same, as Parquet.")] = None,
    history: Annotated[bool, typer.Option("--history", help="A table of all points instead of the runs.")] = False,
    metric: options.Metrics = None,
    where: options.Where = "",
    columns: Annotated[str, typer.Option(help='Of a table, such as "metrics.loss,params.lr"; all by default.')] = "",
    experiment: options.Experiments = None,
    deleted: Annotated[bool, typer.Option("--deleted", help="In a bundle, also what was marked as deleted.")] = False,
    store: options.Store = None,
    as_json: options.AsJson = False,
) -> None:
    """Write what was recorded to a bundle that `autotrack import` reads anywhere, or to a table.

    The same records give the same bytes.
    """
    targets = {form: place for form, place in (("csv", csv), ("jsonl", jsonl), ("parquet", parquet)) if place}
    if (to is None) == (not targets) or len(targets) > 1:
        raise AutotrackException.invalid("name one target: --to for a bundle, or --csv, --jsonl or --parquet")
    client = Client(store)
    if to is not None:
        if where or columns or history or metric:
            raise AutotrackException.invalid("a bundle holds whole runs; --where and --columns are for tables")
        _bundle(client, [*(what or ()), *(experiment or ())], to, deleted=deleted, as_json=as_json)
        return
    ((form, place),) = targets.items()
    _table(client, [*(what or ()), *(experiment or ())], where, form, place, columns, metric, history=history)


def _bundle(client: Client, what: list[str], to: Path, *, deleted: bool, as_json: bool) -> None:
    made = bundle.write(Recorded(client.tracking_uri, _choice(client, what, deleted=deleted)), to, _progress)
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
    if as_json:
        print(text.as_json({
            "bundle": str(to), "runs": made.runs, "experiments": made.experiments, "models": made.models,
            "files": made.files, "bytes": made.bytes, "unfinished": made.unfinished,
        }))  # fmt: skip
        return
    console = open_console()
    models = f", {made.models} registered models" if made.models else ""
    console.print(plain(f"{made.runs} runs of {made.experiments} experiments{models}, {text.size(made.bytes)}: {to}"))
    if made.unfinished:
        named = " ".join(one[: find.SHORT] for one in made.unfinished[:_FEW])
        console.print(
            plain(f"{len(made.unfinished)} had no end and are there as far as they had come: {named}", "yellow")
        )


def _progress(made: bundle.Exported) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{made.runs} runs")


def _choice(client: Client, what: list[str], *, deleted: bool) -> Choice:
    """What somebody means who names experiments, runs and registered models."""
    if not what:
        return Choice(deleted=deleted)
    models = [one.removeprefix("models:/") for one in what if one.startswith("models:/")]
    known = experiments(client, ViewType.ALL if deleted else ViewType.ACTIVE_ONLY)
    names = {one.name: key for key, one in known.items()} | {key: key for key in known}
    chosen = [names[one] for one in what if one in names]
    runs = [find.run(client, one).info.run_id for one in what if one not in names and not one.startswith("models:/")]
    for name in models:
        client.get_registered_model(name)
        runs += [one.run_id for one in client.search_model_versions(f"name = {literal(name)}", 10_000) if one.run_id]
    return Choice(False, tuple(chosen), tuple(dict.fromkeys(runs)), tuple(models), deleted)


def _table(
    client: Client, named: list[str], where: str, form: str, place: Path, columns: str, metric: list[str] | None, *,
    history: bool,
) -> None:  # fmt: skip
    ids = list(experiments_named(client, named))
    if history:
        with tables.table(place, form, tables.POINTS) as target:
            count = target.write(tables.points_of(client, ids, where, metric or ()))
    else:
        wanted = [one.strip() for one in columns.split(",") if one.strip()]
        chosen = ["run_id", *wanted] if wanted else tables.columns_of(client, ids, where)
        with tables.table(place, form, chosen) as target:
            count = target.write(tables.rows_of(client, ids, where, chosen))
    open_console().print(plain(f"{count} {'points' if history else 'runs'}: {place}"))
