"""Whatever somebody types as a filter: it is read, or refused as what cannot be read, at once."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autotrack.exceptions import AutotrackException
from autotrack.store.context import LocalContext
from autotrack.store.search.parse import parse_filter, parse_orders
from autotrack.store.search.sql import Target, condition
from autotrack.store.search.vocabulary import EXPERIMENTS, MODEL_VERSIONS, MODELS, REGISTERED_MODELS, RUNS, Vocabulary
from autotrack.store.target import _target

COUNT = "AUTOTRACK_FUZZ"
"""The environment variable that says how many texts are tried; a million take minutes."""
VOCABULARIES = (RUNS, EXPERIMENTS, MODELS, REGISTERED_MODELS, MODEL_VERSIONS)
FIELDS = (
    "metrics.loss", "metric.`a b`", 'metrics."x""y"', "params.lr", "params.`a``b`", "tags.mlflow.user", "status",
    "start_time", "end_time", "duration", "parent", "commit", "data_digest", "dataset.name", "dataset.context",
    "best(loss)", "BEST(metrics.loss)", "min(`val/loss`)", "max(x)", "first(a.b)", "last(a)", "mean(m)", "count(m)",
    "number(lr)", "number(params.lr)", "best()", "best(best(x))", "run_id", "`run name`", "created",
    "attributes.status", "name", "version", "creation_time", "nothing", "metrics.", "params", "source_path",
)  # fmt: skip
OPERATORS = (
    "=", "!=", "<", "<=", ">", ">=", "==", "<>", "LIKE", "ilike", "RLIKE", "NOT LIKE", "not rlike", "IN", "NOT IN",
    "BETWEEN", "NOT BETWEEN", "IS NULL", "IS NOT NULL", "IS", "NOT", "",
)  # fmt: skip
VALUES = (
    "1", "-1.5e-3", "1e999", "+inf", "nan", "-nan", "1_0", "0x10", "9" * 400, "'a'", "'it''s'", "'a%_'", '"b"', "''",
    "'never closed", "'today'", "'yesterday'", "'last 7 days'", "'3 hours ago'", "'99999999999 years ago'",
    "'2026-11-20'", "'2026-02-30'", "'2026-11-20 14:30'", "'2026-11-20T14:30:05.25+01:00'", "'5 min'",
    "'1.5 fortnights'",
    "'9999'", "'0000-01-01'", "('a', 'b')", "(1, 2,)", "()", "('a'", "(1, 'a')", "1 AND 2", "'a' AND 'b'", "1 AND",
    "'(?i)a+$'",
    "'(a'", "'a{1000}{1000}'", r"'\1'", "'(?=x)'", "NULL", "\x00", "'\x00'", "'\ud800'", "'ü𝔘'", "²", "٣", "tags.x",
)  # fmt: skip
WHOLE = (
    "metrics.loss < 1", "metric.`a b` = nan", "best(loss) <= -1e-3", "min(`val/loss`) BETWEEN 1 AND 2", "count(m) > 5",
    "params.lr = '0.1'", "params.lr < 0.1", "number(lr) IN (1, 2)", "tags.a LIKE '%x_'", "tags.a NOT ILIKE 'Ü%'",
    "run_name RLIKE '^a.*b$'", "status IN ('FAILED', 'KILLED')", "start_time > 'yesterday'", "duration > '5 min'",
    "start_time IN 'last 7 days'", "end_time IS NULL", "(tags.x = 'a')", "NOT tags.x = 'a'", "dataset.name != 'x'",
    "parent = 'abc'", "mean(m) NOT BETWEEN -1 AND +inf",
)  # fmt: skip
GLUE = (" AND ", " OR ", " and not ", " NOT ", " (", ") ", " ", "", ",", ";", "--", "\n", "\t", "\u00a0", "%", "\\")
NOISE = "abcXYZ019.,;:!?'\"`()[]{}<>=%_-+*/\\|&^$#@~ \n\t\0\u2028ßé漢😀\ud800"


def texts(count: int, seed: int) -> Iterator[str]:
    """Filters, nearly filters, and noise: about a third each."""
    draw = random.Random(seed)
    for _ in range(count):
        text = "".join(_condition(draw) for _ in range(draw.choice((1, 1, 1, 2, 3, 8))))
        text = text.removesuffix(" OR ").removesuffix(" and not ")
        kind = draw.random()
        if kind < 0.3:
            for _ in range(draw.randint(1, 4)):
                at = draw.randrange(len(text) + 1)
                put = draw.choice((draw.choice(NOISE), "", text[at : at + 5] * 2))
                text = text[:at] + put + text[at + draw.randint(0, 3) :]
        elif kind < 0.45:
            text = "".join(draw.choices(NOISE, k=draw.randint(0, 60)))
        elif kind < 0.5:
            one = draw.choice(("(", "NOT ", "'", "`", "best(", "a=", text + " AND ", "\\", "9", "x."))
            text = one * draw.randint(1, 3000)
        yield text


def _condition(draw: random.Random) -> str:
    if draw.random() < 0.7:
        return draw.choice(WHOLE) + draw.choice((" AND ", " OR ", " and not "))
    between = draw.choice((" ", " ", " ", "", "\n"))
    parts = draw.choice(FIELDS), draw.choice(OPERATORS), draw.choice(VALUES)
    return between.join(parts) + draw.choice(GLUE)


def refusal(text: str, vocabulary: Vocabulary, target: Target) -> tuple[str, bool] | None:
    """The code of the error for a text, and whether its message is one that somebody reads; none for what is read."""
    try:
        tree = parse_filter(text, vocabulary)
        if tree is not None and vocabulary is RUNS:
            condition(tree, target)
        parse_orders([text[:200]], vocabulary)
    except AutotrackException as error:
        return (error.error_code, len(error.message) < 1000)
    return None


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_any_text_is_read_or_refused(seed: int, record_property):
    """Of none the reading takes a second of the processor's time, most take microseconds."""
    count = int(os.environ.get(COUNT, "4000" if seed == 0 else "1000000"))
    slowest, worst, target = 0.0, "", _target(LocalContext(Path("/nowhere")))
    for number, text in enumerate(texts(count, seed)):
        vocabulary = VOCABULARIES[0 if number % 2 else number // 2 % len(VOCABULARIES)]
        taken, found = _timed(text, vocabulary, target)
        if taken > slowest:
            # Again, as the garbage of all the tests before may have been collected meanwhile.
            taken = min(taken, _timed(text, vocabulary, target)[0], _timed(text, vocabulary, target)[0])
        if taken > slowest:
            slowest, worst = taken, text
        assert found in (None, ("INVALID_PARAMETER_VALUE", True)), text
    record_property("slowest", f"{slowest * 1000:.1f} ms of {worst[:80]!r}")
    assert slowest < 1.0, worst


def _timed(text: str, vocabulary: Vocabulary, target: Target) -> tuple[float, tuple[str, bool] | None]:
    """Seconds of this thread's processor time, and what became of the text."""
    begin = time.thread_time()
    found = refusal(text, vocabulary, target)
    return time.thread_time() - begin, found


def test_the_texts_are_of_both_kinds():
    """Else the test above would say little."""
    read = sum(_is_filter(text) for text in texts(1000, 2))
    assert 100 < read < 700


def _is_filter(text: str) -> bool:
    try:
        return parse_filter(text, RUNS) is not None
    except AutotrackException:
        return False
