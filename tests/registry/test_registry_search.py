"""Searching registered models and versions, in MLflow's grammar and beyond it."""

from __future__ import annotations

import pytest
from registries import BUCKET, refused

from autotrack.client import Client


@pytest.fixture
def filled(client: Client, version) -> Client:
    """Three models, five versions."""
    version("alpha", tags={"k": "1"})
    version("alpha", source="s3://models/two")
    version("beta", tags={"k": "2"})
    version("beta")
    version("it's")
    client.set_registered_model_tag("alpha", "team", "ml")
    client.set_registered_model_tag("beta", "team", "ops")
    client.transition_model_version_stage("beta", 1, "Production")
    return client


MODELS = [
    (None, ["alpha", "beta", "it's"]),
    ("", ["alpha", "beta", "it's"]),
    ("name = 'alpha'", ["alpha"]),
    ("name != 'alpha'", ["beta", "it's"]),
    ("name LIKE '%A'", []),
    ("name ILIKE '%A'", ["alpha", "beta"]),
    ("name IN ('alpha', 'it''s')", ["alpha", "it's"]),
    ("tags.team = 'ml' OR name LIKE 'it%'", ["alpha", "it's"]),
    ("NOT (tags.team = 'ml')", ["beta", "it's"]),
    ("tags.`mlflow.prompt.is_prompt` != 'true'", ["alpha", "beta", "it's"]),
    ("name = 'alpha' AND tags.`mlflow.prompt.is_prompt` != 'true'", ["alpha"]),
    ("tags.`mlflow.prompt.is_prompt` = 'true'", []),
    ("creation_timestamp > 0", ["alpha", "beta", "it's"]),
]

VERSIONS = [
    ("name = 'alpha'", ["alpha 2", "alpha 1"]),
    ("version_number >= 2", ["alpha 2", "beta 2"]),
    ("tags.k = '1'", ["alpha 1"]),
    ("current_stage = 'Production'", ["beta 1"]),
    ("source_path LIKE '%two'", ["alpha 2"]),
    ("name = 'it''s'", ["it's 1"]),
    ("name LIKE 'a%' AND tags.`mlflow.prompt.is_prompt` != 'true'", ["alpha 2", "alpha 1"]),
    ("run_id IN ('x')", []),
]


def test_registered_models_that_match(filled: Client):
    """By name, tags and times; by name unless ordered otherwise."""
    for condition, names in MODELS:
        assert [one.name for one in filled.search_registered_models(condition)] == names, condition


def test_versions_that_match(filled: Client):
    """In an order that is asked for."""
    for condition, expected in VERSIONS:
        found = filled.search_model_versions(condition, order_by=["name ASC", "version_number DESC"])
        assert [f"{one.name} {one.version}" for one in found] == expected, condition


def test_pages(filled: Client):
    """Each goes on where the one before ended, also when something is added between."""
    first = filled.search_model_versions(max_results=2, order_by=["name"])
    assert [(one.name, one.version) for one in first] == [("alpha", "2"), ("alpha", "1")]
    filled.create_model_version("alpha", BUCKET)
    second = filled.search_model_versions(max_results=9, order_by=["name"], page_token=first.token)
    assert [(one.name, one.version) for one in second] == [("beta", "2"), ("beta", "1"), ("it's", "1")]
    assert second.token is None
    newest = filled.search_model_versions(max_results=1)
    assert (newest[0].name, newest[0].version) == ("alpha", "3")
    with refused(says="page token"):
        filled.search_registered_models(page_token=first.token)


def test_what_cannot_be_searched_by_is_named(filled: Client):
    """With what can be."""
    with refused(says="'color' is no attribute of a registered model"):
        filled.search_registered_models("color = 'red'")
    with refused(says="did you mean 'version_number'"):
        filled.search_model_versions("version_numbr = 3")
    with refused(says="is a number"):
        filled.search_model_versions("version_number = '3'")
    with refused(says="max_results"):
        filled.search_model_versions(max_results=0)
