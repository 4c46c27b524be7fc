"""The program's own code is not run once more for the training metrics if it could tell."""

import functools
import logging
from unittest import mock

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

import autotrack

X, Y = (part[::5] for part in load_iris(return_X_y=True))
TAG = "autotrack.training_metrics"
log = logging.getLogger("own")
seen = []


def training(run):
    """The training metrics of a run."""
    return {name for name in run.metrics if name.startswith("training_")}


class Model(ClassifierMixin, BaseEstimator):
    """Predicts the most frequent class; a subclass says what else it does."""

    def fit(self, data, target):
        self.classes_, counts = np.unique(target, return_counts=True)
        self.best_ = self.classes_[counts.argmax()]
        self.asked = 0
        self.memory = {}
        self.generator = np.random.default_rng(0)
        return self

    def predict(self, data):
        return self.told(data, np.full(len(data), self.best_))

    def told(self, data, answer):
        return answer


class Answering(Model):
    """Does much, and nothing that lasts."""

    def told(self, data, answer):
        data = data.copy()
        data[:, 0] *= 2
        parts = []
        for row in data:
            parts.append(row.sum())  # noqa: PERF401 - as programs do it
        counts = {}
        counts["rows"] = len(parts)
        counts.update(columns=data.shape[1])
        answer = np.append(answer, answer)[: counts["rows"]]
        answer[:0] = 0
        generator = np.random.default_rng(3)
        generator.shuffle(parts)
        return answer


class Assigning(Model):
    def told(self, data, answer):
        self.asked += 1
        return answer


class Remembering(Model):
    def told(self, data, answer):
        self.memory["last"] = answer
        return answer


class Printing(Model):
    def told(self, data, answer):
        print(len(data))  # noqa: T201 - what it is about
        return answer


class Logging(Model):
    def told(self, data, answer):
        log.info("%d rows", len(data))
        return answer


class Overwriting(Model):
    def told(self, data, answer):
        data -= data.mean()
        return answer


class Drawing(Model):
    def told(self, data, answer):
        self.generator.normal()
        return answer


class Counted(Model):
    number = 0

    def told(self, data, answer):
        type(self).number += 1
        return answer


class Handing(Model):
    """What it calls does it, behind a name that is bound to something."""

    def told(self, data, answer):
        note(self)
        return answer


class Derived(LogisticRegression):
    """Of the class of scikit-learn's it has replaced what that calls."""

    def __init__(self, max_iter=500):
        super().__init__(max_iter=max_iter)

    def decision_function(self, data):
        seen.append(len(data))
        return super().decision_function(data)


def noted(how, what):
    what.asked = how


note = functools.partial(noted, "again")


@pytest.mark.parametrize(
    "model",
    [Assigning, Remembering, Printing, Logging, Overwriting, Drawing, Counted, Handing, Derived],
    ids=lambda model: model.__name__,
)
def test_a_model_that_could_tell_is_not_asked_again(record, model):
    """The tag says what it does; everything else is recorded."""
    model().fit(X.copy(), Y)
    assert training(record.run) == set()
    assert record.run.tags[TAG].startswith("none: the program could tell that it is asked to predict once more: ")
    assert ("noted" if model is Handing else model.__name__) in record.run.tags[TAG]
    assert len(record.run.models) == 1


def test_nothing_is_called_that_could_tell(record, capsys):
    """Neither for the metrics nor for the signature."""
    models = [model().fit(X.copy(), Y) for model in (Assigning, Remembering, Printing, Counted, Handing, Drawing)]
    seen.clear()
    Derived().fit(X, Y)
    assert ([model.asked for model in models], models[1].memory, Counted.number, seen) == ([0] * 6, {}, 0, [])
    assert models[-1].generator.normal() == np.random.default_rng(0).normal()
    assert capsys.readouterr().out == ""


def test_a_model_that_only_answers_is_asked(record):
    """However much it does on the way."""
    before = X.copy()
    Answering().fit(X, Y)
    assert "training_accuracy_score" in training(record.run)
    assert np.array_equal(before, X)


