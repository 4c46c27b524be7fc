"""Whether a server holds what the journal holds: nothing less, nothing twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trackingserver import Tracking, params_of, tags_of

from autotrack.testing import recorded


def agree(tracking: Tracking, store: Path, experiment: str) -> list[Any]:
    """The server's runs of an experiment, each compared with its journal; fails where they differ."""
    found = tracking.runs(experiment)
    by_id = {tags_of(run)["autotrack.run_id"]: run for run in found}
    assert len(by_id) == len(found), "a run was made twice"
    journals = {run.run_id: run for run in recorded(store) if run.experiment == experiment}
    assert by_id.keys() == journals.keys()
    for run_id, journal in journals.items():
        run = by_id[run_id]
        info = run["info"]
        assert (info["run_name"], info["status"]) == (journal.name, journal.status or "KILLED")
        assert params_of(run) == journal.params
        tags = tags_of(run)
        if parent := journal.tags.get("mlflow.parentRunId"):
            journal.tags["mlflow.parentRunId"] = by_id[parent]["info"]["run_id"]
        missing = {key: (value, tags.get(key)) for key, value in journal.tags.items() if tags.get(key) != value}
        assert missing == {}, missing
        for key, values in journal.metrics.items():
            expected = sorted(zip(journal.steps[key], map(repr, values), strict=True))
            assert sorted((step, repr(value)) for step, value in tracking.history(info["run_id"], key)) == expected
        assert {one["key"] for one in run["data"].get("metrics", ())} == journal.metrics.keys()
        for path in journal.artifacts:
            assert tracking.file(run, path) == (journal.artifacts_directory / path).read_bytes()
    return found
