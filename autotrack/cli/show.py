"""``autotrack show``: all that one run left behind."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from autotrack.analysis import context, telling
from autotrack.analysis.finding import experiments
from autotrack.analysis.inferred import inferred
from autotrack.cli import find, text
from autotrack.cli.console import STATUS, box, open_console, paint, plain
from autotrack.cli.curve import Curve
from autotrack.cli.models.finding import place
from autotrack.cli.options import AsJson, RunId, Store
from autotrack.cli.runs import facts
from autotrack.client import Client
from autotrack.direction import best, direction
from autotrack.entities import ViewType
from autotrack.exceptions import AutotrackException

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from autotrack.context.record import Record as ContextRecord
    from autotrack.entities import FileInfo, LoggedModel, Metric, ModelVersion, Run

DRAWN = 4
"""Drawings that are made unless metrics are named."""
LISTED = 30
"""Lines of artifacts, tags and the like that are printed; ``--json`` has them all."""
_TOGETHER = re.compile(r"^(train|training|val|valid|validation|test|eval)(?:_?\d+)?[/_-](.+)$")


def show(
    run: RunId,
    metric: Annotated[
        list[str] | None, typer.Option("--metric", "-m", help="Draw this metric only; may be repeated.")
    ] = None,
    history: Annotated[bool, typer.Option("--history", help="With --json: every point of every metric too.")] = False,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Show one run: parameters, metrics and their curves, data, models, files, and why it failed."""
    client = Client(store)
    found = find.run(client, run)
    for key in metric or ():
        if key not in found.data.metrics:
            there = ", ".join(sorted(found.data.metrics)) or "none"
            raise AutotrackException.missing(f"the run has no metric {key!r}; it has: {there}")
    tracks = [track(client, found.info.run_id, key) for key in telling.metrics_in_order(found.data.metrics)]
    record = Record(
        found,
        experiments(client, ViewType.ALL)[found.info.experiment_id].name,
        tracks,
        models(client, found),
        registered(client, found.info.run_id),
        files(client, found.info.run_id),
        context.context(client, found),
    )
    if as_json:
        print(text.as_json(record.as_json(history=history)))
        return
    record.print(open_console(), metric or [])


@dataclass(frozen=True, slots=True)
class Track:
    """A metric's history and what stands out of it."""

    key: str
    points: Sequence[Metric]

    @property
    def last(self) -> Metric:
        """The latest point, as MLflow orders them."""
        return max(self.points, key=lambda p: (p.step, p.timestamp, not math.isnan(p.value), p.value))

    @property
    def best(self) -> Metric | None:
        """The best point, where better and worse are known for this metric."""
        value = best(self.key, [point.value for point in self.points])
        return None if value is None else next(point for point in self.points if point.value == value)

    def as_json(self) -> dict[str, Any]:
        """The metric in a few numbers."""
        finite = [point.value for point in self.points if math.isfinite(point.value)]
        last, best = self.last, self.best
        return {
            "last": last.value,
            "step": last.step,
            "best": best.value if best else None,
            "best_step": best.step if best else None,
            "min": min(finite, default=None),
            "max": max(finite, default=None),
            "points": len(self.points),
        }


