"""Any filter finds exactly the runs that it describes: thousands of random ones, checked one run at a time."""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from databases import Recorder, opened
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from journals import Journal

from autotrack.event import DatasetUsed, Ended, Params, Tags
from autotrack.store import Questions, Search, Store

NUMBERS = [-1.0, 0.0, 0.5, 1.0, math.nan, math.inf, -math.inf]
TEXTS = ["a", "A", "ab", "a%b", "a_b", "", "ünïcode", "ΟΔΟΣ", "İx", "it's", 'say "x"', "back`tick", "line\nend"]
PATTERNS = ["a%", "%b", "a_b", "%", "", "_", "%'%", "A%", "Ü%", "%οδοσ", "i_", "%\n%", "a%_%b"]
MARK = "`"
METRICS = ["loss", "train/acc", "odd `key'"]
PARAMS = ["lr", "model.depth"]
SPELT = [*TEXTS, "0.1", "1e-1", "10", "9", "-3", "inf", "nan", "1_0", " 2 "]
EXPRESSIONS = ["^a", "b$", "a.b", "[A-Z]", "", "x*y|%", "(?i)A", r"\d", "^$", "ü", r"\s"]
TAGS = ["team", "my tag"]


@dataclass
class Known:
    """What one run of the corpus holds."""

    run_id: str
    start_time: int
    end_time: int | None
    status: str
    run_name: str
    metrics: dict[str, float] = field(default_factory=dict)
    curves: dict[str, list[float]] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    datasets: list[tuple[str, str, str]] = field(default_factory=list)


class Corpus:
    """Forty runs of all sorts, in a store and in memory."""

    def __init__(self, store: Questions, journal: Any) -> None:
        self.runs: list[Known] = []
        for n in range(40):
            run = journal.run(TEXTS[n % len(TEXTS)], 1000 + n % 7)
            known = Known(run.run_id, 1000 + n % 7, None, "RUNNING", TEXTS[n % len(TEXTS)])
            for k, key in enumerate(METRICS):
                if (n >> k) % 3:
                    curve = [NUMBERS[(n * (k + 3) + p * p) % len(NUMBERS)] for p in range(1 + n % 4)]
                    known.curves[key], known.metrics[key] = curve, curve[-1]
                    for step, value in enumerate(curve):
                        run.point(key, value, step, 2000)
            known.params = {key: SPELT[(n * (k + 7)) % len(SPELT)] for k, key in enumerate(PARAMS) if (n >> k) % 2}
            known.tags = {key: TEXTS[(n + k) % len(TEXTS)] for k, key in enumerate(TAGS) if (n + k) % 3}
            run.event(Params(known.params), 2000)
            run.event(Tags(known.tags), 2000)
            for d in range(n % 3):
                dataset = (TEXTS[(n + d) % 3], str(d), ["train", "eval"][d % 2])
                known.datasets.append(dataset)
                run.event(DatasetUsed(dataset[0], dataset[1], context=dataset[2]), 2000)
            if n % 4:
                known.status, known.end_time = ["FINISHED", "FAILED"][n % 2], 3000 + n % 5
                run.event(Ended(known.status), known.end_time)
            self.runs.append(known)
        self.store = store

    def found(self, text: str) -> list[str]:
        return [row.info.run_id for row in self.store.rows(Search(filter=text))[0]]


@pytest.fixture(scope="module")
def corpora(postgresql_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Corpus]]:
    """One corpus for all questions, in each kind of store."""
    directory = tmp_path_factory.mktemp("corpus") / "store"
    store = Store(directory)
    made = Corpus(store, Journal(directory))
    store.refresh()
    # The corpus stands still: what is asked is the search alone.
    store._ingest.catch_up = lambda _run=None: None
    with postgresql_server.database() as url, opened(url) as database:
        yield [made, Corpus(database, Recorder(database))]
    store.close()


@pytest.fixture(scope="module", params=[0, 1], ids=["a directory", "PostgreSQL"])
def corpus(request: pytest.FixtureRequest, corpora: list[Corpus]) -> Corpus:
    """Each of them."""
    return corpora[request.param]


