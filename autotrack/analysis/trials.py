"""The trials of a search or a study."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.analysis.finding import every_run
from autotrack.analysis.frames import framed
from autotrack.exceptions import AutotrackException
from autotrack.store.fold import PARENT_TAG

if TYPE_CHECKING:
    from autotrack.client import Client
    from autotrack.entities import Run

TABLE = "trials.json"
"""The file in which a search keeps all of its candidates, ``{"columns": […], "data": [[…], …]}``."""


def trials(client: Client, run_id: str, output_format: str | None = None) -> Any:
    """The trials of a run that searched: the table that the search kept, else a row for each run below it with
    ``run_id``, ``name``, ``status``, ``duration`` (s), ``params.*`` and ``metrics.*``.

    Raises for a run that has neither.
    """
    run = client.get_run(run_id)
    kept = _kept(client, run.info.run_id)
    if kept is not None:
        return framed({name: [row[n] for row in kept["data"]] for n, name in enumerate(kept["columns"])}, output_format)
    where = f"tags.`{PARENT_TAG}` = '{run.info.run_id}'"
    below = list(every_run(client, [run.info.experiment_id], where, ["start_time ASC"]))
    if not below:
        raise AutotrackException.missing(f"run {run_id} is no search: it kept no {TABLE}, and no run lies below it")
    return framed(_columns(below), output_format)


def _columns(runs: list[Run]) -> dict[str, list[Any]]:
    infos = [run.info for run in runs]
    columns: dict[str, list[Any]] = {
        "run_id": [info.run_id for info in infos],
        "name": [info.run_name for info in infos],
        "status": [info.status for info in infos],
        "duration": [None if info.end_time is None else (info.end_time - info.start_time) / 1000 for info in infos],
    }
    for kind in ("params", "metrics"):
        for key in sorted({key for run in runs for key in getattr(run.data, kind)}):
            columns[f"{kind}.{key}"] = [getattr(run.data, kind).get(key) for run in runs]
    return columns


def _kept(client: Client, run_id: str) -> Any:
    if all(one.path != TABLE for one in client.list_artifacts(run_id)):
        return None
    return json.loads(Path(client.download_artifacts(run_id, TABLE)).read_text(encoding="utf-8"))
