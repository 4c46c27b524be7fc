"""What a report says, gathered from a store as plain values: a template is given nothing that can do anything."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from autotrack import redact
from autotrack.analysis import context, telling
from autotrack.analysis.finding import better, every_run, experiments_named
from autotrack.analysis.groups import chosen, grouped
from autotrack.analysis.importance import MOST_RUNS, Importance, importance
from autotrack.analysis.objective import objective
from autotrack.analysis.question import readings
from autotrack.analysis.reports.curves import Panel, panels
from autotrack.analysis.reports.plan import NOTES, OBJECTIVE, QUESTION, TEMPLATE
from autotrack.analysis.reports.steps import Step, steps
from autotrack.client.lineage import CODE_TAGS
from autotrack.client.sources import datasets_of
from autotrack.direction import SIGNS
from autotrack.exceptions import AutotrackException
from autotrack.store.search.tokens import quoted
from autotrack.values import spelt

if TYPE_CHECKING:
    from autotrack.client import Client
    from autotrack.entities import Experiment, Run

DRAWN = 8
"""So many of the best runs are told apart by their colour."""
_PARAMS, _METRICS, _SETTINGS, _SPREADS = 6, 3, 8, 4


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: an experiment's name or id, and which of its runs by which metric."""

    experiment: str
    metric: str | None = None
    mode: str | None = None
    where: str = ""
    limit: int = 30
    """Runs in the table."""


@dataclass(frozen=True, slots=True)
class Line:
    """A run in the table. ``rank`` counts from 1, ``None`` for one that has no value; ``colour`` from 0."""

    run_id: str
    name: str
    status: str
    rank: int | None
    colour: int | None
    value: float | None
    metrics: dict[str, float]
    params: dict[str, str]
    started: int
    took: int | None


@dataclass(frozen=True, slots=True)
class Setting:
    """Runs that differ in nothing but their seeds."""

    params: dict[str, str]
    runs: int
    mean: float
    std: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Spread:
    """The metric of each run by its value of one parameter: a number, or the place of a text in ``names``."""

    parameter: str
    points: list[tuple[float, float]]
    names: list[str]


