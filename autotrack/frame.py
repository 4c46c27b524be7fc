"""Answers as data frames, with the columns that MLflow's have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autotrack.analysis.frames import framed


def of_runs(runs: Sequence[Any], form: str = "pandas") -> Any:
    """A data frame: ``run_id`` … ``end_time`` (UTC), then ``metrics.*``, ``params.*`` and ``tags.*``; what a run lacks
    is NaN among the metrics and None elsewhere."""
    columns: dict[str, Any] = {
        "run_id": [run.info.run_id for run in runs],
        "experiment_id": [run.info.experiment_id for run in runs],
        "status": [run.info.status for run in runs],
        "artifact_uri": [run.info.artifact_uri for run in runs],
        "start_time": _moments([run.info.start_time for run in runs], form),
        "end_time": _moments([run.info.end_time for run in runs], form),
    }
    for kind, missing in (("metrics", float("nan")), ("params", None), ("tags", None)):
        names = dict.fromkeys(name for run in runs for name in getattr(run.data, kind))
        for name in names:
            columns[f"{kind}.{name}"] = [getattr(run.data, kind).get(name, missing) for run in runs]
    return framed(columns, form)


def _moments(times: Sequence[int | None], form: str) -> Any:
    """Times in ms as the form's own: UTC, and NaT or None where there is none."""
    if form != "pandas":
        from datetime import UTC, datetime  # slow to load for those who only log

        return [None if time is None else datetime.fromtimestamp(time / 1000, UTC) for time in times]
    import pandas as pd  # heavy, and not everybody's

    stamps: list[Any] = list(times)
    return pd.to_datetime(stamps, unit="ms", utc=True)


def of_models(models: Sequence[Any]) -> Any:
    """One row a logged model."""
    import pandas as pd  # heavy, and not everybody's

    return pd.DataFrame([dict(model) for model in models])


def of_tables(tables: Sequence[tuple[Any, Mapping[str, Any]]], extra: Sequence[str]) -> Any:
    """The rows of logged tables below one another, each with what :func:`of_runs` says of its run in ``extra``."""
    import pandas as pd  # heavy, and not everybody's

    parts = []
    for run, table in tables:
        part = pd.DataFrame(table["data"], columns=table["columns"])
        facts = of_runs([run])
        for name in extra:
            part[f"{name}_" if name in part else name] = facts[name][0] if name in facts else None
        parts.append(part)
    return pd.concat(parts, ignore_index=True)
