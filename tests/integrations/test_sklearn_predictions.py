"""Whose prediction is scored: known as an object, or by the step from a remembered one; what is remembered."""

import gc
import weakref

import numpy as np
import pandas as pd
import pytest
from scored import FLOWERS, PATIENTS, SPLIT, later, told
from sklearn import metrics
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline

import autotrack


@pytest.fixture(autouse=True)
def without_models(record):
    """Which these tests do not look at."""
    autotrack.sklearn.autolog(log_models=False, log_training_metrics=False)


DERIVED = {
    "itself": (lambda model, data: model.predict(data), ""),
    "list": (lambda model, data: model.predict(data).tolist(), "a copy"),
    "tuple": (lambda model, data: tuple(model.predict(data)), "a copy"),
    "copy": (lambda model, data: model.predict(data).copy(), "a copy"),
    "Series": (lambda model, data: pd.Series(model.predict(data)), "a copy"),
    "argmax": (lambda model, data: model.predict_proba(data).argmax(axis=1), "argmax"),
    "0.5": (lambda model, data: model.predict_proba(data)[:, 1] > 0.5, "[:, 1] > 0.5"),
    "as int": (lambda model, data: (model.predict_proba(data)[:, 1] >= 0.5).astype(int), "argmax"),
    "0.3": (lambda model, data: model.predict_proba(data)[:, 1] > 0.3, "[:, 1] > t with"),
    "decision": (lambda model, data: model.decision_function(data) > 0, "> 0.0"),
}


@pytest.mark.parametrize("kind", DERIVED)
def test_a_derived_prediction_is_known_by_the_step_from_it(record, kind):
    """The step stands beside the value."""
    x_train, x_test, y_train, y_test = SPLIT
    make, step = DERIVED[kind]
    model = LogisticRegression().fit(x_train, y_train)
    labels = make(model, x_test)
    gc.collect()
    value = accuracy_score(y_test, labels)
    assert later(record.run) == {"accuracy_score_x_test": value}
    command, _, stated = told(record.run)["accuracy_score_x_test"].partition("  # ")
    assert command == "accuracy_score(y_true=y_test, y_pred=labels)"
    assert stated.startswith(step)


SCORES = {
    "column": (lambda likely: likely[:, 1], slice(None)),
    "column's copy": (lambda likely: likely[:, 1].copy(), slice(None)),
    "column's list": (lambda likely: likely[:, 1].tolist(), slice(None)),
    "slice": (lambda likely: likely[:100, 1], slice(100)),
    "slice's list": (lambda likely: likely[:100, 1].tolist(), slice(100)),
    "some rows": (lambda likely: likely[np.arange(len(likely)) % 3 == 0, 1], slice(None, None, 3)),
}


@pytest.mark.parametrize("kind", SCORES)
def test_a_part_of_a_prediction_is_known_too(record, kind):
    """A column, the first rows, or any rows where hardly two are alike."""
    x_train, x_test, y_train, y_test = SPLIT
    make, rows = SCORES[kind]
    model = LogisticRegression(C=0.1).fit(x_train, y_train)
    value = metrics.roc_auc_score(y_test[rows], make(model.predict_proba(x_test)))
    assert later(record.run) == {"roc_auc_score_x_test": value}


def test_renamed_classes_are_still_the_models(record):
    """And so is one class against the others."""
    data, target = FLOWERS
    model = GaussianNB().fit(data, target)
    names = np.array(["setosa", "versicolor", "virginica"])
    accuracy_score(names[target], names[model.predict(data)])
    f1_score(target == 2, model.predict(data) == 2)
    assert set(later(record.run)) == {"accuracy_score_data", "f1_score_data"}
    assert [text.partition("  # ")[2] for text in told(record.run).values()] == ["each class renamed", "== 2"]


def test_where_two_models_agree_the_score_is_neithers(record):
    """Both are named, in a file of both runs."""
    x_train, x_test, y_train, y_test = SPLIT
    one = LogisticRegression().fit(x_train, y_train)
    two = make_pipeline(LogisticRegression()).fit(x_train, y_train)
    one.predict(x_test)
    labels = two.predict(x_test).tolist()
    value = accuracy_score(y_test, labels)
    assert [later(run) for run in record.runs] == [{}, {}]
    for run in record.runs:
        (note,) = told(run, "undecided_scores.json")
        assert (note["metric"], note["value"]) == ("accuracy_score", value)
        assert {candidate["run_id"] for candidate in note["candidates"]} == {run.run_id for run in record.runs}
    assert two.predict(x_test).tolist() == labels
    del one
    gc.collect()
    accuracy_score(y_test, labels)
    assert list(later(record.runs[1])) == ["accuracy_score_x_test"]


def test_agreement_of_two_models_is_neithers_either(record):
    """Each one's prediction is among the arguments."""
    x_train, x_test, y_train, _ = SPLIT
    one, two = LogisticRegression().fit(x_train, y_train), GaussianNB().fit(x_train, y_train)
    first, second = one.predict(x_test), two.predict(x_test)
    metrics.cohen_kappa_score(first, second)
    assert [later(run) for run in record.runs] == [{}, {}]
    assert len(told(record.runs[0], "undecided_scores.json")) == 1


def test_what_has_nothing_to_do_with_a_recorded_model_is_not_recorded(record):
    """Nor the truth itself, nor a guess that is the same everywhere."""
    x_train, x_test, y_train, y_test = SPLIT
    model = LogisticRegression().fit(x_train, y_train)
    model.predict(x_test)
    accuracy_score(y_test, np.zeros(len(y_test)))
    accuracy_score(y_test, np.arange(len(y_test)) % 2)
    accuracy_score([0, 1, 1], [0, 1, 0])
    metrics.mean_squared_error([1.0, 2.0], [1.5, 2.5])
    assert later(record.run) == {}


