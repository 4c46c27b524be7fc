"""What a model version is made of: its source is looked up, and what does not belong together is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from autotrack.entities import LoggedModel, Metric, Run
from autotrack.exceptions import AutotrackException
from autotrack.settings import local_directory
from autotrack.store import Questions
from autotrack.store.registry.changes import VersionCreated
from autotrack.store.registry.names import parse_uri
from autotrack.store.rows import CONTEXT_TAG

MOST_METRICS = 1000
"""Metrics that a snapshot holds; the rest stays with the run."""
_MLMODEL = "MLmodel"


def version_from(
    store: Questions, name: str, source: str, run_id: str | None, model_id: str | None, given: Mapping[str, Any]
) -> VersionCreated:
    """A version of a source: a URI of a run's model, of a logged model or of another version, a directory, or
    a place that only others can reach. ``given`` are the facts that a caller chooses freely."""
    text = str(source).strip()
    if not text or ".." in text.replace("\\", "/").split("/"):
        raise AutotrackException.invalid(
            f"{source!r} is no source of a model version: give runs:/<run_id>/<name>, models:/<model_id>, "
            "models:/<name>/<version> or a model's directory, without '..'"
        )
    facts: dict[str, Any] = {"source": text, "run_id": run_id or None, "model_id": model_id or None, **given}
    if text.startswith("runs:/"):
        facts |= _of_run(store, text, run_id, model_id)
    elif text.startswith("models:/"):
        facts |= _of_models(store, text, run_id, model_id)
    else:
        facts |= _of_place(store, text, run_id, model_id)
    run = None if facts["run_id"] is None else _run(store, str(facts["run_id"]))
    if run is None:
        return VersionCreated(name, 0, **facts)
    return VersionCreated(
        name, 0, **facts, metrics=metrics_of(store.model, run, facts["model_id"]), datasets=datasets_of(run)
    )


def metrics_of(model: Callable[[str], LoggedModel], run: Run | None, model_id: str | None) -> dict[str, float]:
    """The last values of a model's metrics; ``model`` finds one by its id. A run's own metrics count for a model that
    is the only one of its run: among several nobody could say whose they are."""
    found: dict[str, float] = {}
    if run is not None and len(run.outputs.model_outputs) <= 1:
        found |= run.data.metrics
    if model_id is not None:
        with suppress(AutotrackException):  # the files of its run are gone
            found |= {one.key: one.value for one in _by_age(model(model_id).metrics)}
    return {key: found[key] for key in sorted(found)[:MOST_METRICS]}


def datasets_of(run: Run) -> list[dict[str, str]]:
    """Name, digest and context of the data that a run read."""
    return [
        {
            "name": used.dataset.name,
            "digest": used.dataset.digest,
            "context": next((tag.value for tag in used.tags if tag.key == CONTEXT_TAG), ""),
        }
        for used in run.inputs.dataset_inputs
    ]


def model_in(store: Questions, run: Run, path: str) -> LoggedModel | None:
    """The model that a run has logged under a name, the last one of several."""
    models = [store.model(output.model_id) for output in run.outputs.model_outputs]
    named = [one for one in models if path in (one.name, _path(store, one).partition("/artifacts/")[2])]
    return max(named, key=lambda one: one.creation_timestamp, default=None)


def _of_run(store: Questions, source: str, run_id: str | None, model_id: str | None) -> dict[str, Any]:
    found = re.fullmatch(r"runs:/([\w-]+)/(.+)", source.rstrip("/"))
    if found is None:
        raise AutotrackException.invalid(f"{source!r} names no model of a run; write runs:/<run_id>/<name>")
    own, path = found[1], str(PurePosixPath(found[2]))
    run = _run(store, own)
    _same(source, "run", own, run_id)
    if run is None:
        return {"run_id": own, "location": source}
    model = model_in(store, run, path)
    if model is not None:
        _same(source, "model", model.model_id, model_id)
        return _of_model(store, model)
    if not store.context.holds(f"runs/{own}/artifacts/{path}/{_MLMODEL}"):
        there = ", ".join(sorted(store.model(one.model_id).name for one in run.outputs.model_outputs))
        raise AutotrackException.missing(
            f"{source}: run {own} has no model {path!r}; " + (f"it has {there}" if there else "it has logged none")
        )
    return {"run_id": own, "location": store.context.location(f"{run.info.artifact_uri}/{path}")}


def _run(store: Questions, run_id: str) -> Run | None:
    """A run; on a server one that it does not know is none, as programs register versions of runs kept elsewhere."""
    try:
        return store.run(run_id)
    except AutotrackException as error:
        if store.directory is not None or error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None


def _of_models(store: Questions, source: str, run_id: str | None, model_id: str | None) -> dict[str, Any]:
    reference = parse_uri(source)
    if reference.model_id is not None:
        model = store.model(reference.model_id)
        _same(source, "model", model.model_id, model_id)
        _same(source, "run", model.source_run_id, run_id)
        return _of_model(store, model)
    version = store.registry.resolve(reference)
    _same(source, "model", version.model_id, model_id)
    _same(source, "run", version.run_id, run_id)
    place = store.context.location(version.location)
    facts = ("run_id", "model_id", "digest", "signature")
    return {"location": place, **{name: getattr(version, name) for name in facts}}


def _of_place(store: Questions, source: str, run_id: str | None, model_id: str | None) -> dict[str, Any]:
    if re.match(r"[A-Za-z][\w+.-]+:", source) and not source.startswith("file:"):
        _known(store, run_id, model_id)
        return {"location": source}  # a bucket or a server: nothing to look at from here
    if store.directory is None:
        raise AutotrackException.invalid(
            f"{source}: a server looks at no directories; give runs:/<run_id>/<name>, models:/<model_id>, or a URI"
        )
    root = store.directory.resolve()
    directory = (local_directory(source) or Path(source).expanduser()).absolute()
    if not (directory / _MLMODEL).is_file():
        raise AutotrackException.missing(f"{source}: there is no model directory {directory}, with a file {_MLMODEL}")
    try:
        parts = directory.resolve().relative_to(root).parts
    except ValueError:
        _known(store, run_id, model_id)
        return {"location": directory.as_uri()}
    if len(parts) > 3 and parts[0] == "runs" and parts[2] == "artifacts":
        return _of_run(store, f"runs:/{parts[1]}/{'/'.join(parts[3:])}", run_id, model_id)
    return {"location": "/".join(parts)}


def _of_model(store: Questions, model: LoggedModel) -> dict[str, Any]:
    return {
        "run_id": model.source_run_id,
        "model_id": model.model_id,
        "location": _path(store, model),
        "digest": model.digest,
        "signature": model.signature,
    }


def _path(store: Questions, model: LoggedModel) -> str:
    return store.context.location(model.artifact_location)


def _known(store: Questions, run_id: str | None, model_id: str | None) -> None:
    """What is said of a place that cannot be looked at must at least exist, and belong together."""
    if model_id:
        model = store.model(model_id)
        _same(f"models:/{model_id}", "run", model.source_run_id, run_id)
    if run_id:
        store.run(run_id)


def _same(source: str, what: str, own: str | None, said: str | None) -> None:
    if said and said != own:
        raise AutotrackException.invalid(
            f"{source} belongs to {what} {own or 'nobody knows of'} and not to {what} {said}; leave {what}_id out"
        )


def _by_age(metrics: Sequence[Metric]) -> list[Metric]:
    return sorted(metrics, key=lambda one: (one.step, one.timestamp))
