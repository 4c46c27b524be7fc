"""The registry's functions of the module itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from registries import BUCKET, refused

import autotrack as at
from autotrack.client import Client


def test_registering_makes_the_model_if_need_be(client: Client):
    """And adds a version if it is there."""
    client.create_registered_model("source")
    client.create_model_version("source", BUCKET)
    first = at.register_model("models:/source/1", "m", tags={"n": 1})
    second = at.register_model("models:/source/1", "m", await_registration_for=0)
    assert [(one.version, one.tags) for one in (first, second)] == [("1", {"n": "1"}), ("2", {})]
    at.set_model_version_tag("m", "2", "k", "v")
    assert [one.version for one in at.search_model_versions(filter_string="name = 'm'", max_results=1)] == ["2"]
    assert [one.name for one in at.search_registered_models()] == ["m", "source"]


def test_what_cannot_be_registered_makes_no_model(client: Client):
    """The source is looked at first."""
    with refused("RESOURCE_DOES_NOT_EXIST"):
        at.register_model("runs:/nowhere/model", "m")
    assert client.search_registered_models() == []


def test_the_registry_belongs_to_the_store(store: Path, tmp_path: Path):
    """Another place for it is refused, not ignored."""
    assert at.get_registry_uri() == str(store)
    at.set_registry_uri(str(store))
    Client(str(store), registry_uri=str(store))
    for elsewhere in (lambda: at.set_registry_uri("x"), lambda: Client(str(store), registry_uri=str(tmp_path / "x"))):
        with refused(says="where runs are recorded"):
            elsewhere()


def test_nothing_is_registered_where_autotrack_is_switched_off(store: Path, monkeypatch: pytest.MonkeyPatch):
    """And a program that registers its model runs on."""
    monkeypatch.setenv("AUTOTRACK_DISABLED", "1")
    found = at.register_model("models:/m-0", "m", tags={"n": 1})
    at.set_model_version_tag("m", found.version, "k", "v")
    assert (found.name, found.version, found.tags) == ("m", "0", {"n": "1"})
    assert "AUTOTRACK_DISABLED" in (found.status_message or "")
    assert not store.exists()