@dataclass(frozen=True, slots=True)
class Record:
    """A run with all that belongs to it."""

    run: Run
    experiment: str
    tracks: Sequence[Track]
    models: Sequence[LoggedModel]
    versions: Sequence[ModelVersion]
    files: Sequence[FileInfo]
    context: ContextRecord | None = None

    def as_json(self, *, history: bool) -> dict[str, Any]:
        """Everything, under documented keys."""
        run = self.run
        whole = {
            **facts(run, {run.info.experiment_id: self.experiment}),
            "metrics": {track.key: track.as_json() for track in self.tracks},
            "datasets": [
                {**item.dataset.to_dictionary(), "context": _role(item.tags)} for item in run.inputs.dataset_inputs
            ],
            "models": [_model_facts(model) for model in self.models],
            "versions": [version.to_dictionary() for version in self.versions],
            "context": context.as_json(self.context),
            "artifacts": [{"path": file.path, "size": file.file_size} for file in self.files],
        }
        if history:
            whole["history"] = {
                track.key: [[point.step, point.timestamp, point.value] for point in track.points]
                for track in self.tracks
            }
        return whole

    def print(self, console: Console, wanted: Sequence[str] = ()) -> None:
        """The record for a reader; ``wanted`` names the metrics to draw, else the most telling are."""
        self._print_head(console)
        self._print_curves(console, wanted)
        if self.tracks:
            console.print(_heading("metrics"), metrics_table(console, self.tracks))
        run = self.run
        _print_pairs(console, "parameters", run.data.params)
        _print_pairs(
            console,
            "tags",
            {k: v for k, v in run.data.tags.items() if not k.startswith(("mlflow.", "autotrack."))},
        )
        _print_pairs(console, "context", context.lines(self.context, run), ordered=True)
        _print_pairs(console, "inferred", inferred(run.data.tags))
        for item in run.inputs.dataset_inputs:
            data = item.dataset
            role = f" ({_role(item.tags)})" if _role(item.tags) else ""
            console.print(
                _heading("data"),
                plain(f"  {data.name}{role}  digest {data.digest}  {_shape(data.profile)}"),
            )
        for model in self.models:
            flavors = ", ".join(model.flavors) or model.model_type or "model"
            console.print(_heading("model"), plain(f"  {model.name}  {flavors}  {text.size(model.size)}"))
            console.print(plain(f"  load it with  autotrack.pyfunc.load_model({model.model_uri!r})", "dim"))
        for version in self.versions:
            told = f"  {version.name} version {version.version}  {place(version)}"
            console.print(_heading("registered"), plain(told))
        if self.files:
            console.print(_heading("files"))
            parts = _by_directory(self.files)
            for name, (count, total) in list(parts.items())[:LISTED]:
                many = f"{count} files, " if name.endswith("/") else ""
                console.print(plain(f"  {name}  {many}{text.size(total)}"))
            if len(parts) > LISTED:
                console.print(plain(f"  and {len(parts) - LISTED} more", "dim"))
            console.print(plain(f"  in {(run.info.artifact_uri or '').removeprefix('file://')}", "dim"))

    def _print_curves(self, console: Console, wanted: Sequence[str]) -> None:
        curves = [track for track in self.tracks if len({point.step for point in track.points}) > 1]
        telling_ones = [t for t in curves if direction(t.key) and not t.key.startswith("step/")]
        chosen = [t for t in curves if t.key in wanted] if wanted else telling_ones or curves
        groups = drawings(chosen, together=not wanted)
        drawn = groups if wanted else groups[:DRAWN]
        for group in drawn:
            print_curves(console, group)
        keys = {track.key for group in drawn for track in group}
        rest = [track.key for track in curves if track.key not in keys]
        if rest and not wanted:
            console.print(plain(f"not drawn: {', '.join(rest)} (--metric KEY draws one)", "dim"))

    def _print_head(self, console: Console) -> None:
        info, tags = self.run.info, self.run.data.tags
        title = Text.assemble(
            (text.clean(info.run_name or "run"), "bold"),
            "  ",
            (text.clean(info.status.lower()), STATUS.get(info.status, "")),
        )
        if info.lifecycle_stage != "active":
            title.append("  deleted", "yellow")
        console.print(title)
        end = info.end_time or (time.time() * 1000 if info.status == "RUNNING" else None)
        lines = {
            "run": info.run_id,
            "experiment": self.experiment,
            "started": f"{text.moment(info.start_time)} ({text.ago(info.start_time)})",
            "took": text.duration(end - info.start_time) if end else "unknown",
            "user": info.user_id,
            "source": tags.get("mlflow.source.name", ""),
            "commit": tags.get("mlflow.source.git.commit", ""),
            "exit code": tags.get("autotrack.exit_code", "").replace("unknown", ""),
        }
        for name, value in lines.items():
            if value:
                console.print(Text.assemble((f"{name:>11}  ", "dim"), text.clean(value)))
        if info.error:
            console.print(_heading("error"))
            for line in info.error.rstrip().splitlines()[-LISTED:]:
                console.print(Text(f"  {text.clean(line)}", "red"), soft_wrap=True)


def track(client: Client, run_id: str, key: str) -> Track:
    """A metric's whole history, in the order of its steps."""
    points = client.get_metric_history(run_id, key)
    return Track(key, sorted(points, key=lambda point: (point.step, point.timestamp)))