Question = tuple[str, Callable[[Known], bool]]
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b or (a != a and b != b),
    "!=": lambda a, b: not (a == b or (a != a and b != b)),
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def like(text: str, pattern: str) -> bool:
    parts = (".*" if c == "%" else "." if c == "_" else re.escape(c) for c in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def folded(text: str) -> str:
    """In lower case, each character by itself: no other sigma at the end of a word, no dot beside an i."""
    return "".join(character.lower()[0] for character in text)


def quoted(text: str, mark: str = "'") -> str:
    return mark + text.replace(mark, mark * 2) + mark


def named(prefix: str, key: str) -> str:
    return f"{prefix}.{key}" if re.fullmatch(r"[\w./]+", key) else f"{prefix}.{quoted(key, '`')}"


@st.composite
def conditions(draw: st.DrawFn) -> Question:
    """One condition: its text, and whether a run meets it."""
    kind = draw(st.sampled_from(["metric", "reading", "param", "number", "tag", "time", "length", "text", "dataset"]))
    values: Callable[[Known], list[Any]]
    if kind == "metric":
        key = draw(st.sampled_from([*METRICS, "absent"]))
        name, values = named(draw(st.sampled_from(["metrics", "metric"])), key), lambda r: _of(r.metrics, key)
    elif kind == "reading":
        key, reading = draw(st.sampled_from(METRICS)), draw(st.sampled_from(list(READINGS)))
        inner = draw(st.sampled_from([named("metrics", key), quoted(key, "`")]))
        name, values = f"{reading}({inner})", lambda r: [READINGS[reading](c) for c in _of(r.curves, key)]
    elif kind == "number":
        key = draw(st.sampled_from(PARAMS))
        name = draw(st.sampled_from([named("params", key), f"number(params.{key})"]))
        values = lambda r: [_spelt(text) for text in _of(r.params, key)]  # noqa: E731 - beside its siblings
    elif kind == "length":
        name = "duration"
        values = lambda r: [] if r.end_time is None else [(r.end_time - r.start_time) / 1000]  # noqa: E731 - as above
    elif kind == "param":
        key = draw(st.sampled_from(PARAMS))
        name, values = named(draw(st.sampled_from(["params", "parameter"])), key), lambda r: _of(r.params, key)
    elif kind == "tag":
        key = draw(st.sampled_from(TAGS))
        name, values = named("tags", key), lambda r: _of(r.tags, key)
    elif kind == "time":
        key = draw(st.sampled_from(["start_time", "end_time"]))
        name = draw(st.sampled_from(["", "attributes.", "attr.", "run."])) + key
        values = lambda r: [v for v in [getattr(r, key)] if v is not None]  # noqa: E731 - beside its siblings
    elif kind == "text":
        key = draw(st.sampled_from(["status", "run_name", "run_id"]))
        name, values = draw(st.sampled_from(["", "attributes."])) + key, lambda r: [getattr(r, key)]
    else:
        place = draw(st.integers(0, 2))
        name = "dataset." + ["name", "digest", "context"][place]
        values = lambda r: [d[place] for d in r.datasets]  # noqa: E731 - beside its siblings
    numeric = kind in ("metric", "reading", "number", "time", "length")
    one = (
        st.sampled_from([*NUMBERS, 1003, 3002, 2.001, 0.1, 10]) if numeric else st.sampled_from([*TEXTS, "train", "1"])
    )
    show: Callable[[Any], str] = repr if numeric else quoted
    form = draw(st.sampled_from(["compare", "in", "null", "between" if numeric else "like"]))
    if form == "null":
        absent = draw(st.booleans())
        return f"{name} is {'' if absent else 'NOT '}null", lambda r: (not values(r)) == absent
    if form == "in":
        many = draw(st.lists(one, min_size=1, max_size=3))
        out = draw(st.booleans())
        inside = lambda v: any(COMPARE["="](v, m) for m in many)  # noqa: E731 - beside its siblings
        text = f"{name} {'NOT IN' if out else 'in'} ({', '.join(map(show, many))})"
        return text, lambda r: any(inside(v) != out for v in values(r))
    if form == "between":
        low, high, out = draw(one), draw(one), draw(st.booleans())
        text = f"{name} {'NOT ' if out else ''}BETWEEN {show(low)} AND {show(high)}"
        return text, lambda r: any((low <= v <= high) != out for v in values(r))
    if form == "like":
        how, out = draw(st.sampled_from(["LIKE", "iLike", "RLIKE"])), draw(st.booleans())
        pattern = draw(st.sampled_from(EXPRESSIONS if how == "RLIKE" else PATTERNS))
        fits = {
            "LIKE": like,
            "iLike": lambda v, p: like(folded(v), folded(p)),
            "RLIKE": lambda v, p: re.search(p, v) is not None,
        }[how]
        text = f"{name} {'NOT ' if out else ''}{how} {quoted(pattern)}"
        return text, lambda r: any(fits(v, pattern) != out for v in values(r))
    operator = draw(st.sampled_from(list(COMPARE) if numeric else ["=", "!="]))
    value = draw(one)
    return f"{name} {operator} {show(value)}", lambda r: any(COMPARE[operator](v, value) for v in values(r))


def _numbers(curve: list[float]) -> list[float]:
    return [value for value in curve if value == value]


READINGS: dict[str, Callable[[list[float]], float]] = {
    "last": lambda curve: curve[-1],
    "first": lambda curve: curve[0],
    "min": lambda curve: min(_numbers(curve), default=math.nan),
    "MAX": lambda curve: max(_numbers(curve), default=math.nan),
    "mean": lambda curve: sum(_numbers(curve)) / len(_numbers(curve)) if _numbers(curve) else math.nan,
    "count": len,
}


def _spelt(text: str) -> float:
    try:
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan


def _of(entries: dict[str, Any], key: str) -> list[Any]:
    return [entries[key]] if key in entries else []


def _joined(word: str, combine: Callable[[Iterator[bool]], bool]) -> Callable[[list[Question]], Question]:
    def join(parts: list[Question]) -> Question:
        return f" {word} ".join(f"({text})" for text, _ in parts), lambda r: combine(meets(r) for _, meets in parts)

    return join


filters = st.recursive(
    conditions(),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(_joined("AND", all)),
        st.lists(inner, min_size=2, max_size=3).map(_joined("or", any)),
        inner.map(lambda q: (f"not ({q[0]})", lambda r: not q[1](r))),
    ),
    max_leaves=5,
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=filters)
def test_a_filter_finds_what_it_describes(corpora: list[Corpus], question: Question):
    """Every field, operator and kind of value, joined with AND, OR, NOT and parentheses."""
    text, meets = question
    for corpus in corpora:
        assert set(corpus.found(text)) == {run.run_id for run in corpus.runs if meets(run)}, text


