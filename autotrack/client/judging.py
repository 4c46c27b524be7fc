"""What is known of a version when it is to be promoted, and the policies of a project."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autotrack.client.sources import datasets_of, metrics_of
from autotrack.entities import ModelVersion
from autotrack.exceptions import AutotrackException
from autotrack.settings import default_store
from autotrack.store import Store
from autotrack.store.registry.changes import Approved, Entry, VersionCreated
from autotrack.store.registry.policy import Evidence, Policy, parse

POLICY_FILE = "autotrack-policies.toml"


def policies_of(file: str | Path | None) -> tuple[tuple[Policy, ...], Path | None]:
    """The policies of a file, by default of the project's ``autotrack-policies.toml`` if it has one; and the file."""
    if file is None:
        places = dict.fromkeys(place / POLICY_FILE for place in (Path.cwd(), default_store().parent))
        found = next((place for place in places if place.is_file()), None)
        if found is None:
            return (), None
    else:
        found = Path(file).expanduser()
    try:
        return parse(found.read_text("utf-8"), str(found)), found
    except (OSError, UnicodeDecodeError) as error:
        raise AutotrackException.invalid(f"{found} cannot be read: {error}") from None


def evidence_of(store: Store, version: ModelVersion, to: str, history: Sequence[Entry]) -> Evidence:
    """What is known of a version, its run and who approved of its going there. What is gone is as the log has it."""
    created = _created(version, history)
    try:
        run = store.run(version.run_id) if version.run_id else None
    except AutotrackException:
        run = None
    metrics, measured = metrics_of(store, run, version.model_id), {}
    datasets = datasets_of(run) if run is not None else []
    if run is None and created is not None and isinstance(created.change, VersionCreated):
        metrics, datasets = dict(created.change.metrics), [dict(one) for one in created.change.datasets]
    elif version.model_id is not None:
        measured = {one.key: one.dataset_digest for one in store.model(version.model_id).metrics if one.dataset_digest}
    number = created.number if created is not None else 0
    return Evidence(
        version=version.version,
        author=version.user_id or "",
        metrics=metrics,
        measured=measured,
        datasets=datasets,
        tags=version.tags,
        signature=version.signature,
        approvals=[entry.author.user for entry in history if entry.number > number and _approves(entry, version, to)],
    )


def _created(version: ModelVersion, history: Sequence[Entry]) -> Entry | None:
    return next(
        (
            entry
            for entry in history
            if isinstance(entry.change, VersionCreated) and str(entry.change.version) == version.version
        ),
        None,
    )


def _approves(entry: Entry, version: ModelVersion, to: str) -> bool:
    change = entry.change
    return isinstance(change, Approved) and str(change.version) == version.version and change.to in ("", to)
