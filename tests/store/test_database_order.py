"""Texts in a database: their order, those that are longer than an index holds, and how little a search asks for."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from databases import Recorder, opened, statements
from sqlalchemy import Text, inspect

from autotrack.client import Client
from autotrack.entities import Metric, Param, RunTag
from autotrack.store import Search, tables
from autotrack.store.database import DatabaseStore
from autotrack.store.database.tables import own

SAME = "x" * (tables.INDEXED - 1)
TEXTS = [
    "", "10", "9", "A", "Z", "a", SAME, f"{SAME}y", f"{SAME}ya", f"{SAME}yb", f"{SAME}z", f"{SAME}z\ud800", "é", "日本",
]  # fmt: skip
"""In the order of their code points."""


@pytest.fixture
def store(database: str) -> Iterator[DatabaseStore]:
    """A run for each of the texts, in an order of their own."""
    with opened(database) as store:
        _fill(store)
        yield store


def _fill(store: DatabaseStore) -> None:
    client = Client.on(store)
    for text in [*TEXTS[::2], *TEXTS[1::2]]:
        run = client.create_run("0", run_name=f"run {text}").info.run_id
        client.log_batch(run, [Metric("m", len(text), 0, 0)], [Param("text", text)], [RunTag("text", text)])


def _texts(store: DatabaseStore, order: str, filter: str = "", limit: int = 100) -> list[str]:  # noqa: A002 - as Search
    found: list[str] = []
    token = None
    while True:
        page, token = store.rows(Search(None, filter, order_by=[order], limit=limit, token=token))
        found += [row.params["text"] for row in page]
        if token is None:
            return found


@pytest.mark.parametrize("order", ["params.text", "tags.text", "run_name"])
def test_texts_are_sorted_by_all_their_characters(store: DatabaseStore, order: str):
    """Also by those that no index holds, and from page to page."""
    expected = [tables.storable(text) for text in TEXTS]
    assert _texts(store, f"{order} ASC") == expected
    assert _texts(store, f"{order} DESC", limit=1) == expected[::-1]
    assert _texts(store, f"{order} ASC", limit=3) == expected


def test_a_text_is_found_by_all_its_characters(store: DatabaseStore):
    """Whether an index holds them or not."""
    for text in TEXTS:
        said = text.replace("\ud800", "\\ud800")
        for field in ("params.text", "tags.text"):
            assert _texts(store, "run_name", f"{field} = '{said}'") == [tables.storable(text)]
            assert len(_texts(store, "run_name", f"{field} != '{said}'")) == len(TEXTS) - 1
    for one, other in pairwise(one for one in TEXTS if one.isprintable()):
        found = _texts(store, "params.text ASC", f"params.text IN ('{one}', '{other}')")
        assert found == [one, other]


def test_no_text_is_in_an_order_of_the_database_s_own(postgresql: str):
    """Which would have its own idea of capitals and accents, as its locale says."""
    with opened(postgresql) as store:
        known = inspect(store.database.engine)
        for table in (*tables.records.sorted_tables, *own.sorted_tables):
            for column in known.get_columns(table.name):
                assert not isinstance(column["type"], Text) or column["type"].collation == "C", (table, column)


def test_a_search_asks_twice(store: DatabaseStore):
    """Once for what its conditions find by indexes, however many they are, and once for the page."""
    search = Search(None, "params.text != 'a' AND metrics.m < 1000 AND tags.text = '9' AND number(text) > 2", limit=5)
    with statements(store) as sent:
        rows, _ = store.rows(search)
    assert [row.params["text"] for row in rows] == ["9"]
    assert len([one for one in sent if "ORDER BY" in one]) == 1
    assert len([one for one in sent if "LIMIT" in one]) == 2


def test_postgresql_answers_from_indexes_alone(postgresql: str):
    """What meets a condition on a parameter or tag is told without a look at its row."""
    with opened(postgresql) as store:
        recorder = Recorder(store)
        for _ in range(3):
            recorder.run("one")
        with store.database.engine.connect() as connection:
            question = "SELECT run FROM params WHERE key = 'lr' AND beginning = '0.1'"
            connection.exec_driver_sql("SET enable_seqscan = off")
            connection.exec_driver_sql("SET enable_bitmapscan = off")
            plan = "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {question}"))
    assert "Index Only Scan using params_by_value" in plan
