"""The present state in the index, and a past one rebuilt from the log: two readings of one thing."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from registries import code_of

from autotrack.store import Store, tables
from autotrack.store.registry import chain, rules
from autotrack.store.registry.book import Book, Past
from autotrack.store.registry.changes import Author, Change, VersionCreated
from autotrack.store.registry.rows import STATE, SqlBook

NAMES, NUMBERS = st.sampled_from("abc"), st.integers(1, 4)
STAGES = st.sampled_from(["None", "staging", "Production", "Archived"])
ALIASES = st.sampled_from(["live", "next"])
WISHES = st.one_of(
    st.tuples(st.just("create"), NAMES),
    st.tuples(st.just("rename"), NAMES, NAMES),
    st.tuples(st.just("delete"), NAMES),
    st.tuples(st.just("tag"), NAMES, st.sampled_from(["1", None])),
    *[st.tuples(st.just("version"), NAMES)] * 3,
    st.tuples(st.just("delete version"), NAMES, NUMBERS),
    st.tuples(st.just("tag version"), NAMES, NUMBERS, st.sampled_from(["1", None])),
    st.tuples(st.just("stage"), NAMES, NUMBERS, STAGES, st.booleans()),
    st.tuples(st.just("alias"), NAMES, ALIASES, NUMBERS | st.none()),
    st.tuples(st.just("describe"), NAMES, NUMBERS),
)

DECIDE = {
    "create": lambda book, name: rules.create_model(book, name, {"k": "v"}, "text"),
    "rename": rules.rename_model,
    "delete": rules.delete_model,
    "tag": lambda book, name, value: rules.tag_model(book, name, "k", value),
    "version": lambda book, name: rules.create_version(book, VersionCreated(name, 0, "s3://x", tags={"k": "v"})),
    "delete version": rules.delete_version,
    "tag version": lambda book, name, number, value: rules.tag_version(book, name, number, "k", value),
    "stage": lambda book, name, number, stage, archive: rules.move_stage(book, name, number, stage, archive=archive),
    "alias": rules.move_alias,
    "describe": lambda book, name, number: rules.describe_version(book, name, number, "text"),
}


def rows(book: Book) -> dict[str, list[dict[str, object]]]:
    """All that a book holds."""
    return {table.name: sorted(book.find(table), key=repr) for table in STATE}


@given(st.lists(WISHES, max_size=25))
@settings(max_examples=12, deadline=None)
def test_the_index_and_the_log_tell_the_same(wishes):
    """Whatever is done, at each moment; what is refused leaves no trace; aliases never lead nowhere."""
    with tempfile.TemporaryDirectory() as place:
        store = Store(Path(place) / "store")
        done = 0
        for what, *given_ in [("create", "a"), ("version", "a"), *wishes]:

            def decide(book: Book, what: str = what, given_: list = given_) -> Change:
                return DECIDE[what](book, *given_)

            done += code_of(lambda decide=decide: store.registry.change(decide, Author("ada"))) is None
        present = store._ask_registry(lambda connection: rows(SqlBook(connection)))
        past = Past(chain.entries(store.directory))
        assert present == rows(past)
        assert store.registry.verify() == chain.Verdict(done, store.registry.head() if done else "")
        versions = {(row["model"], row["version"]) for row in past.find(tables.model_versions)}
        leads = {(row["model"], row["version"]) for row in past.find(tables.registered_model_aliases)}
        assert leads <= versions
        store.reindex()
        assert store._ask_registry(lambda connection: rows(SqlBook(connection))) == present
        store.close()


def test_an_index_that_is_deleted_is_built_anew(client, version, store: Path):
    """From the log alone; whoever had it open goes on."""
    version()
    client.set_registered_model_alias("m", "live", 1)
    for path in store.glob("index.db*"):
        path.unlink()
    assert client.get_registered_model("m").aliases == {"live": "1"}


def test_a_store_that_only_has_a_registry(client):
    """Nothing is made by asking; the first change makes the store."""
    assert client.search_registered_models() == []
    assert not client.store.directory.exists()
    client.create_registered_model("m")
    assert (client.store.directory / "registry" / "1.json").exists()
    assert [one.name for one in client.search_registered_models()] == ["m"]