def test_nothing_of_the_programs_is_kept_alive(record):
    """No model, no data, no large prediction; also not by the frame that the name of the data was read from."""
    x_train, _, y_train, _ = SPLIT

    def train():
        data = x_train.copy()
        model = GaussianNB().fit(data, y_train)
        likely = model.predict_proba(data)
        metrics.log_loss(y_train, likely)
        watched = [weakref.ref(thing) for thing in (data, model, likely)]
        del data, model, likely
        gc.collect()
        return [ref() for ref in watched]

    assert train() == [None, None, None]
    assert list(later(record.run)) == ["log_loss_data"]


def test_what_is_remembered_is_bounded(record):
    """The last predictions, and of a large one some rows; the score says how many were compared."""
    from autotrack_sklearn import predictions, scores

    large = np.tile(PATIENTS[0], (50, 1))
    target = np.tile(PATIENTS[1], 50)
    model = Ridge().fit(*PATIENTS)
    for rows in range(100, 100 + 2 * predictions.MOST):
        model.predict(PATIENTS[0][:rows])
    predicted = model.predict(large).tolist()
    metrics.r2_score(target, predicted)
    kept = scores.answers()._last
    assert len(kept) == predictions.MOST
    assert max(answer.values.size for answer in kept) <= predictions.VALUES
    assert f"a copy ({predictions.ROWS} of {len(large)} rows compared)" in told(record.run)["r2_score_large"]


def kinds_of_answers():
    """Probabilities, numbers, labels of several kinds, with the classes that they are of."""
    draw = np.random.default_rng(0)
    for rows in (5, 31, 200, 3000):
        likely = draw.dirichlet(np.ones(3), rows)
        names = np.array(["b", "a", "c"])
        yield likely, names
        yield draw.dirichlet([1, 60], rows), np.array([0, 1])
        yield draw.normal(size=rows), None
        yield draw.integers(0, 3, rows), np.arange(3)
        yield names[draw.integers(0, 3, rows)], names
        yield names[draw.integers(0, 2, rows)].astype(object), names
        yield np.where(draw.random(rows) < 0.5, np.nan, draw.normal(size=rows)), None


def ways_to_score(answer, classes):
    """What programs make of an answer."""
    columns = answer.T if answer.ndim == 2 else [answer]
    yield answer.copy()
    for column in columns:
        yield column
        if answer.dtype.kind == "f":
            yield from (
                column > 0.5,
                (column > np.nanmean(column)).astype(int),
                np.round(column),
                np.clip(column, 0.1, 0.4),
            )
            yield np.where(column > 0.9, "no", "yes")
        else:
            yield from (
                column == column[0],
                np.array([f"<{item}>" for item in column]),
                column.astype(str).astype(object),
            )
    if answer.ndim == 2:
        yield from (answer.argmax(1), classes[answer.argmax(1)], classes[answer.argmax(1)].tolist())


def test_whatever_is_a_step_away_is_compared_in_full():
    """The look at a few rows beforehand lets no such answer through."""
    from autotrack_sklearn import predictions, sieve, steps

    found = 0
    for answer, classes in kinds_of_answers():
        at = sieve.places(len(answer))
        kept = predictions.Answer(
            None, "", len(answer), answer, None, classes, None, sieve.forms(answer[at], classes)
        )  # fmt: skip
        for scored in ways_to_score(answer, classes):
            expected = steps.step(answer, steps.Given(np.asarray(scored)), classes)
            found += expected is not None
            if expected is not None:
                assert predictions._likely(predictions.Asked(scored, len(answer)), [kept] * 8) == [kept] * 8
    assert found > 150


def test_what_has_nothing_to_do_with_a_model_is_hardly_compared(record, monkeypatch):
    """However many predictions of the same length are remembered."""
    from autotrack_sklearn import predictions, scores

    x_train, x_test, y_train, y_test = SPLIT
    for number in range(12):
        model = GaussianNB(var_smoothing=10.0**-number).fit(x_train, y_train)
        model.predict(x_test)
        model.predict_proba(x_test)
    assert len(scores.answers()._last) > 12
    compared = []
    monkeypatch.setattr(predictions, "step", lambda *given: compared.append(given))
    draw = np.random.default_rng(0)
    accuracy_score(y_test, draw.integers(0, 2, len(y_test)))
    metrics.mean_squared_error(y_test, draw.random(len(y_test)))
    rare = np.zeros(len(y_test), int)
    rare[[100, 101, 200]] = 1
    f1_score(y_test, rare)
    assert compared == []


class Idle(ClassifierMixin, BaseEstimator):
    """Hands its data back, and answers in lists."""

    def fit(self, data, target):
        self.classes_ = np.unique(target)
        return self

    def predict(self, data):
        return [int(row[0] > 0) for row in data]

    def transform(self, data):
        return data


def test_what_a_model_hands_back_is_the_programs_own(record):
    """A metric of the data is not one of the model; a list is known by its items."""
    x_train, x_test, y_train, y_test = SPLIT
    model = Idle().fit(x_train, y_train)
    metrics.silhouette_score(model.transform(x_test), y_test)
    labels = model.predict(x_test)
    accuracy_score(y_test, labels)
    assert list(later(record.run)) == ["accuracy_score_x_test"]
