"""Whether a server holds what the journal holds: nothing less, nothing twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trackingserver import Tracking, params_of, tags_of

from autotrack.testing import RecordedRun, recorded


def agree(tracking: Tracking, store: Path, experiment: str) -> list[Any]:
    """The server's runs of an experiment, each compared with its journal; fails where they differ. Keys and texts that
    the server does not take are looked for in the file of the run that says what they were."""
    found = tracking.runs(experiment)
    by_id = {tags_of(run)["autotrack.run_id"]: run for run in found}
    assert len(by_id) == len(found), "a run was made twice"
    journals = {run.run_id: run for run in recorded(store) if run.experiment == experiment}
    assert by_id.keys() == journals.keys()
    for run_id, journal in journals.items():
        run = by_id[run_id]
        told = json.loads(tracking.found(run, "autotrack/differences.json") or "{}")
        names, texts = told.get("renamed", {}), told.get("texts", {})
        info = run["info"]
        assert (info["run_name"], info["status"]) == (journal.name, journal.status or "KILLED")
        here = {names.get("params", {}).get(key, key): value for key, value in journal.params.items()}
        there = params_of(run)
        assert there.keys() == here.keys()
        long = {names.get("params", {}).get(key, key): value for key, value in texts.get("params", {}).items()}
        assert there | long == here
        tags = tags_of(run) | texts.get("tags", {})
        if parent := journal.tags.get("mlflow.parentRunId"):
            journal.tags["mlflow.parentRunId"] = by_id[parent]["info"]["run_id"]
        missing = {key: (value, tags.get(key)) for key, value in journal.tags.items() if tags.get(key) != value}
        assert missing == {}, missing
        renamed = names.get("metrics", {})
        for key, values in journal.metrics.items():
            expected = sorted(zip(journal.steps[key], map(repr, values), strict=True))
            points = tracking.history(info["run_id"], renamed.get(key, key))
            assert sorted((step, repr(value)) for step, value in points) == expected, key
        keys = {renamed.get(key, key) for key in journal.metrics}
        assert {one["key"] for one in run["data"].get("metrics", ())} == keys
        for path in journal.artifacts:
            assert tracking.file(run, path) == (journal.artifacts_directory / path).read_bytes()
        _inputs(run, journal, told.get("inputs", ()))
        _models(tracking, run, journal)
    return found


def _inputs(run: Any, journal: RecordedRun, further: Sequence[dict[str, str]]) -> None:
    """The data sets, with what they were used for; each is an input for one thing there, and ``further`` has the
    others."""
    facts = ("name", "digest", "source_type", "source", "schema", "profile")
    there = {
        (
            *(one["dataset"].get(fact, "") for fact in facts),
            *sorted((tag["key"], tag["value"]) for tag in one.get("tags", ())),
        )
        for one in run.get("inputs", {}).get("dataset_inputs", ())
    }
    here, rest = set(), []
    for one in journal.datasets:
        use = {"name": one.name, "digest": one.digest, "context": one.context}
        if use in further:
            rest.append(use)
            continue
        tags = one.tags | ({"mlflow.data.context": one.context} if one.context else {})
        here.add((*(getattr(one, fact) for fact in facts), *sorted(tags.items())))
    assert rest == list(further)
    assert there == here


def _models(tracking: Tracking, run: Any, journal: RecordedRun) -> None:
    """The models that the run has logged: their facts, their metrics, and every byte of their files."""
    outputs = [one["model_id"] for one in run.get("outputs", {}).get("model_outputs", ())]
    models = {}
    for model_id in outputs:
        model = tracking.get(f"logged-models/{model_id}")["model"]
        models[{tag["key"]: tag["value"] for tag in model["info"]["tags"]}["autotrack.model_id"]] = model
    assert len(outputs) == len(models) == len(journal.models)
    for one in journal.models:
        model = models[one.model_id]
        info = model["info"]
        assert (info["name"], info["status"]) == (one.name, "LOGGED_MODEL_READY")
        assert info["source_run_id"] == run["info"]["run_id"]
        tags = {tag["key"]: tag["value"] for tag in info["tags"]}
        assert tags["autotrack.digest"] == one.digest
        assert {key: tags.get(key) for key in one.tags} == dict(one.tags)
        params = {param["key"]: param["value"] for param in model.get("data", {}).get("params", ())}
        assert params == {key: str(value) for key, value in one.params.items()}
        top = journal.artifacts_directory / one.path
        files = [file for file in top.rglob("*") if file.is_file()]
        assert files
        for file in files:
            there = tracking.file({"info": info}, file.relative_to(top).as_posix())
            assert there == file.read_bytes()
        linked = {metric["key"]: metric["value"] for metric in model.get("data", {}).get("metrics", ())}
        assert linked == {point.key: point.value for point in journal.points if point.model == one.model_id}
