"""The grammar of filters and orders, its errors, and pages."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest
from journals import Journal
from sqlalchemy.dialects import postgresql

from autotrack.event import Params
from autotrack.exceptions import AutotrackException
from autotrack.store import Search, Store, tables
from autotrack.store.context import LocalContext
from autotrack.store.dialect import like
from autotrack.store.search.parse import parse_filter, parse_orders
from autotrack.store.search.sql import condition
from autotrack.store.search.tree import (
    AllOf,
    Among,
    AnyOf,
    Compare,
    Field,
    Kind,
    Not,
    Operator,
    Order,
    Present,
    Reading,
    Unit,
)
from autotrack.store.search.vocabulary import EXPERIMENTS, MODELS, RUNS
from autotrack.store.target import _target

LOSS = Compare(Field(Kind.METRIC, "loss", numeric=True), Operator.LESS, 1)
START = Field(Kind.ATTRIBUTE, "start_time", numeric=True, unit=Unit.MOMENT)
SVM = Compare(Field(Kind.PARAM, "model", numeric=False), Operator.EQUAL, "svm")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("metrics.loss < 1", LOSS),
        ("  metric.`loss`<1  and", LOSS),
        ('metrics."loss" < 1 AND params.model = "svm"', AllOf((LOSS, SVM))),
        ("metrics.loss < 1 OR metrics.loss < 1 and params.model='svm'", AnyOf((LOSS, AllOf((LOSS, SVM))))),
        ("NOT (metrics.loss < 1 or params.model = 'svm')", Not(AnyOf((LOSS, SVM)))),
        ("metrics.train/loss.x-y:z >= -1.5e-3",
         Compare(Field(Kind.METRIC, "train/loss.x-y:z", True), Operator.GREATER_OR_EQUAL, -0.0015)),
        ("tags.mlflow.user like 'a''b%'", Compare(Field(Kind.TAG, "mlflow.user", False), Operator.LIKE, "a'b%")),
        ("tags.'my tag' = 'x'", Compare(Field(Kind.TAG, "my tag", False), Operator.EQUAL, "x")),
        ("tags.`a``b` != ''", Compare(Field(Kind.TAG, "a`b", False), Operator.NOT_EQUAL, "")),
        ("params.and = 'or'", Compare(Field(Kind.PARAM, "and", False), Operator.EQUAL, "or")),
        ("run_id not in ('a', 'b',)", Among(Field(Kind.ATTRIBUTE, "run_id", False), ("a", "b"), negated=True)),
        ("`run name` = 'x'", Compare(Field(Kind.ATTRIBUTE, "run_name", False), Operator.EQUAL, "x")),
        ("Created > 5", Compare(START, Operator.GREATER, 5)),
        ("tags.x IS NULL", Present(Field(Kind.TAG, "x", False), negated=True)),
        ("params.x is not null", Present(Field(Kind.PARAM, "x", False))),
        ("params.lr <= 0.1",
         Compare(Field(Kind.PARAM, "lr", True, Reading.NUMBER), Operator.LESS_OR_EQUAL, 0.1)),
        ("number(lr) IN (1, 2)", Among(Field(Kind.PARAM, "lr", True, Reading.NUMBER), (1, 2))),
        ("BEST(val/loss) < 1", Compare(Field(Kind.METRIC, "val/loss", True, Reading.BEST), Operator.LESS, 1)),
        ("mean(metrics.`a b`) < 1", Compare(Field(Kind.METRIC, "a b", True, Reading.MEAN), Operator.LESS, 1)),
        ("max(val.loss) < 1", Compare(Field(Kind.METRIC, "val.loss", True, Reading.MAXIMUM), Operator.LESS, 1)),
        ("tags.a NOT ilike 'x%'", Compare(Field(Kind.TAG, "a", False), Operator.NOT_ILIKE, "x%")),
        ("run_name RLIKE '^a|b$'", Compare(Field(Kind.ATTRIBUTE, "run_name", False), Operator.RLIKE, "^a|b$")),
        ("metrics.a BETWEEN 1 AND 2", AllOf((
            Compare(Field(Kind.METRIC, "a", True), Operator.GREATER_OR_EQUAL, 1),
            Compare(Field(Kind.METRIC, "a", True), Operator.LESS_OR_EQUAL, 2),
        ))),
        ("start_time < '2026-11-20T00:00Z'", Compare(START, Operator.LESS, 1795132800000)),
        ("start_time <= '2026-11-20T00:00Z'", Compare(START, Operator.LESS, 1795132860000)),
        ("start_time > '2026-11-20T00:00:00.5Z'", Compare(START, Operator.GREATER_OR_EQUAL, 1795132800501)),
        ("start_time IN '2026-11-20T01:00+01:00'", AllOf((
            Compare(START, Operator.GREATER_OR_EQUAL, 1795132800000), Compare(START, Operator.LESS, 1795132860000),
        ))),
        ("duration > '1.5 min'",
         Compare(Field(Kind.ATTRIBUTE, "duration", True, unit=Unit.SECONDS), Operator.GREATER, 90.0)),
        ("parent = 'x'", Compare(Field(Kind.TAG, "mlflow.parentRunId", False), Operator.EQUAL, "x")),
        ("dataset.context IN ('train')", Among(Field(Kind.DATASET, "context", False), ("train",))),
        ("", None),
        (" \n", None),
    ],
)  # fmt: skip
def test_a_filter_is_read(text: str, tree: Any):
    """MLflow's grammar, and OR, NOT, parentheses and IN everywhere."""
    assert parse_filter(text, RUNS) == tree


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("metrics.loss < 'x'", 16, "0.5"),
        ("tags.lr = 0.1", 11, "quoted"),
        ("params.lr = rate", 13, "quoted"),
        ("best(metrics.loss < 1", 19, ")"),
        ("best(params.lr) < 1", 6, "metrics"),
        ("worst(loss) < 1", 1, "best, min"),
        ("start_time > 'soon'", 14, "2026-11-20"),
        ("duration > 'long'", 12, "5 min"),
        ("tags.a RLIKE '('", 14, "RE2"),
        ("tags.a NOT < 'a'", 12, "IN, BETWEEN"),
        ("metrics.a BETWEEN 1 OR 2", 21, "AND"),
        ("metrics.loss LIKE 'x'", 14, "= != < <= > >="),
        ("params.lr < '1'", 11, "NOT RLIKE"),
        ("status", 7, "the end"),
        ("status = ", 10, "the end"),
        ("statsu = 'x'", 1, "did you mean 'status'"),
        ("metrix.a = 1", 1, "did you mean 'metrics'"),
        ("dataset.nam = 'x'", 1, "name, digest, context"),
        ("(status = 'x'", 14, "AND, OR or )"),
        ("status = 'x')", 13, "AND, OR or the end"),
        ("status = 'x' status = 'y'", 14, "AND, OR or the end"),
        ("tags.a = 'x", 10, "never closed"),
        ("tags.a = 'x'; DROP TABLE runs", 13, "';'"),
        ("tags.a IS 'x'", 11, "NULL"),
        ("tags.a IN 'x'", 11, "("),
        ("tags.a IN ()", 12, "quoted"),
        ("AND", 1, "AND"),
        ("(" * 60 + "status = 'x'" + ")" * 60, 51, "50 levels"),
        (" AND ".join(["status = 'x'"] * 500), 400 * 17 + 1, "400 conditions"),
    ],
)
def test_a_wrong_filter_says_where_and_what_to_do(text: str, place: int, says: str):
    """One line that shows the place in the text."""
    with pytest.raises(AutotrackException) as caught:
        parse_filter(text, RUNS)
    assert caught.value.error_code == "INVALID_PARAMETER_VALUE"
    assert f"at character {place}:" in caught.value.message
    assert says in caught.value.message
    assert "→" in caught.value.message
    assert "\n" not in caught.value.message


