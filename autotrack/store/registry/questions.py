"""The registry: from rows to answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table, and_, func, select

from autotrack.entities import ModelVersion, RegisteredModel
from autotrack.store import tables
from autotrack.store.context import Context
from autotrack.store.dialect import batches
from autotrack.store.search.page import Page, page
from autotrack.store.search.parse import parse_filter, parse_orders
from autotrack.store.search.sql import Target, condition
from autotrack.store.search.statements import SortKey, ordered
from autotrack.store.search.tree import AllOf, AnyOf, Compare, Condition, Kind, Not, Operator
from autotrack.store.search.vocabulary import MODEL_VERSIONS, REGISTERED_MODELS

_VERSIONS = tables.model_versions.join(tables.registered_models)
PROMPT_TAG = "mlflow.prompt.is_prompt"


def find_registered(
    connection: Connection, filter_string: str | None, order_by: Sequence[str] | None, limit: int, token: str | None
) -> Page:
    """The ids of the registered models that a search finds, one page of them."""
    own = tables.registered_models.c
    target = Target(
        own.id,
        {name: own[name] for name in REGISTERED_MODELS.attributes},
        {Kind.TAG: tables.registered_model_tags},
    )
    tree = condition(_without_prompts(parse_filter(filter_string, REGISTERED_MODELS)), target)
    statements = ordered(
        key=own.id,
        source=tables.registered_models,
        where=[] if tree is None else [tree],
        orders=parse_orders(order_by, REGISTERED_MODELS),
        ties=[SortKey(own.name)],
        target=target,
    )
    return page(connection, statements, limit=limit, token=token, asked=["registered models", filter_string, order_by])


def find_versions(
    connection: Connection, filter_string: str | None, order_by: Sequence[str] | None, limit: int, token: str | None
) -> Page:
    """The ids of the versions that a search finds, one page of them."""
    own, model = tables.model_versions.c, tables.registered_models.c
    columns = {"name": model.name, "version_number": own.version, "source_path": own.source, "current_stage": own.stage}
    target = Target(
        own.id,
        {name: columns[name] if name in columns else own[name] for name in MODEL_VERSIONS.attributes},
        {Kind.TAG: tables.model_version_tags},
    )
    tree = condition(_without_prompts(parse_filter(filter_string, MODEL_VERSIONS)), target)
    ties = [SortKey(model.name), SortKey(own.version, descending=True)]
    if not order_by:
        ties.insert(0, SortKey(own.last_updated_timestamp, descending=True))
    statements = ordered(
        key=own.id,
        source=_VERSIONS,
        where=[] if tree is None else [tree],
        orders=parse_orders(order_by, MODEL_VERSIONS),
        ties=ties,
        target=target,
    )
    return page(connection, statements, limit=limit, token=token, asked=["model versions", filter_string, order_by])


def _without_prompts(tree: Condition | None) -> Condition | None:
    """MLflow's client hides prompts by a condition on a tag that models lack, and means those that lack it too."""
    if isinstance(tree, AllOf | AnyOf):
        parts = (_without_prompts(part) for part in tree.parts)
        return type(tree)(tuple(part for part in parts if part is not None))
    if (
        isinstance(tree, Compare)
        and (tree.field.kind, tree.field.key) == (Kind.TAG, PROMPT_TAG)
        and (tree.operator, tree.value) in ((Operator.NOT_EQUAL, "true"), (Operator.EQUAL, "false"))
    ):
        return Not(Compare(tree.field, Operator.EQUAL, "true"))
    return tree


