"""What cannot be recorded, of odd data and odd estimators: everything else is, and one line tells of it."""

import threading

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import GridSearchCV

import autotrack
from autotrack.testing import said

pytestmark = pytest.mark.lenient
X, Y = load_iris(return_X_y=True)
METRICS = {f"training_{name}_score" for name in ("accuracy", "precision", "recall", "f1")} | {"training_score"}


class First(ClassifierMixin, BaseEstimator):
    """Answers with the first class, whatever it is given."""

    def __init__(self, what=None):
        self.what = what

    def fit(self, data, target):
        self.classes_ = np.unique(target)
        return self

    def predict(self, data):
        return np.full(len(data), self.classes_[0])


class Locked(First):
    """Cannot be pickled."""

    def fit(self, data, target):
        self.lock_ = threading.Lock()
        return super().fit(data, target)


class Mute(First):
    """Cannot predict."""

    def predict(self, data):
        raise OSError("no")


class Unlikely(First):
    """Cannot say how likely."""

    def predict_proba(self, data):
        raise OSError("no")


class Unscored(First):
    """Has a score that fails."""

    def score(self, data, target):
        raise OSError("no")


class Reading(First):
    """Reads its data once."""

    def fit(self, data, target):
        self.rows_ = sum(1 for _ in data)
        return super().fit(data, target)


class Whole:
    """Rows that cannot be cut."""

    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, key):
        raise TypeError("cannot be cut")

    def __array__(self, dtype=None, copy=None):
        return self.rows


class Nameless:
    """Has no text."""

    def __repr__(self):
        raise RuntimeError("no text")


LARGE = Whole(np.tile(X, (10, 1)))
BAD = {
    "an unpicklable model": (Locked(), X, Y, METRICS, 1),
    "a search that cannot be pickled": (GridSearchCV(Locked(), {"what": [1, 2]}, cv=2), X, Y, METRICS, 1),
    "a failing predict": (Mute(), X, Y, set(), 1),
    "failing probabilities": (Unlikely(), X, Y, set(), 1),
    "a failing score": (Unscored(), X, Y, METRICS - {"training_score"}, 1),
    "an iterator": (Reading(), iter(X), Y, set(), 0),
    "few rows that cannot be cut": (First(), Whole(X), Y, METRICS, 0),
    "many rows that cannot be cut": (First(), LARGE, np.tile(Y, 10), set(), 1),
    "targets that cannot be cut": (First(), X, Whole(Y), METRICS, 0),
    "a parameter without a text": (First(Nameless()), X, Y, METRICS, 0),
    "rows of several lengths": (First(), [[1, 2], [3], [4, 5, 6]], [0, 1, 1], METRICS, 0),
    "dictionaries": (First(), [{"a": 1}, {"b": 2}], [0, 1], METRICS, 0),
    "names of several kinds": (First(), pd.DataFrame(X, columns=[1, "a", (2, 3), None]), Y, METRICS, 0),
    "names that come twice": (First(), pd.DataFrame(X, columns=list("aabb")), Y, METRICS, 0),
    "arrays of objects": (First(), np.array([object(), object()]), [0, 1], METRICS, 0),
    "nothing": (First(), np.zeros((0, 3)), [], set(), 1),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_recorded_costs_itself_alone(record, kind):
    """At most one line says so, however often; the program has its result."""
    estimator, data, target, metrics, said_lines = BAD[kind]
    autotrack.sklearn.autolog(max_tuning_runs=0)
    with said() as lines:
        for _ in range(2):
            assert type(estimator.fit(data, target)) is type(estimator)
            if hasattr(data, "__next__"):
                break
    assert len(lines) == said_lines
    for run in record.runs:
        assert run.status == "FINISHED"
        assert {name for name in run.metrics if name.startswith("training_")} - {"training_roc_auc"} == metrics
        assert {"fit_time"} <= set(run.metrics)
        assert {"estimator.html", "training_evidence.json"} <= set(run.artifacts)
        assert len(run.datasets) == (0 if kind == "an iterator" else 1)
        assert run.tags["estimator_name"] == type(estimator).__name__
        assert len(run.models) == (0 if "pickl" in kind else 1)


def test_a_metric_that_raises_is_the_programs_own_affair(record):
    """The exception is the one that it would see anyway; what is scored before and after is recorded."""
    model = LogisticRegression(max_iter=500).fit(X, Y)
    test = X.copy()
    labels = model.predict(test)
    accuracy_score(Y, labels)
    with said() as lines, pytest.raises(ValueError, match="multiclass"):
        f1_score(Y, labels)
    accuracy_score(Y, labels)
    assert lines == []
    assert [point.key for point in record.run.after_end] == ["accuracy_score_test", "accuracy_score-2_test"]


def wide(columns):
    """A table of so many named columns, and a target."""
    return pd.DataFrame(np.zeros((4, columns)), columns=[f"feature {number}" for number in range(columns)]), [
        0,
        1,
        0,
        1,
    ]


def check_wide(record, columns):
    """One line; the model is kept, and what is told of the names is short."""
    data, target = wide(columns)
    autotrack.sklearn.autolog(log_input_examples=True)
    with said() as lines:
        Ridge(solver="lsqr").fit(data, target)
    assert len(lines) == 1
    assert "named columns" in lines[0]
    run = record.run
    assert "training_r2_score" in run.metrics
    assert [model.signature for model in run.models] == [""]
    (used,) = run.datasets
    assert len(used.schema) < 1_048_575
    assert f'"columns": {columns}}}' in used.schema
    assert f'"num_elements": {4 * columns}' in used.profile
    assert run.artifacts["training_evidence.json"] < 100_000


def test_very_many_named_columns_are_not_all_told(record):
    """Neither in a signature nor in the data set's schema, which says how many there are."""
    check_wide(record, 100_001)


@pytest.mark.slow
def test_a_million_named_columns(record):
    """The same."""
    check_wide(record, 1_000_000)


def test_the_digest_of_a_wide_table_of_several_types_is_of_its_content(record):
    """Columns of one type are read together: a thousand cost hardly more than ten."""
    data, target = wide(1500)
    data = data.assign(**{f"text {number}": list("abcd") for number in range(5)})
    changed = data.assign(**{"text 3": list("abce")})
    for table in (data, data.copy(), changed):
        First().fit(table, target)
    one, same, other = (run.datasets[0].digest for run in record.runs)
    assert one == same != other
