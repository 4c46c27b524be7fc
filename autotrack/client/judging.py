"""What is known of a version when it is to be promoted, and the policies of a project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from autotrack.client.sources import datasets_of, metrics_of
from autotrack.entities import ModelVersion
from autotrack.exceptions import AutotrackException
from autotrack.settings import default_store
from autotrack.store import Questions
from autotrack.store.registry.changes import Approved
from autotrack.store.registry.names import ACTIVE_STAGES
from autotrack.store.registry.policy import Check, Evidence, Policy, judge, parse

POLICY_FILE = "autotrack-policies.toml"


def policies_of(file: str | Path | None) -> tuple[tuple[Policy, ...], Path | None]:
    """The policies of a file, by default of the project's ``autotrack-policies.toml`` if it has one; and the file."""
    text, found = policies_text(file)
    return parse(text, str(found)), found


def policies_text(file: str | Path | None) -> tuple[str, Path | None]:
    """The same as they are written."""
    if file is None:
        places = dict.fromkeys(place / POLICY_FILE for place in (Path.cwd(), default_store().parent))
        found = next((place for place in places if place.is_file()), None)
        if found is None:
            return "", None
    else:
        found = Path(file).expanduser()
    try:
        return found.read_text("utf-8"), found
    except (OSError, UnicodeDecodeError) as error:
        raise AutotrackException.invalid(f"{found} cannot be read: {error}") from None


def binding(name: str, to: str) -> tuple[Policy, ...]:
    """The project's policies that bind whoever puts a version there by the registry's own verbs. Taking one out of
    service, to None or Archived, is bound by a policy that names that stage, not by one for all."""
    active = to.startswith("@") or to in ACTIVE_STAGES
    return tuple(one for one in policies_of(None)[0] if one.concerns(name, to) and (active or to in one.to))


def demanded(
    store: Questions, policies: Sequence[Policy], version: ModelVersion, to: str, present: ModelVersion | None
) -> list[Check]:
    """The checks that some policies make; raises, naming those that are not met."""
    old = None if present is None else evidence_of(store, present, to)
    checks = judge(policies, version.name, to, evidence_of(store, version, to), old)
    missed = "; ".join(f"{check.demand}: {check.found}" for check in checks if not check.passed)
    if missed:
        raise AutotrackException(
            f"version {version.version} of {version.name!r} may not go to {to}: {POLICY_FILE} demands {missed}. "
            f"`autotrack models promote {version.name} {version.version} --to {to} --check` shows every check",
            "PERMISSION_DENIED",
        )
    return checks


def evidence_of(store: Questions, version: ModelVersion, to: str) -> Evidence:
    """What is known of a version, its run and who approved of its going there. What is gone is as the log has it."""
    approvals = store.registry.own_history(version.name, kinds=[Approved.kind], version=version.version)
    metrics, measured, datasets = _measured(store, version)
    return Evidence(
        version=version.version,
        author=version.user_id or "",
        metrics=metrics,
        measured=measured,
        datasets=datasets,
        tags=version.tags,
        signature=version.signature,
        approvals=[one.author.user for one in approvals if getattr(one.change, "to", "") in ("", to)],
    )


def _measured(
    store: Questions, version: ModelVersion
) -> tuple[dict[str, float], dict[str, str], Sequence[Mapping[str, str]]]:
    """A version's metrics, the data that each was computed on where it was logged with them, and what its run read."""
    try:
        run = store.run(version.run_id) if version.run_id else None
        model = store.model(version.model_id) if version.model_id else None
    except AutotrackException:  # the files are gone
        created = store.registry.created(version.name, version.version)
        return dict(created.metrics), {}, created.datasets
    metrics = metrics_of(store.model, run, version.model_id)
    linked = [] if model is None else model.metrics
    measured = {one.key: one.dataset_digest for one in linked if one.dataset_digest}
    return metrics, measured, [] if run is None else datasets_of(run)