def test_it_counts_wherever_in_the_estimator_it_is(record):
    """In a step, in a member of an ensemble, in a function that was handed over."""
    calls = []

    class Noisy(TransformerMixin, BaseEstimator):
        def fit(self, data, target=None):
            return self

        def transform(self, data):
            calls.append("transform")
            return data

    def distance(one, other):
        calls.append("distance")
        return abs(one - other).sum()

    def kernel(one, other):
        calls.append("kernel")
        return one @ other.T

    for make in (
        lambda: make_pipeline(StandardScaler(), Noisy(), LogisticRegression(max_iter=500)),
        lambda: BaggingClassifier(make_pipeline(Noisy(), LogisticRegression(max_iter=500)), n_estimators=2),
        lambda: make_pipeline(FunctionTransformer(Noisy().transform), LogisticRegression(max_iter=500)),
        lambda: KNeighborsClassifier(metric=distance, algorithm="brute"),
        lambda: SVC(kernel=kernel),
        lambda: GridSearchCV(make_pipeline(Noisy(), LogisticRegression(max_iter=500)), {}, cv=2),
    ):
        calls.clear()
        make().fit(X, Y)
        recorded = list(calls)
        assert training(record.runs[-1]) == set()
        autotrack.sklearn.autolog(disable=True)
        calls.clear()
        make().fit(X, Y)
        autotrack.sklearn.autolog(disable=False)
        assert recorded == calls


def test_functions_that_only_answer_are_called(record):
    """A lambda, a function of numpy's."""
    for function in (np.log1p, lambda data: data + 1):
        make_pipeline(FunctionTransformer(function), LogisticRegression(max_iter=1000)).fit(X, Y)
        assert "training_accuracy_score" in training(record.runs[-1])


def test_a_scorer_of_the_programs_is_called_as_often_as_without(record):
    """A search's score is left out then, the other metrics are not."""
    autotrack.sklearn.autolog(max_tuning_runs=0)
    calls = []

    def counting(target, predicted):
        calls.append(len(target))
        return accuracy_score(target, predicted)

    def quiet(model, data, target):
        return accuracy_score(target, model.predict(data))

    for scoring, left in ((make_scorer(counting), False), (quiet, True)):
        GridSearchCV(LogisticRegression(max_iter=500), {"C": [1, 2]}, cv=2, scoring=scoring).fit(X, Y)
        found = training(record.runs[-1])
        assert ("training_score" in found, "training_accuracy_score" in found) == (left, True)
    assert len(calls) == 4


def test_a_mock_is_not_asked_again(record):
    """It counts its calls."""
    model = LogisticRegression(max_iter=500)
    model.predict = mock.Mock(side_effect=lambda data: np.zeros(len(data)))
    model.fit(X, Y)
    assert model.predict.call_count == 0
    with mock.patch("sklearn.linear_model._logistic.softmax", side_effect=AssertionError) as within:
        LogisticRegression(max_iter=500).fit(X, Y)
    assert within.call_count == 0
    assert "a mock in sklearn.linear_model._logistic" in record.runs[-1].tags[TAG]


def test_a_batch_is_not_scored_by_what_could_tell(record):
    """The curve of a loop over ``partial_fit`` is left out."""

    class Loud(SGDClassifier):
        def predict(self, data):
            seen.append("predict")
            return super().predict(data)

    seen.clear()
    model = Loud(random_state=0)
    for _ in range(3):
        model.partial_fit(X, Y, classes=[0, 1, 2])
    assert seen == []
    assert "training_score" not in record.run.metrics


def test_code_whose_source_is_not_to_be_had_is_not_run_again(record):
    """It might do anything."""
    made = {}
    exec("class Made(Model):\n    def told(self, data, answer):\n        return answer", {"Model": Model}, made)
    made["Made"]().fit(X, Y)
    assert training(record.run) == set()
    assert record.run.tags[TAG].endswith("Made.told its source cannot be read")