def registered_models(connection: Connection, context: Context, ids: Sequence[int]) -> list[RegisteredModel]:
    """The registered models of some ids, in their order."""
    found: dict[int, RegisteredModel] = {}
    for some in batches(ids):
        tags = _pairs(connection, tables.registered_model_tags, some)
        latest: dict[int, list[ModelVersion]] = {}
        for model, version in _latest(connection, context, some):
            latest.setdefault(model, []).append(version)
        aliases: dict[int, dict[str, str]] = {}
        table = tables.registered_model_aliases.c
        for row in connection.execute(select(table.model, table.alias, table.version).where(table.model.in_(some))):
            aliases.setdefault(row.model, {})[row.alias] = str(row.version)
        own = tables.registered_models
        for row in connection.execute(select(own).where(own.c.id.in_(some))):
            found[row.id] = RegisteredModel(
                name=row.name,
                creation_timestamp=row.creation_timestamp,
                last_updated_timestamp=row.last_updated_timestamp,
                description=row.description,
                latest_versions=latest.get(row.id, []),
                tags=tags.get(row.id, {}),
                aliases=dict(sorted(aliases.get(row.id, {}).items())),
            )
    return [found[one] for one in ids if one in found]


def versions(connection: Connection, context: Context, ids: Sequence[int]) -> list[ModelVersion]:
    """The versions of some ids, in their order."""
    found: dict[int, ModelVersion] = {}
    own = tables.model_versions.c
    for some in batches(ids):
        tags = _pairs(connection, tables.model_version_tags, some)
        aliases: dict[int, list[str]] = {}
        table = tables.registered_model_aliases.c
        joined = tables.model_versions.join(
            tables.registered_model_aliases, and_(table.model == own.model, table.version == own.version)
        )
        query = select(own.id, table.alias).select_from(joined).where(own.id.in_(some)).order_by(table.alias)
        for number, alias in connection.execute(query):
            aliases.setdefault(number, []).append(alias)
        rows = select(tables.model_versions, tables.registered_models.c.name).select_from(_VERSIONS)
        for row in connection.execute(rows.where(own.id.in_(some))):
            found[row.id] = version(context, row.name, dict(row._mapping), tags.get(row.id, {}), aliases.get(row.id))
    return [found[one] for one in ids if one in found]


def version(
    context: Context, name: str, row: dict[str, Any], tags: dict[str, str], aliases: Sequence[str] | None
) -> ModelVersion:
    """The version of a row, with its tags and aliases."""
    return ModelVersion(
        name=name,
        version=str(row["version"]),
        creation_timestamp=row["creation_timestamp"],
        last_updated_timestamp=row["last_updated_timestamp"],
        description=row["description"],
        user_id=row["user_id"],
        current_stage=row["stage"],
        source=row["source"],
        run_id=row["run_id"],
        tags=tags,
        run_link=row["run_link"],
        aliases=list(aliases or ()),
        model_id=row["model_id"],
        location=context.file_uri(row["location"]),
        digest=row["digest"],
        signature=row["signature"],
    )


def latest_versions(connection: Connection, context: Context, model: int) -> list[ModelVersion]:
    """The highest version of each stage, by stage."""
    found = [version for _, version in _latest(connection, context, [model])]
    return sorted(found, key=lambda one: int(one.version))


def _latest(connection: Connection, context: Context, models: Sequence[int]) -> list[tuple[int, ModelVersion]]:
    own = tables.model_versions.c
    ranked = select(own.model, own.stage, func.max(own.version).label("version"))
    top = ranked.where(own.model.in_(models)).group_by(own.model, own.stage).subquery()
    joined = tables.model_versions.join(top, and_(own.model == top.c.model, own.version == top.c.version))
    query = select(own.id, own.model).select_from(joined).order_by(own.model, own.version)
    rows = list(connection.execute(query))
    found = versions(connection, context, [row.id for row in rows])
    return [(row.model, version) for row, version in zip(rows, found, strict=True)]


def _pairs(connection: Connection, table: Table, ids: Sequence[int]) -> dict[int, dict[str, str]]:
    owner = next(iter(table.c))
    found: dict[int, dict[str, str]] = {}
    for number, key, value in connection.execute(select(owner, table.c.key, table.c.value).where(owner.in_(ids))):
        found.setdefault(number, {})[key] = value
    return found
