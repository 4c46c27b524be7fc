"""The trials of a search or a study."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.analysis.finding import every_run
from autotrack.analysis.frames import framed
from autotrack.direction import BEST_TAG, better
from autotrack.exceptions import AutotrackException
from autotrack.store.fold import PARENT_TAG

if TYPE_CHECKING:
    from autotrack.client import Client
    from autotrack.entities import Experiment, Run

TABLE = "trials.json"
"""The file in which a search keeps all of its candidates, ``{"columns": […], "data": [[…], …]}``."""
VALUE = "value"
"""The column of what a search went by; of several goals ``value_<name>``."""
_ASIDE = re.compile(
    r"(params|user_attrs|system_attrs)[._]|(number|duration|iter)$|rank_|std_|split\d|mean_(fit|score)_time"
)
_NOT_FINITE = ("NaN", "Infinity", "-Infinity")


def trials(client: Client, run_id: str, output_format: str | None = None) -> Any:
    """The trials of a run that searched: the table that the search kept, else a row for each run below it with
    ``run_id``, ``name``, ``status``, ``duration`` (s), ``params.*`` and ``metrics.*``.

    Raises for a run that has neither.
    """
    return framed(columns_of(client, client.get_run(run_id)), output_format)


def columns_of(client: Client, run: Run) -> dict[str, list[Any]]:
    """The same as columns, for a run."""
    kept = _kept(client, run.info.run_id)
    if kept is not None:
        return {name: [row[n] for row in kept["data"]] for n, name in enumerate(kept["columns"])}
    where = f"tags.`{PARENT_TAG}` = '{run.info.run_id}'"
    below = list(every_run(client, [run.info.experiment_id], where, ["start_time ASC"]))
    if not below:
        raise AutotrackException.missing(
            f"run {run.info.run_id} is no search: it kept no {TABLE}, and no run lies below it"
        )
    return _columns(below)


def ranking(run: Run, experiment: Experiment, columns: Mapping[str, Sequence[Any]]) -> dict[str, int]:
    """The columns that the trials of a run can be ranked by, what the search went by first: -1 where less is better, 1
    where more is, 0 where nobody says. scikit-learn's scores are all better when they are higher; a study of Optuna's
    has its directions among its parameters."""
    numbers = [name for name, values in columns.items() if not _ASIDE.match(name) and _numeric(values)]
    went_by = [name for name in numbers if name == VALUE or name.startswith(f"{VALUE}_")]
    scores = any(name.startswith("rank_test_") for name in columns)
    said = re.findall("minimize|maximize", run.data.params.get("direction", run.data.params.get("directions", "")))
    signs = dict(zip(went_by, [1 if word == "maximize" else -1 for word in said], strict=False))
    for name in numbers:
        key = name.removeprefix("metrics.")
        of_scores = scores and (name == VALUE or "_test_" in name)
        signs.setdefault(name, 1 if of_scores else better(key, [experiment.tags.get(f"{BEST_TAG}{key}")]))
    return {name: signs[name] for name in sorted(numbers, key=lambda one: (one not in went_by, not signs[one]))}


def _numeric(values: Sequence[Any]) -> bool:
    known = [one for one in values if one is not None]
    return bool(known) and all(type(one) in (int, float) or one in _NOT_FINITE for one in known)


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
