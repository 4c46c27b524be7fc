"""What MLflow's protocol has no question for: the registry's log, promotion by policies, moves that depend on what is
there, resolution in the past, and fields of runs side by side."""

from __future__ import annotations

from typing import Any

from autotrack.client.answers import COLUMNS, COMPARED, PROMOTION, VERDICT, compared
from autotrack.client.judging import binding
from autotrack.exceptions import AutotrackException
from autotrack.server import limits
from autotrack.server.experiments import paged, view
from autotrack.server.reading import reading
from autotrack.server.registry import ByName, ByVersion, Changing
from autotrack.server.request import Asked
from autotrack.server.route import Routes
from autotrack.server.service import Service
from autotrack.store import Search
from autotrack.store.registry.policy import parse, target
from autotrack.store.registry.rules import ANY, Expected
from autotrack.wire.messages import MODEL_VERSION, OWN, REGISTRY_CHANGE
from autotrack.wire.values import TEXT, Kind, several, spelled

ROUTES = Routes()
Document = dict[str, Any]
_VERSIONS = f"{OWN}/model-versions"
_ANY = Kind({"type": "object"})
MOST_COMPARED = 20


class Verify(Asked):
    """``head`` is a hash that was noted elsewhere."""

    head: str = ""


class Resolve(Asked):
    """``at`` is a moment in ms since 1970, if not now."""

    uri: str
    at: int | None = None


class Expecting(Changing, kw_only=True):
    """``expected`` is what must be there before, empty for nothing; whatever it is where it is absent."""

    name: str
    expected: str | None = None


class Moving(Expecting, kw_only=True):
    version: str
    checks: tuple[dict[str, Any], ...] = ()


class Transition(Moving, kw_only=True):
    stage: str
    archive_existing_versions: bool = False


class SetAlias(Moving, kw_only=True):
    alias: str


class Promote(Expecting, kw_only=True):
    """``policies`` is the text of a file of policies; those of the server's own project bind besides. ``origin`` says
    what the text was read from."""

    version: str
    to: str
    policies: str = ""
    origin: str = ""
    keep_others: bool = False
    only_check: bool = False


class Rollback(Expecting, kw_only=True):
    to: str


class Approve(ByVersion):
    to: str = ""


class Compare(Asked):
    """``versions`` are URIs such as ``models:/churn/3``."""

    versions: tuple[str, ...] = ()


class FieldsOfRuns(Asked):
    """``columns`` are fields as a filter has them on its left, such as ``metrics.loss`` or ``best(loss)``. Without
    ``experiment_ids`` runs of all experiments are meant."""

    experiment_ids: tuple[str, ...] | None = None
    columns: tuple[str, ...] = ()
    filter: str = ""
    run_view_type: str | int = "ACTIVE_ONLY"
    order_by: tuple[str, ...] = ()
    max_results: int | None = None
    page_token: str | None = None


@ROUTES("GET", f"{OWN}/registry/history", ByName, changes=several(REGISTRY_CHANGE.kind))
def history(service: Service, asked: ByName) -> Document:
    """All that was ever done to what has or had a name, in order, with who did it, when and why."""
    return paged("changes", [REGISTRY_CHANGE.write(one) for one in service.verbs.get_model_history(asked.name)], None)


@ROUTES("GET", f"{OWN}/registry/verify", Verify, verdict=Kind(VERDICT.schema))
def verify(service: Service, asked: Verify) -> Document:
    """Read the registry's whole log again: whether each entry is what was written and follows the one before."""
    return {"verdict": VERDICT.write(service.verbs.verify_registry(asked.head or None))}


@ROUTES("GET", f"{_VERSIONS}/resolve", Resolve, model_version=MODEL_VERSION.kind)
def resolve(service: Service, asked: Resolve) -> Document:
    """The version that a URI leads to, or led to at a moment in the past."""
    return {"model_version": MODEL_VERSION.write(service.verbs.resolve_model_version(asked.uri, asked.at))}


@ROUTES("POST", f"{_VERSIONS}/transition", Transition, model_version=MODEL_VERSION.kind)
def transition(service: Service, asked: Transition) -> Document:
    """Put a version into a stage, if it is in the expected one before."""
    found = service.verbs.transition_model_version_stage(
        asked.name, asked.version, asked.stage, asked.archive_existing_versions, reason=asked.reason,
        expected=ANY if asked.expected is None else asked.expected, checks=asked.checks,
    )  # fmt: skip
    return {"model_version": MODEL_VERSION.write(found)}