@dataclass(frozen=True, slots=True)
class Best:
    """The best run, where it came from, and how to get it again."""

    line: Line
    context: dict[str, str]
    data: list[dict[str, str]]
    models: list[str]
    steps: list[Step]


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it. Times are in ms since 1970, lengths of time in ms."""

    experiment: str
    question: str
    notes: list[str]
    tags: dict[str, str]
    store: str
    template: str | None
    where: str
    made: int
    runs: int
    states: dict[str, int]
    first: int | None
    last: int | None
    metric: str | None
    lower: bool
    """Whether a lower value is the better one."""
    params: list[str]
    metrics: list[str]
    lines: list[Line]
    settings: list[Setting]
    panels: list[Panel]
    importance: Importance | None
    unexplained: str
    """Why it cannot be said what mattered."""
    spreads: list[Spread]
    best: Best | None


def facts(client: Client, wanted: Wanted) -> Facts:
    """What an experiment has found. Raises where there is none of that name, or the metric is not there."""
    [experiment] = experiments_named(client, wanted.experiment).values()
    runs = list(every_run(client, [experiment.experiment_id], wanted.where, ["start_time DESC"]))
    metric, sign = _objective(experiment, runs, wanted)
    values = [None] * len(runs) if metric is None else _best_values(client, experiment, runs, metric, sign, wanted)
    order = sorted(range(len(runs)), key=lambda n: (values[n] is None, (values[n] or 0.0) * -sign))
    runs, values = [runs[n] for n in order], [values[n] for n in order]
    ranked = [run for run, value in zip(runs, values, strict=True) if value is not None]
    params = telling.differing_params([run.data.params for run in runs])[:_PARAMS]
    shared = telling.shared_metrics([run.data.metrics for run in runs], _METRICS + 1)
    lines = [_line(run, value, place) for place, (run, value) in enumerate(zip(runs, values, strict=True))]
    found, unexplained = _importance(metric, runs, values)
    starts = [run.info.start_time for run in runs]
    return Facts(
        experiment=experiment.name,
        question=experiment.tags.get(QUESTION, ""),
        notes=[part.strip() for part in experiment.tags.get(NOTES, "").split("\n\n") if part.strip()],
        tags={key: value for key, value in experiment.tags.items() if not key.startswith(("mlflow.", "autotrack."))},
        store=redact.text(client.tracking_uri),
        template=experiment.tags.get(TEMPLATE),
        where=wanted.where,
        made=int(time.time() * 1000),
        runs=len(runs),
        states=dict(Counter(run.info.status for run in runs).most_common()),
        first=min(starts, default=None),
        last=max(starts, default=None),
        metric=metric,
        lower=sign < 0,
        params=params,
        metrics=[key for key in shared if key != metric][:_METRICS],
        lines=lines[: wanted.limit],
        settings=_settings(runs, values, sign),
        panels=panels(client, (ranked or runs)[:DRAWN], metric),
        importance=found,
        unexplained=unexplained,
        spreads=_spreads(runs, values, found, params),
        best=_best(client, ranked[0], lines[0]) if ranked else None,
    )


def _objective(experiment: Experiment, runs: Sequence[Run], wanted: Wanted) -> tuple[str | None, int]:
    there = telling.metrics_in_order(key for run in runs for key in run.data.metrics)
    metric = wanted.metric or experiment.tags.get(OBJECTIVE)
    if metric is not None:
        if wanted.metric and runs and metric not in there:
            known = ", ".join(there[:12]) or "none"
            raise AutotrackException.missing(
                f"none of the {len(runs)} runs has a metric {metric!r}; they have: {known}"
            )
        return metric, better(metric, [experiment], wanted.mode)
    if wanted.mode is not None and wanted.mode not in SIGNS:
        better("", [experiment], wanted.mode)
    metric, sign = objective(experiment, [run.data.metrics for run in runs])
    return metric, SIGNS.get(wanted.mode or "", sign) or 1


def _best_values(
    client: Client, experiment: Experiment, runs: Sequence[Run], metric: str, sign: int, wanted: Wanted
) -> list[float | None]:
    reading = f"{'min' if sign < 0 else 'max'}({quoted(metric)})"
    found = readings(client, [experiment.experiment_id], runs, reading, wanted.where)
    return [value if value is not None and math.isfinite(value) else None for value in found]


def _line(run: Run, value: float | None, place: int) -> Line:
    info = run.info
    return Line(
        run_id=info.run_id,
        name=info.run_name or info.run_id[:8],
        status=info.status,
        rank=None if value is None else place + 1,
        colour=place if place < DRAWN else None,
        value=value,
        metrics=dict(run.data.metrics),
        params=dict(run.data.params),
        started=info.start_time,
        took=None if info.end_time is None else info.end_time - info.start_time,
    )


def _importance(
    metric: str | None, runs: Sequence[Run], values: Sequence[float | None]
) -> tuple[Importance | None, str]:
    if metric is None:
        return None, "no metric is known to be better when it is higher or lower"
    newest = sorted(range(len(runs)), key=lambda n: -runs[n].info.start_time)[:MOST_RUNS]
    try:
        return importance(metric, [runs[n].data.params for n in newest], [values[n] for n in newest]), ""
    except AutotrackException as error:
        return None, error.message


def _settings(runs: Sequence[Run], values: Sequence[float | None], sign: int) -> list[Setting]:
    """The best settings by their mean, where at least one was tried with several seeds."""
    keys = chosen(runs)
    found = []
    for group in grouped(runs, keys).values():
        own = [value for n in group if (value := values[n]) is not None]
        if own:
            params = {key: runs[group[0]].data.params.get(key, "") for key in keys[:_PARAMS]}
            std = stdev(own) if len(own) > 1 else None
            found.append(Setting(params, len(own), fmean(own), std, min(own), max(own)))
    if not any(one.runs > 1 for one in found) or len(found) < 2:
        return []
    return sorted(found, key=lambda one: -sign * one.mean)[:_SETTINGS]


def _spreads(
    runs: Sequence[Run], values: Sequence[float | None], found: Importance | None, params: Sequence[str]
) -> list[Spread]:
    leading = [one.parameter for one in found.weights] if found is not None else list(params)
    spreads = []
    for key in leading[:_SPREADS]:
        pairs = [
            (run.data.params[key], value)
            for run, value in zip(runs, values, strict=True)
            if key in run.data.params and value is not None
        ]
        numbers = [spelt(text) for text, _ in pairs]
        names = [] if all(n is not None and math.isfinite(n) for n in numbers) else sorted({text for text, _ in pairs})
        if pairs and len(names) <= 12:
            places: list[float] = [n or 0.0 for n in numbers] if not names else [names.index(t) for t, _ in pairs]
            spreads.append(Spread(key, list(zip(places, [value for _, value in pairs], strict=True)), names))
    return spreads[: len(spreads) // 2 * 2 or 1]  # two stand side by side


def _best(client: Client, run: Run, line: Line) -> Best:
    record = context.context(client, run)
    known = context.lines(record, run)
    if record is None:
        known = {name: run.data.tags[tag] for name, tag in CODE_TAGS.items() if tag in run.data.tags} | known
    uris = []
    for output in run.outputs.model_outputs:
        with suppress(AutotrackException):  # its files are gone
            uris.append(client.get_logged_model(output.model_id).model_uri)
    return Best(line, known, datasets_of(run), uris, steps(run, record))