@pytest.mark.parametrize(("pattern", "name"), [("ÜNÏ%", "ünïcode"), ("%δοσ", "ΟΔΟΣ"), ("i_", "İx")])
def test_letter_case_is_passed_over_in_every_script(corpus: Corpus, pattern: str, name: str):
    """Whatever the database's locale folds; each character by itself, as no context is known of a pattern."""
    assert name in {run.run_name for run in corpus.runs if run.run_id in corpus.found(f"run_name ILIKE '{pattern}'")}


def test_columns_are_the_values_that_filters_compare(corpus: Corpus):
    """Fields are spelt alike on the left of a filter, in an order and as a column."""
    names = [
        *(f"{reading}({quoted(key, MARK)})" for key in METRICS for reading in READINGS),
        "best(loss)", "metrics.loss", "params.lr", "number(lr)",
        "tags.`my tag`", "dataset.digest", "duration", "run_name", "start_time", "metrics.absent",
    ]  # fmt: skip
    found = corpus.store.columns(Search(order_by=["run_name DESC"], limit=1000), names)
    known = {run.run_id: run for run in corpus.runs}
    assert sorted(found.run_ids) == sorted(known)
    for n, run_id in enumerate(found.run_ids):
        run, row = known[run_id], {name: values[n] for name, values in found.values.items()}
        for key in METRICS:
            curve = run.curves.get(key)
            for reading, expected in READINGS.items():
                value = row[f"{reading}({quoted(key, MARK)})"]
                assert value is None if curve is None else value == pytest.approx(expected(curve), nan_ok=True)
        assert row["params.lr"] == run.params.get("lr")
        assert row["number(lr)"] == (None if math.isnan(spelt := _spelt(run.params.get("lr", ""))) else spelt)
        assert row["tags.`my tag`"] == run.tags.get("my tag")
        assert sorted(row["dataset.digest"] or []) == sorted(digest for _, digest, _ in run.datasets)
        assert row["duration"] == (None if run.end_time is None else (run.end_time - run.start_time) / 1000)
        assert (row["run_name"], row["start_time"], row["metrics.absent"]) == (run.run_name, run.start_time, None)
    assert [row or "" for row in found.values["run_name"]] == sorted((r.run_name for r in corpus.runs), reverse=True)


