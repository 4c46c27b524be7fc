"""Runs side by side, what differs first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from autotrack.client.differences import Compared, side_by_side
from autotrack.client.lineage import CODE_TAGS
from autotrack.client.sources import datasets_of
from autotrack.entities import Run

if TYPE_CHECKING:
    from autotrack.client import Client


def compare(client: Client, run_ids: Sequence[str]) -> Compared:
    """For each of params, metrics, data, code and tags, each key with a value for every run, in the order of
    ``run_ids`` (``None`` where a run has none); keys whose values differ come first."""
    return side_by_side([_facts(client.get_run(run_id)) for run_id in run_ids])


def _facts(run: Run) -> dict[str, dict[str, Any]]:
    tags = run.data.tags
    data = {f"{one['name']} ({one['context'] or 'no role'})": one["digest"] for one in datasets_of(run)}
    shown = {key: value for key, value in tags.items() if not key.startswith("mlflow.")}
    return {
        "params": dict(run.data.params),
        "metrics": dict(run.data.metrics),
        "data": data,
        "code": {name: tags[tag] for name, tag in CODE_TAGS.items() if tag in tags},
        "tags": {key: value for key, value in shown.items() if key not in CODE_TAGS.values()},
    }
