"""What people ask of their runs, written down: the same answers in a directory, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from corpus import logic, numbers, texts
from corpus.runs import RUNS, Run, fill, there
from databases import Recorder, opened
from journals import Journal

from autotrack.event import Params
from autotrack.store import Questions, Search, Store

TOPICS = {
    "metrics": numbers.LAST, "readings": numbers.READINGS, "numbers": numbers.PARAMETERS, "texts": texts.PARAMETERS,
    "tags": texts.TAGS, "attributes": texts.ATTRIBUTES, "origins": texts.ORIGINS, "quoted": texts.QUOTED,
    "times": logic.TIMES, "lengths": logic.LENGTHS, "joined": logic.JOINED,
}  # fmt: skip


@pytest.fixture(scope="module", params=["a directory", "SQLite", "PostgreSQL"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Questions]:
    """The runs, in each kind of store."""
    directory = tmp_path_factory.mktemp("corpus")
    if request.param == "a directory":
        made = Store(directory / "store")
        fill(made)
        made.refresh()
        made._ingest.catch_up = lambda _run=None: None  # they stand still: what is asked is the search alone
        yield made
        made.close()
    elif request.param == "SQLite":
        yield from _filled(f"sqlite:///{directory / 'autotrack.db'}")
    else:
        with request.getfixturevalue("postgresql_server").database() as url:
            yield from _filled(url)


def _filled(url: str) -> Iterator[Questions]:
    with opened(url) as made:
        fill(made)
        yield made


@pytest.mark.parametrize("topic", TOPICS)
def test_a_question_finds_what_it_means(store: Questions, topic: str):
    """All that differ from their meaning are named at once."""
    wrong = {}
    for text, meets in TOPICS[topic]:
        found = {row.info.run_name for row in store.rows(Search(filter=text, limit=1000))[0]}
        meant = {run.name for run in RUNS if meets(run)}
        if found != meant:
            wrong[text] = {"found": sorted(found - meant), "missed": sorted(meant - found)}
    assert wrong == {}


@pytest.mark.parametrize("size", [5, 1000])
def test_an_order_holds_over_all_pages(store: Questions, size: int):
    """By several fields: numbers or texts, then NaN, then what lacks the field; then the newest, then the id."""
    for text, order, terms in logic.ORDERS:
        meant = [row.info.run_id for row in store.rows(Search(filter=text, limit=1000))[0]]
        known = {run.run_id: run for run in RUNS}
        for value, descending in reversed(terms):
            meant = _sorted([known[run_id] for run_id in meant], value, descending)
        found, token = [], None
        while True:
            page, token = store.rows(Search(filter=text, order_by=order, limit=size, token=token))
            found += [row.info.run_id for row in page]
            if token is None:
                break
        assert found == meant, order


def _sorted(runs: list[Run], value: Any, descending: bool) -> list[str]:
    with_value = [run for run in runs if there(value(run)) and value(run) == value(run)]
    nan = [run for run in runs if there(value(run)) and value(run) != value(run)]
    without = [run for run in runs if not there(value(run))]
    return [run.run_id for run in [*sorted(with_value, key=value, reverse=descending), *nan, *without]]


def test_the_corpus_says_something():
    """Three hundred questions and more, nearly all of which tell runs apart, and no two of which are the same."""
    every = [question for topic in TOPICS.values() for question in topic]
    assert len(every) >= 300
    assert len({text for text, _ in every}) == len(every)
    telling = [text for text, meets in every if 0 < sum(bool(meets(run)) for run in RUNS) < len(RUNS)]
    assert len(telling) > 0.9 * len(every)


@pytest.mark.parametrize("kind", ["a directory", "SQLite", "PostgreSQL"])
def test_runs_that_are_added_shift_no_page(request: pytest.FixtureRequest, tmp_path: Path, kind: str):
    """Whatever the order, whoever goes from page to page sees each of the runs that were there once, in their order;
    others begin before and behind the place where he is."""
    with ExitStack() as open_ones:
        if kind == "a directory":
            asked: Questions = Store(tmp_path / "store")
            recorder: Any = Journal(tmp_path / "store")
        else:
            url = f"sqlite:///{tmp_path / 'autotrack.db'}"
            if kind == "PostgreSQL":
                url = open_ones.enter_context(request.getfixturevalue("postgresql_server").database())
            recorder = Recorder(database := open_ones.enter_context(opened(url)))
            asked = database

        def add(name: str, value: float, start: int) -> str:
            run = recorder.run(name, start)
            run.point("loss", value, 0, start)
            run.event(Params({"lr": str(value)}), start)
            return str(run.run_id)

        for order in ([], ["start_time"], ["metrics.loss DESC"], ["best(loss)", "run_name"], ["number(lr)", "status"]):
            old = {add(f"old {n}", n % 4, 1000 + n % 3) for n in range(9)}
            whole = [row.info.run_id for row in asked.rows(Search(order_by=order))[0]]
            seen, token = [], None
            while True:
                page, token = asked.rows(Search(order_by=order, limit=4, token=token))
                seen += [row.info.run_id for row in page]
                if token is None:
                    break
                if len(seen) < 12:
                    for value in (-1.0, 1.5, 9.0):
                        add("new", value, 500 if value < 0 else 5000)
            assert len(seen) == len(set(seen))
            assert [one for one in seen if one in whole] == whole
            assert old <= set(seen)