def test_an_order_is_read():
    """A field and its direction; a data set gives no order, a run may have several."""
    assert parse_orders(["metrics.`my loss` DESC", "start_time"], RUNS) == (
        Order(Field(Kind.METRIC, "my loss", numeric=True), descending=True),
        Order(START),
    )
    for wrong in ("dataset.name", "start_time DOWN", "nothing", "start_time, end_time"):
        with pytest.raises(AutotrackException, match="invalid order_by at character"):
            parse_orders([wrong], RUNS)


def test_each_kind_of_thing_has_its_own_fields():
    """Experiments have tags but no metrics, models have metrics but no data sets of their own."""
    assert parse_filter("name LIKE 'a%' AND tags.x = 'y' AND creation_time > 5", EXPERIMENTS)
    assert parse_filter("source_run_id = 'x' AND metrics.acc > 0.5", MODELS)
    for text, vocabulary in [("metrics.a > 1", EXPERIMENTS), ("dataset.name = 'x'", MODELS), ("name = 'x'", RUNS)]:
        with pytest.raises(AutotrackException, match="invalid filter at character 1"):
            parse_filter(text, vocabulary)


def test_a_value_is_never_part_of_the_statement(tmp_path: Path):
    """Not for SQLite and not for PostgreSQL, whose SQL says the same."""
    tree = parse_filter(
        "params.`x' OR 1=1` = 'y'' OR 1=1' AND tags.t ILIKE 'z%' AND status LIKE 'F%' AND metrics.m IN (1, 2) "
        "AND NOT metrics.m != 3 AND artifact_uri = 'u' AND dataset.name = 'd'",
        RUNS,
    )
    clause = condition(tree, _target(LocalContext(tmp_path)))
    assert clause is not None
    for dialect in (None, postgresql.dialect()):
        compiled = clause.compile(dialect=dialect)
        assert "1=1" not in str(compiled)
        assert "x' OR 1=1" in compiled.params.values()
        assert ("ILIKE" in str(compiled)) == (dialect is not None)


