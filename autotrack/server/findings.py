"""What many runs say together: how much there is of each experiment, the trials of a search, which parameters mattered,
and the report of an experiment."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response

from autotrack.analysis.finding import every_run
from autotrack.analysis.importance import MOST_RUNS, Importance
from autotrack.analysis.importance import importance as weighed
from autotrack.analysis.objective import objective
from autotrack.analysis.question import readings
from autotrack.analysis.reports import templates
from autotrack.analysis.reports.facts import Wanted, facts
from autotrack.analysis.reports.plan import OBJECTIVE
from autotrack.analysis.trials import columns_of, ranking
from autotrack.client.answers import TABLE, table
from autotrack.exceptions import AutotrackException
from autotrack.server import limits
from autotrack.server.experiments import paged
from autotrack.server.reading import reading
from autotrack.server.request import Asked, from_query
from autotrack.server.route import Routes
from autotrack.server.service import Service
from autotrack.wire.messages import OWN
from autotrack.wire.values import BOOLEAN, INTEGER, TEXT, Kind, several

ROUTES = Routes()
_ONE = CapacityLimiter(1)
"""What many runs say is computed for seconds: one at a time, and not in the threads that answer everybody."""
Document = dict[str, Any]
STILL = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox"
)
"""The policy of a report: it is looked at, and nothing in it runs, asks or sends."""
_NEWEST = 100
_KINDS = {
    "html": ("report.html.j2", "text/html; charset=utf-8"),
    "md": ("report.md.j2", "text/markdown; charset=utf-8"),
}
_ACTIVITY = Kind({
    "type": "object", "properties": {
        "experiment_id": TEXT.schema, "runs": INTEGER.schema, "last_start": INTEGER.schema,
    },
})  # fmt: skip


_RANKED = Kind({"type": "object", "properties": {"name": TEXT.schema, "better": INTEGER.schema}})


class OfExperiments(Asked):
    experiment_ids: tuple[str, ...] = ()


class Objective(Asked):
    experiment_id: str


class OfSearch(Asked):
    run_id: str


class OfMetric(Asked):
    """``metric`` is a metric, then its last value counts, or a reading of one such as ``best(loss)``."""

    experiment_ids: tuple[str, ...]
    metric: str
    filter: str = ""


class OfExperiment(Asked):
    """``format`` is html or md; with ``download`` a browser keeps the file instead of showing it."""

    experiment_id: str
    format: str = "html"
    metric: str | None = None
    mode: str | None = None
    filter: str = ""
    limit: int = 30
    download: bool = False


@ROUTES("GET", f"{OWN}/activity", OfExperiments, activity=several(_ACTIVITY))
def activity(service: Service, asked: OfExperiments) -> Document:
    """How many active runs experiments have, and when the last one began (ms since 1970); all where none is named. Who
    has no run is left out."""
    found = service.store.activity(asked.experiment_ids or None)
    return paged(
        "activity", [{"experiment_id": one, "runs": runs, "last_start": last} for one, runs, last in found], None
    )


@ROUTES("GET", f"{OWN}/objective", Objective, metric=TEXT, better=INTEGER, said=BOOLEAN)
def counts(service: Service, asked: Objective) -> Document:
    """The metric that counts in an experiment: the one that it names (``said``), or by which its newest runs are best
    told apart; with whether less (-1) or more (1) of it is better. None where no metric will do."""
    experiment = service.experiment(asked.experiment_id)
    newest = every_run(service.verbs, [asked.experiment_id], "", ["start_time DESC"], _NEWEST)
    metric, better = objective(experiment, [run.data.metrics for run in newest])
    return {} if metric is None else {"metric": metric, "better": better, "said": OBJECTIVE in experiment.tags}


@ROUTES("GET", f"{OWN}/trials", OfSearch, columns=Kind(TABLE.schema), ranking=several(_RANKED))
def trials(service: Service, asked: OfSearch) -> Document:
    """The trials of a search or a study: the table that it kept, else its runs; and the columns that they can be ranked
    by, what the search went by first, with whether less (-1) or more (1) is better, or nobody knows (0)."""
    limits.identifier(asked.run_id, "run id")
    with reading(service) as client:
        run = client.get_run(asked.run_id)
        columns = columns_of(client, run)
    ranked = ranking(run, service.experiment(run.info.experiment_id), columns)
    return {
        "columns": table(columns), "ranking": [{"name": name, "better": sign} for name, sign in ranked.items()],
    }  # fmt: skip


@ROUTES("GET", f"{OWN}/importance", OfMetric)
async def importance(service: Service, request: Request) -> Response:
    """Which hyperparameters mattered for a metric in the newest runs of some experiments, with how much certainty:
    ``metric``, ``runs``, ``score``, ``score_std``, ``weights``, ``pairs``, and whether there are more runs than were
    looked at, ``more``."""
    asked = from_query(request.query_params, OfMetric)
    found = await to_thread.run_sync(_importance, service, asked, limiter=_ONE)
    return Response(msgspec.json.encode(found), media_type="application/json")


@ROUTES("GET", f"{OWN}/report", OfExperiment)
async def report(service: Service, request: Request) -> Response:
    """What an experiment has found, as one page."""
    asked = from_query(request.query_params, OfExperiment)
    if asked.format not in _KINDS:
        raise AutotrackException.invalid(f"a report's format is {' or '.join(_KINDS)}, not {asked.format[:40]!r}")
    name, text = await to_thread.run_sync(_report, service, asked, str(request.base_url).rstrip("/"), limiter=_ONE)
    shown = re.sub(r"[^\w.-]+", "-", name).strip("-.")[:60] or "experiment"
    headers = {
        "Content-Security-Policy": STILL,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "private, no-cache",
    }
    if asked.download:
        file = quote(f"{shown}-report.{asked.format}", safe="")
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{file}"
    return Response(text, headers=headers, media_type=_KINDS[asked.format][1])


def _importance(service: Service, asked: OfMetric) -> Document:
    client, ids = service.verbs, list(asked.experiment_ids)
    runs = list(every_run(client, ids, asked.filter, ["start_time DESC"], MOST_RUNS + 1))
    some = runs[:MOST_RUNS]
    values = readings(client, ids, some, asked.metric, asked.filter)
    params = tuple(tuple(sorted(run.data.params.items())) for run in some)
    try:
        found = _weighed(asked.metric, params, tuple(values))
    except ImportError as error:
        raise _missing(error, "analysis") from None
    return {**asdict(found), "more": len(runs) > len(some)}


@lru_cache(32)
def _weighed(
    metric: str, params: tuple[tuple[tuple[str, str], ...], ...], values: tuple[float | None, ...]
) -> Importance:
    return weighed(metric, [dict(one) for one in params], values)


def _report(service: Service, asked: OfExperiment, address: str) -> tuple[str, str]:
    experiment = service.experiment(asked.experiment_id)
    wanted = Wanted(asked.experiment_id, asked.metric, asked.mode, asked.filter, min(max(asked.limit, 1), 1000))
    try:
        with reading(service) as client:
            found = replace(facts(client, wanted), store=address)  # by the name that the reader knows
        file = templates.chosen(_KINDS[asked.format][0], None, found.template)
        return experiment.name, templates.rendered(file, found, {"version": service.version})
    except ImportError as error:
        raise _missing(error, "report") from None


def _missing(error: ImportError, extra: str) -> AutotrackException:
    return AutotrackException(
        f"{error.name} is not installed where the server runs: pip install 'autotrack-ml[{extra}]'", "NOT_IMPLEMENTED"
    )