@ROUTES("POST", f"{_VERSIONS}/alias", SetAlias)
def set_alias(service: Service, asked: SetAlias) -> Document:
    """Have an alias lead to a version, if it leads to the expected one before."""
    service.verbs.set_registered_model_alias(
        asked.name, asked.alias, asked.version, reason=asked.reason, expected=_expected(asked), checks=asked.checks
    )
    return {}


@ROUTES("POST", f"{_VERSIONS}/promote", Promote, promotion=Kind(PROMOTION.schema))
def promote(service: Service, asked: Promote) -> Document:
    """Put a version into a stage, or with @ in front have an alias lead to it, if it meets the policies."""
    own = binding(asked.name, target(asked.to))
    given = parse(asked.policies, asked.origin or "the request")
    found = service.verbs.promote_by(
        [*given, *own], asked.origin or None, asked.name, asked.version, asked.to, reason=asked.reason,
        keep_others=asked.keep_others, only_check=asked.only_check, expected=_expected(asked),
    )  # fmt: skip
    return {"promotion": PROMOTION.write(found)}


@ROUTES("POST", f"{_VERSIONS}/rollback", Rollback, promotion=Kind(PROMOTION.schema))
def rollback(service: Service, asked: Rollback) -> Document:
    """Put the version back that was in a stage, or that an alias led to, before the present one."""
    found = service.verbs.rollback_model_version(asked.name, asked.to, reason=asked.reason, expected=_expected(asked))
    return {"promotion": PROMOTION.write(found)}


@ROUTES("POST", f"{_VERSIONS}/approve", Approve, change=REGISTRY_CHANGE.kind)
def approve(service: Service, asked: Approve) -> Document:
    """Say in one's own name that a version may go to a stage or alias, or anywhere."""
    found = service.verbs.approve_model_version(asked.name, asked.version, to=asked.to, reason=asked.reason)
    return {"change": REGISTRY_CHANGE.write(found)}


@ROUTES("GET", f"{_VERSIONS}/lineage", ByVersion, model_version=MODEL_VERSION.kind, model=_ANY, run=_ANY, code=_ANY,
        data=several(_ANY), metrics=_ANY, params=_ANY, environment=_ANY, siblings=several(TEXT))  # fmt: skip
def lineage(service: Service, asked: ByVersion) -> Document:
    """What a version was made of: its run and logged model, code, data, metrics, parameters and environment, and the
    other versions of the same content."""
    with reading(service) as client:
        found = client.get_model_version_lineage(asked.name, asked.version)
        version = MODEL_VERSION.write(client.get_model_version(asked.name, asked.version))
    metrics = {key: spelled(value) for key, value in found["metrics"].items()}
    del found["version"]
    return {"model_version": version, **found, "metrics": metrics}


@ROUTES("GET", f"{_VERSIONS}/compare", Compare, parts=Kind(COMPARED.schema))
def compare(service: Service, asked: Compare) -> Document:
    """Versions side by side, part by part; of each part the keys whose values differ come first."""
    if len(asked.versions) > MOST_COMPARED:
        raise AutotrackException.invalid(
            f"at most {MOST_COMPARED} versions are compared; given are {len(asked.versions)}"
        )
    with reading(service) as client:
        named = [client.resolve_model_version(uri) for uri in asked.versions]
        return {"parts": compared(client.compare_model_versions([(one.name, one.version) for one in named]))}


@ROUTES("POST", f"{OWN}/runs/columns", FieldsOfRuns, reads=True, columns=Kind(COLUMNS.schema))
def columns(service: Service, asked: FieldsOfRuns) -> Document:
    """Any fields of one page of runs, side by side."""
    search = Search(
        asked.experiment_ids, asked.filter, view(asked.run_view_type), asked.order_by,
        limits.page(asked.max_results, 1000, 50_000), asked.page_token or None,
    )  # fmt: skip
    found = service.store.columns(search, asked.columns)
    return {"columns": COLUMNS.write(found)}


def _expected(asked: Expecting) -> Expected:
    return ANY if asked.expected is None else asked.expected or None