def test_the_tables_are_those_of_any_database():
    """Nothing in their definition is SQLite's alone."""
    from sqlalchemy.schema import CreateIndex, CreateTable

    for table in [*tables.records.sorted_tables, *tables.cursors.sorted_tables]:
        text = str(CreateTable(table).compile(dialect=postgresql.dialect()))
        assert "WITHOUT ROWID" not in text
        for index in table.indexes:
            assert str(CreateIndex(index).compile(dialect=postgresql.dialect()))


def test_like_does_not_slow_down_on_a_hostile_pattern():
    """Its time grows with the product of the two lengths, not with a power of the number of wildcards."""
    assert not like("a" * 5000 + "b", "%a" * 100 + "%c")
    assert like("a" * 5000 + "b", "%a" * 100 + "%b")


def test_new_runs_shift_no_page(store: Path):
    """Whoever pages through runs while others start sees each of the old ones once."""
    journal = Journal(store)
    old = [journal.run(time=1000 + n % 3).run_id for n in range(9)]
    asked = Store(store)
    seen: list[str] = []
    token = None
    for _ in range(5):
        page, token = asked.rows(Search(limit=2, token=token))
        seen += [row.info.run_id for row in page]
        journal.run(time=5000)
    assert token is None
    assert sorted(seen) == sorted(old)


def test_a_token_of_another_question_is_refused(store: Path):
    """Also one that is no token at all, and a page of no size."""
    journal = Journal(store)
    for _ in range(3):
        journal.run()
    asked = Store(store)
    _, token = asked.rows(Search(limit=1))
    mark, _ = json.loads(urlsafe_b64decode(token or ""))
    empty, short = (urlsafe_b64encode(json.dumps([mark, values]).encode()).decode() for values in (None, [1]))
    for search, says in [
        (Search(limit=1, token=token, filter="status = 'x'"), "another search"),
        (Search(limit=1, token="nonsense"), "no page token"),
        (Search(limit=1, token=empty), "no page token"),
        (Search(limit=1, token=short), "no page token"),
        (Search(limit=0), "max_results"),
        (Search(limit=50_001), "max_results"),
    ]:
        with pytest.raises(AutotrackException, match=says):
            asked.rows(search)


def test_many_values_are_no_problem(store: Path):
    """Ten thousand ids in one filter, a thousand experiments, a parameter of a megabyte."""
    run = Journal(store).run()
    run.event(Params({"long": "x" * 1_000_000}), 2000)
    ids = ", ".join(f"'{n}'" for n in range(9_000))
    asked = Store(store)
    assert asked.rows(Search(filter=f"run_id IN ({ids}, '{run.run_id}')"))[0]
    assert asked.rows(Search(experiment_ids=[str(n) for n in range(1000)]))[0] == []
    assert asked.rows(Search(filter="params.long LIKE '%x' AND run_id NOT IN ('a')"))[0]
