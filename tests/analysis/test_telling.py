"""What the tables pick out of many metrics and parameters."""

from __future__ import annotations

import math

import pytest

from autotrack.analysis import telling
from autotrack.cli import text
from autotrack.direction import best, direction


@pytest.mark.parametrize(
    "key",
    ["loss", "train/loss", "validation_0-mlogloss", "training_mean_squared_error", "val_rmse", "test-merror", "WER"],
)
def test_lower_is_better(key):
    """Losses and errors, in the spellings of the frameworks."""
    assert direction(key) == -1


@pytest.mark.parametrize(
    "key", ["val_accuracy", "train/accuracy", "training_roc_auc", "eval-aucpr", "f1", "r2", "training_score", "map@3"]
)
def test_higher_is_better(key):
    """Scores. scikit-learn's negated errors are scores too."""
    assert direction(key) == 1
    assert direction("neg_mean_squared_error") == 1


@pytest.mark.parametrize("key", ["lr", "grad_norm", "epoch", "best_iteration", "fit_time", "n_features", "temperature"])
def test_neither_is_better(key):
    """What describes the work has no best."""
    assert direction(key) == 0
    assert best(key, [1.0, 2.0]) is None


def test_best_passes_over_what_is_no_number():
    """NaN and infinities are never the best."""
    assert best("loss", [2.0, math.nan, -math.inf, 1.0]) == 1.0
    assert best("accuracy", [math.nan]) is None


def test_held_out_quality_comes_first():
    """Validation before training, quality before bookkeeping."""
    keys = ["lr", "step/loss", "train/loss", "val/loss", "loss"]
    assert telling.metrics_in_order(keys) == ["val/loss", "loss", "train/loss", "lr", "step/loss"]


def test_parameters_that_differ():
    """A parameter that all share, or that one run alone has, tells nothing."""
    rows = [{"a": "1", "b": "x", "c": "7"}, {"a": "2", "b": "x"}, {"b": "x"}]
    assert telling.differing_params(rows) == ["a"]


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [
        (0, "0 ms"),
        (999, "999 ms"),
        (1500, "1.5 s"),
        (61_000, "1 min 01 s"),
        (3_700_000, "1 h 01 min"),
        (1e9, "11 d 13 h"),
    ],
)
def test_durations(milliseconds, shown):
    """A length of time in the unit that suits it."""
    assert text.duration(milliseconds) == shown


def test_times():
    """How long ago, then the date."""
    assert [text.ago(0, ms) for ms in (5e3, 3e4, 6e5, 7.2e6, 2.6e8)] == [
        "just now",
        "30 s ago",
        "10 min ago",
        "2 h ago",
        "3 d ago",
    ]
    assert text.ago(0, 1e12) == "1970-01-01"


def test_json_has_no_bare_nan():
    """Numbers that JSON does not have are strings."""
    assert text.as_json([math.nan, -math.inf, 1.5]).split() == ["[", '"NaN",', '"-Infinity",', "1.5", "]"]


def test_control_characters_do_not_reach_the_terminal():
    """A name cannot move the cursor or begin a new line."""
    assert text.clean("a\x1b[31mb\nc\ud800") == "a\\x1b[31mb c\\ud800"
