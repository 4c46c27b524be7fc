"""Searches that differ in values only are found by the same statements, each with its own values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product

import pytest
from databases import Recorder, opened, point
from sqlalchemy import event

from autotrack.event import DatasetUsed, Params, Tags
from autotrack.journal.format import experiment_id
from autotrack.store import Search, searches
from autotrack.store.database import DatabaseStore
from autotrack.store.search import sql
from autotrack.store.tables import INDEXED, storable

EXPERIMENT = experiment_id("exp")
LONG = "x" * INDEXED
VALUES = (0.0, 1.0, 2.5, -math.inf, math.inf, math.nan)
TEXTS = ("", "a", "ä \U0001f600", "nul \0", "half \ud800", LONG[:-1], LONG, LONG + "1", "1", "10")


@pytest.fixture
def store(database: str) -> Iterator[DatabaseStore]:
    """A run for each value and text, on a database of each kind."""
    with opened(database) as found:
        recorder = Recorder(found)
        for number, value in enumerate(VALUES):
            run = recorder.run(f"v{number}", 1000 + number)
            found.editor.points(run.run_id, [point("loss", value)])
        for number, text in enumerate(TEXTS):
            run = recorder.run(f"t{number}", 2000 + number)
            found.editor.event(run.run_id, Params({"text": text}))
            found.editor.event(run.run_id, Tags({"text": text}))
        yield found


def names(store: DatabaseStore, where: str, **more: object) -> set[str]:
    """The runs that a filter finds, asked three times: as it is new, known, and known to be met by many or few."""
    search = Search([EXPERIMENT], where, **more)  # type: ignore[arg-type]  # as the test says
    found = [{row.info.run_name for row in store.rows(search)[0]} for _ in range(3)]
    assert found[0] == found[1] == found[2]
    assert store.count_found(search) == len(found[0])
    return found[0]


@pytest.mark.parametrize("few", [0, 500])
def test_each_value_finds_its_own(store: DatabaseStore, monkeypatch: pytest.MonkeyPatch, few: int):
    """Whether what meets a condition is named one by one or not."""
    monkeypatch.setattr(sql, "FEW", few)
    monkeypatch.setattr(searches, "FEW", few)
    for value in (*VALUES, 1, -5, 1e-300, 10**20):
        spelt = str(value)
        expected = {
            "=": {f"v{n}" for n, one in enumerate(VALUES) if one == value or (one != one and value != value)},
            "<": {f"v{n}" for n, one in enumerate(VALUES) if one < value},
            ">=": {f"v{n}" for n, one in enumerate(VALUES) if one >= value},
        }
        for operator, runs in expected.items():
            assert names(store, f"metrics.loss {operator} {spelt}") == runs, (operator, value)
    for number, text in enumerate(TEXTS):
        quoted = "'" + text.replace("'", "''") + "'"
        for field in ("params.text", "tags.text"):
            assert names(store, f"{field} = {quoted}") == {f"t{number}"}
            assert names(store, f"{field} != {quoted}") == {f"t{n}" for n in range(len(TEXTS))} - {f"t{number}"}
    for value in (1000, 1003.5, 2004, 0, 2**62, 2**70):
        runs = {f"v{n}" for n in range(len(VALUES)) if 1000 + n > value}
        runs |= {f"t{n}" for n in range(len(TEXTS)) if 2000 + n > value}
        assert names(store, f"start_time > {value}") == runs
    assert names(store, "number(text) < 5") == {"t8"}
    assert names(store, "number(text) < 50") == {"t8", "t9"}


ODD = ("plain", "nul \0", "half \ud800", "ä \U0001f600", "quote ' and `", "per % cent")


@pytest.mark.parametrize("odd", ODD)
def test_any_text_is_found_wherever_it_stands(store: DatabaseStore, odd: str):
    """As an attribute, a key, a pattern, of a data set, in a list and in an order: a database keeps some as escapes."""
    run = Recorder(store).run(odd, 5000)
    store.editor.event(run.run_id, Tags({odd: odd}))
    store.editor.event(run.run_id, DatasetUsed(odd, "1", "local", "{}", "", "", "train", {}))
    store.editor.points(run.run_id, [point(odd, 1.0)])
    text, key = "'" + odd.replace("'", "''") + "'", "`" + odd.replace("`", "``") + "`"
    stored = {storable(odd)}
    for where in (
        f"run_name = {text}", f"run_name IN ({text}, 'none')", f"run_name LIKE {text}", f"tags.{key} = {text}",
        f"tags.{key} IS NOT NULL", f"metrics.{key} > 0", f"dataset.name = {text}", f"tags.{key} ILIKE {text}",
        f"dataset.name IN ({text})", f"tags.{key} IN ({text})", f"run_name = {text} AND tags.{key} != 'other'",
    ):  # fmt: skip
        assert names(store, where) == stored, where
    for order in (f"tags.{key} DESC", f"metrics.{key} ASC"):
        for _ in range(3):
            assert store.rows(Search([EXPERIMENT], order_by=[order]))[0][0].info.run_name in stored


def test_one_filter_has_many_values(store: DatabaseStore):
    """Each in its own place, whatever the other ones are."""
    for low, high in ((0, 2), (1, 2), (0, 1), (2, 0)):
        found = {f"v{n}" for n, one in enumerate(VALUES) if low <= one <= high}
        assert names(store, f"metrics.loss >= {low} AND metrics.loss <= {high}") == found
        either = {f"v{n}" for n, one in enumerate(VALUES) if one in (low, high)}
        assert names(store, f"metrics.loss = {low} OR metrics.loss = {high}") == either
        assert (
            names(store, f"NOT (metrics.loss = {low} OR metrics.loss = {high}) AND run_name LIKE 'v%'")
            == {f"v{n}" for n in range(len(VALUES))} - either
        )


def test_one_value_is_met_by_few_and_another_one_by_many(store: DatabaseStore, monkeypatch: pytest.MonkeyPatch):
    """In any order, and for each of two conditions."""
    monkeypatch.setattr(sql, "FEW", 3)
    monkeypatch.setattr(searches, "FEW", 3)
    for low, high in product((2, 0, 1, 0), (1, 3, 2)):
        found = {f"v{n}" for n, one in enumerate(VALUES) if one >= low or one <= -high}
        assert names(store, f"metrics.loss >= {low} OR metrics.loss <= {-high}") == found
        both = {f"v{n}" for n, one in enumerate(VALUES) if low <= one <= high}
        assert names(store, f"metrics.loss >= {low} AND metrics.loss <= {high}") == both


def test_what_differs_in_values_is_put_together_once(store: DatabaseStore, monkeypatch: pytest.MonkeyPatch):
    """Relative times among them, which are other ones each time."""
    made: list[object] = []
    ordered = searches.ordered
    monkeypatch.setattr(searches, "ordered", lambda **asked: made.append(asked) or ordered(**asked))
    for number in range(20):
        recent = f"start_time > 'last {number + 1} days'"
        names(store, f"metrics.loss > {number / 7} AND params.text = 'm{number}' AND {recent}")
    assert len(made) == 1


def test_what_is_kept_is_limited(store: DatabaseStore, monkeypatch: pytest.MonkeyPatch):
    """However many shapes are asked for, and however many conditions are met by few or by many."""
    monkeypatch.setattr(searches, "_MOST_SHAPES", 5)
    monkeypatch.setattr(searches, "_MOST_VALUES", 4)
    monkeypatch.setattr(sql, "FEW", 0)
    monkeypatch.setattr(searches, "FEW", 0)
    for number in range(12):
        names(store, f"tags.t{number} = 'a'")
        names(store, f"metrics.loss > -{number}")
    kept = searches._kept[store.context]
    assert 0 < len(kept) <= 5
    assert 0 < max(len(one._first) for one in kept.values()) <= 4
    assert all(len(one._statements) <= searches._MOST_VARIANTS for one in kept.values())


def test_what_is_long_is_not_kept(store: DatabaseStore):
    """A list of many texts, say, which nobody asks for again."""
    wanted = ", ".join(f"'{number:032x}'" for number in range(200))
    assert names(store, f"run_id IN ({wanted})") == set()
    assert store.context not in searches._kept or not searches._kept[store.context]
    assert names(store, "run_id IN ('a')") == set()
    assert searches._kept[store.context]


def test_a_filter_that_reads_the_database_is_put_together_each_time(store: DatabaseStore):
    """What is the better value may be said otherwise at any time."""
    before = len(searches._kept.get(store.context, {}))
    for _ in range(2):
        assert names(store, "best(loss) < 1", order_by=["best(loss) ASC"]) == {"v0", "v3"}
    assert len(searches._kept.get(store.context, {})) == before


def test_the_text_of_a_statement_has_no_value_in_it(store: DatabaseStore):
    """Whatever is asked for."""
    sent: list[str] = []
    event.listen(store.database.engine, "before_cursor_execute", lambda _c, _u, text, *_: sent.append(text))
    for where in (
        "params.text = 'secret1'",
        "metrics.loss > 4711.5",
        "tags.text IN ('secret1')",
        "run_name LIKE 'secret1'",
    ):
        names(store, where)
    assert sent
    assert not [one for one in sent if "secret1" in one or "4711" in one]