def test_the_keys_that_runs_have_and_their_values_are_all_told(corpus: Corpus):
    """Of all runs, of an experiment's, or of the newest that a filter finds with how many have them."""
    store, exp = corpus.store, [corpus.store.run(corpus.runs[0].run_id).info.experiment_id]
    for kind in ("metrics", "params", "tags"):
        every = {key for run in corpus.runs for key in getattr(run, kind)}
        for ids in (None, exp):
            assert every <= {one.key for one in store.keys(ids) if one.kind.value == kind}
        some = [run for run in corpus.runs if run.status == "FAILED"]
        counted = {one.key: one for one in store.keys(exp, 1000, "status = 'FAILED'") if one.kind.value == kind}
        assert {key: counted[key].runs for key in every if key in counted} == {
            key: count for key in every if (count := sum(key in getattr(run, kind) for run in some))
        }
    assert store.keys(["absent"]) == []
    values = [run.params["lr"] for run in corpus.runs if "lr" in run.params]
    assert store.keys(exp, 1000) == store.keys(None, 1000)
    assert {one.key: one.values for one in store.keys(exp, 1000)}["lr"] == len(set(values))
    told = store.field_values(exp, "params.lr", 100)
    assert sorted(told) == sorted(set(values))
    assert [values.count(one) for one in told] == sorted(map(values.count, told), reverse=True)
    assert set(store.field_values(None, "dataset.digest", 100)) == {"0", "1"}
    assert store.count_found(Search(filter="status = 'FAILED'")) == len(some)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    orders=st.lists(
        st.tuples(
            st.sampled_from(
                [
                    *(named("metrics", key) for key in METRICS),
                    *(named("params", key) for key in PARAMS),
                    *(f"number({key})" for key in PARAMS),
                    *(f"{reading}(`{METRICS[0]}`)" for reading in [*READINGS, "best"]),
                    *(named("tags", "my tag"), "end_time", "status", "attributes.run_name", "created"),
                ]
            ),
            st.sampled_from(["", " ASC", " desc"]),
        ),
        max_size=3,
    ),
    size=st.integers(4, 15),
)
@example([("tags.`my tag`", " desc")], 1)
def test_an_order_is_the_same_over_all_pages(corpora: list[Corpus], orders: list[tuple[str, str]], size: int):
    """Numbers, then NaN, then what lacks the field, whichever way; then the newest, then the id."""
    terms = [name + way for name, way in orders]

    def rank(run: Known) -> list[Any]:
        ranks: list[Any] = []
        for name, way in orders:
            value = _value(run, name)
            nan = isinstance(value, float) and value != value
            ranks.append(2 if value is None else 1 if nan else 0)
            ranks.append(_Down(value) if way == " desc" and ranks[-1] == 0 else 0 if ranks[-1] else value)
        return [*ranks, -run.start_time, run.run_id]

    for corpus in corpora:
        expected = [run.run_id for run in sorted(corpus.runs, key=rank)]
        found, token = [], None
        while True:
            page, token = corpus.store.rows(Search(order_by=terms, limit=size, token=token))
            found += [row.info.run_id for row in page]
            if token is None:
                break
        assert found == expected


class _Down:
    """Sorts the other way."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: "_Down") -> bool:
        return bool(other.value < self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Down) and bool(self.value == other.value)

    __hash__ = None  # type: ignore[assignment]


def _value(run: Known, name: str) -> Any:
    if name.startswith("number("):
        return _spelt(run.params[name[7:-1]]) if name[7:-1] in run.params else None
    if name.endswith(")"):
        reading = READINGS[name.partition("(")[0].replace("best", "min")]  # it is a loss
        return reading(run.curves[METRICS[0]]) if METRICS[0] in run.curves else None
    prefix, _, key = name.partition(".")
    key = key[1:-1].replace("``", "`") if key.startswith("`") else key
    if prefix in ("metrics", "params", "tags"):
        return getattr(run, prefix).get(key)
    return getattr(run, {"created": "start_time"}.get(key or prefix, key or prefix))
