"""The curves of several runs as one long table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from autotrack.analysis.frames import framed

if TYPE_CHECKING:
    from autotrack.client import Client
    from autotrack.entities import Run


def metric_history(
    client: Client, runs: Sequence[Run | str], keys: Sequence[str] | str | None = None,
    output_format: str | None = None,
) -> Any:  # fmt: skip
    """Every point of some metrics (all by default) of some runs, given as runs or ids: columns ``run_id``,
    ``run_name``, ``metric``, ``step``, ``timestamp`` (ms) and ``value``, a run after the other, each metric by time."""
    columns: dict[str, list[Any]] = {
        name: [] for name in ("run_id", "run_name", "metric", "step", "timestamp", "value")
    }
    wanted = [keys] if isinstance(keys, str) else keys
    for given in runs:
        run = client.get_run(given) if isinstance(given, str) else given
        for key in wanted if wanted is not None else sorted(run.data.metrics):
            points = client.get_metric_history(run.info.run_id, key)
            columns["run_id"] += [run.info.run_id] * len(points)
            columns["run_name"] += [run.info.run_name] * len(points)
            columns["metric"] += [key] * len(points)
            columns["step"] += [point.step for point in points]
            columns["timestamp"] += [point.timestamp for point in points]
            columns["value"] += [point.value for point in points]
    return framed(columns, output_format)