def drawings(tracks: Sequence[Track], *, together: bool = True) -> list[list[Track]]:
    """The metrics by the drawing that they share: the training and the held-out form of one quantity."""
    groups: dict[str, list[Track]] = {}
    for item in tracks:
        match = _TOGETHER.match(item.key) if together else None
        groups.setdefault(match[2] if match else item.key, []).append(item)
    return list(groups.values())


def print_curves(console: Console, tracks: Sequence[Track], *, height: int = 9) -> None:
    """One drawing of one or more metrics, with a title that tells the best value."""
    console.print()
    for item in tracks:
        best, last = item.best, item.last
        told = f"last {text.number(last.value)}"
        if best is not None:
            told += f", best {text.number(best.value)} at step {text.number(best.step)}"
        console.print(Text.assemble((text.clean(item.key), "bold"), (f"  {told}", "dim")))
    curves = [Curve(text.clean(item.key), [(float(p.step), p.value) for p in item.points]) for item in tracks]
    console.print(paint(console, curves, height=height))


def metrics_table(console: Console, tracks: Sequence[Track]) -> Table:
    """Last and best value of each metric."""
    shown = Table(box=box(console), pad_edge=False, header_style="dim")
    curved = any(len(item.points) > 1 for item in tracks)
    shown.add_column("metric")
    for name in ("last", "at step", "best", "at step", "points") if curved else ("value",):
        shown.add_column(name, no_wrap=True, justify="right")
    for item in tracks:
        last, best = item.last, item.best
        cells = [plain(item.key), plain(text.number(last.value), "bold")]
        if len(item.points) > 1:
            cells += [
                plain(text.number(last.step), "dim"),
                plain(text.number(best.value) if best else "", "green"),
                plain(text.number(best.step) if best else "", "dim"),
                plain(str(len(item.points)), "dim"),
            ]
        shown.add_row(*cells)
    return shown


def models(client: Client, run: Run) -> list[LoggedModel]:
    """The models that the run made."""
    return [client.get_logged_model(output.model_id) for output in run.outputs.model_outputs]


def registered(client: Client, run_id: str) -> list[ModelVersion]:
    """The registered versions that come from the run; none where the registry cannot be read."""
    try:
        return client.find_model_versions(run_id=run_id)
    except AutotrackException:
        return []


def files(client: Client, run_id: str, path: str | None = None) -> list[FileInfo]:
    """Every artifact of the run, directories walked."""
    found: list[FileInfo] = []
    for entry in client.list_artifacts(run_id, path):
        found += files(client, run_id, entry.path) if entry.is_dir else [entry]
    return found


def _by_directory(files: Sequence[FileInfo]) -> dict[str, tuple[int, int]]:
    """The files by their first part: how many there are, and their bytes."""
    parts: dict[str, tuple[int, int]] = {}
    for file in files:
        first, slash, _ = file.path.partition("/")
        count, total = parts.get(first + slash, (0, 0))
        parts[first + slash] = (count + 1, total + (file.file_size or 0))
    return parts


def _model_facts(model: LoggedModel) -> dict[str, Any]:
    return {
        "model_id": model.model_id,
        "name": model.name,
        "uri": model.model_uri,
        "location": model.artifact_location,
        "flavors": model.flavors,
        "size": model.size,
        "digest": model.digest,
        "status": model.status.value,
    }


def _role(tags: Sequence[Any]) -> str:
    return next((str(tag.value) for tag in tags if tag.key == "mlflow.data.context"), "")


def _shape(profile: str | None) -> str:
    shape = re.search(r'"(?:features_)?shape":\s*(\[[^\]]*\])', profile or "")
    rows = re.search(r'"num_rows":\s*(\d+)', profile or "")
    return f"shape {shape[1]}" if shape else f"{rows[1]} rows" if rows else ""


def _heading(title: str) -> Text:
    return Text(f"\n{title}", "bold")


def _print_pairs(console: Console, title: str, pairs: dict[str, str], *, ordered: bool = False) -> None:
    if not pairs:
        return
    console.print(_heading(title))
    shown = Table.grid(padding=(0, 2), pad_edge=True)
    shown.add_column(no_wrap=True, style="dim", overflow="ellipsis", max_width=40)
    shown.add_column(overflow="fold")
    for key, value in pairs.items() if ordered else sorted(pairs.items()):
        shown.add_row(plain(key), text.clean(value if len(value) <= 300 else f"{value[:297]}..."))
    console.print(shown)
