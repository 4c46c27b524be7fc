"""The training metrics: whose names and values they are, on what data, and what they may cost."""

import time

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn import metrics
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

import autotrack

FLOWERS = load_iris(return_X_y=True)
TUMOURS = load_breast_cancer(return_X_y=True)
PATIENTS = load_diabetes(return_X_y=True)
TAG = "autotrack.training_metrics"


def of_classes(model, data, target, weight=None, **average):
    """As the user computes them, each by scikit-learn's function of that name."""
    predicted = model.predict(data)
    named = {"average": "weighted", "sample_weight": weight, **average}
    found = {
        "training_precision_score": metrics.precision_score(target, predicted, **named),
        "training_recall_score": metrics.recall_score(target, predicted, **named),
        "training_f1_score": metrics.f1_score(target, predicted, **named),
        "training_accuracy_score": metrics.accuracy_score(target, predicted, sample_weight=weight),
        "training_score": model.score(data, target, **({} if weight is None else {"sample_weight": weight})),
    }
    if hasattr(model, "predict_proba"):
        likely = model.predict_proba(data)
        found["training_log_loss"] = metrics.log_loss(target, likely, sample_weight=weight)
        likely = likely[:, 1] if likely.shape[1] == 2 else likely
        if weight is None or likely.ndim == 1:
            found["training_roc_auc"] = metrics.roc_auc_score(
                target, likely, average="weighted", multi_class="ovo", sample_weight=weight
            )
    return found


def of_numbers(model, data, target, weight=None):
    """The same for a regressor."""
    predicted, named = model.predict(data), {"sample_weight": weight}
    squared = metrics.mean_squared_error(target, predicted, **named)
    return {
        "training_mean_squared_error": squared,
        "training_root_mean_squared_error": np.sqrt(squared),
        "training_mean_absolute_error": metrics.mean_absolute_error(target, predicted, **named),
        "training_r2_score": metrics.r2_score(target, predicted, **named),
        "training_score": model.score(data, target, weight),
    }


def recorded(run):
    """The training metrics of a run, each of which has one value."""
    found = {name: values for name, values in run.metrics.items() if name.startswith("training_")}
    return {name: value for name, (value,) in found.items()}


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(max_iter=500),
        LinearSVC(),
        RandomForestClassifier(5, random_state=0),
        make_pipeline(StandardScaler(), LogisticRegression()),
        GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [2, 3]}, cv=2),
    ],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.parametrize("data", [FLOWERS, TUMOURS, load_digits(return_X_y=True)], ids=["flowers", "tumours", "digits"])
def test_a_classifiers_metrics_are_exactly_scikit_learns(record, model, data, monkeypatch):
    """Two classes or many, to the last bit."""
    monkeypatch.setattr("autotrack_sklearn.training.LEAST", 60)  # also where the machine is busy
    scaled = StandardScaler().fit_transform(data[0])
    model = clone(model).fit(scaled, data[1])
    run = record.runs[0]
    assert TAG not in run.tags
    assert recorded(run) == of_classes(model, scaled, data[1])


@pytest.mark.parametrize("kind", [list, tuple, pd.Series, lambda names: names.astype(object)])
def test_targets_may_be_names_of_any_kind(record, kind):
    """Whatever scikit-learn takes."""
    target = kind(np.array(["setosa", "versicolor", "virginica"])[FLOWERS[1]])
    model = LogisticRegression(max_iter=500).fit(FLOWERS[0], target)
    assert recorded(record.run) == of_classes(model, FLOWERS[0], target)


@pytest.mark.parametrize("kind", [np.asfortranarray, pd.DataFrame, scipy.sparse.csr_matrix, np.ndarray.tolist])
def test_data_may_be_of_any_kind(record, kind):
    """They are given to the model as they were given to its fit."""
    data = kind(PATIENTS[0])
    model = Ridge().fit(data, PATIENTS[1])
    assert recorded(record.run) == of_numbers(model, data, PATIENTS[1])


def test_a_regressors_metrics_are_exactly_scikit_learns(record):
    """Of one target or of several."""
    model = Ridge().fit(*PATIENTS)
    several = Ridge().fit(PATIENTS[0], np.column_stack([PATIENTS[1], -PATIENTS[1]]))
    first, second = record.runs
    assert recorded(first) == of_numbers(model, *PATIENTS)
    assert recorded(second) == of_numbers(several, PATIENTS[0], np.column_stack([PATIENTS[1], -PATIENTS[1]]))


def test_sample_weights_count(record):
    """Where the fit was given them, in every metric that takes them; no average over pairs of classes does."""
    weight = np.linspace(0.1, 2, len(TUMOURS[1]))
    two = RandomForestClassifier(5, max_depth=3, random_state=0).fit(*TUMOURS, sample_weight=weight)
    three = RandomForestClassifier(5, max_depth=2, random_state=0).fit(*FLOWERS, weight[: len(FLOWERS[1])])
    number = GradientBoostingRegressor(n_estimators=3).fit(*PATIENTS, weight[: len(PATIENTS[1])])
    first, second, third = record.runs
    assert recorded(first) == of_classes(two, *TUMOURS, weight)
    assert recorded(second) == of_classes(three, *FLOWERS, weight[: len(FLOWERS[1])])
    assert "no roc_auc" in second.tags[TAG]
    assert recorded(third) == of_numbers(number, *PATIENTS, weight[: len(PATIENTS[1])])


def test_precision_and_recall_of_the_class_that_matters(record):
    """With `pos_label` they are about that class alone."""
    autotrack.sklearn.autolog(pos_label=0)
    model = RandomForestClassifier(5, max_depth=2, random_state=0).fit(*TUMOURS)
    assert recorded(record.run) == of_classes(model, *TUMOURS, average="binary", pos_label=0)


def test_without_targets_there_are_none(record):
    """With them, whatever has a `score` has one."""
    KMeans(3, n_init=1, random_state=0).fit(FLOWERS[0])
    model = KMeans(3, n_init=1, random_state=0).fit(*FLOWERS)
    first, second = record.runs
    assert recorded(first) == {}
    assert recorded(second) == {"training_score": model.score(FLOWERS[0])}


def test_a_metric_that_is_not_made_for_such_data_is_left_out(record):
    """The tag says which and why; the rest is there."""
    target = np.column_stack([FLOWERS[1], FLOWERS[1] > 0])
    model = MultiOutputClassifier(LogisticRegression(max_iter=500)).fit(FLOWERS[0], target)
    assert recorded(record.run) == {"training_score": model.score(FLOWERS[0], target)}
    assert "no accuracy_score: multiclass-multioutput is not supported" in record.run.tags[TAG]


class Counting(ClassifierMixin, BaseEstimator):
    """Counts its predictions, which take a while, where its source does not tell that it does."""

    def __init__(self, seconds_a_row=0.0):
        self.seconds_a_row = seconds_a_row
        self.rows = []
        self.asked = self.rows.append

    def fit(self, data, target, sleep=0.0):
        time.sleep(sleep)
        self.classes_ = np.unique(target)
        return self

    def predict(self, data):
        self.asked(len(data))
        time.sleep(self.seconds_a_row * len(data))
        return np.where(data[:, 0] > 0, self.classes_[0], self.classes_[-1])


class Scoring(Counting):
    def score(self, data, target):
        return 7.0


def test_the_training_data_are_predicted_once(record):
    """Accuracy is the score, unless the class has a score of its own."""
    counting, scoring = Counting().fit(*FLOWERS), Scoring().fit(*FLOWERS)
    first, second = record.runs
    assert counting.rows == scoring.rows == [len(FLOWERS[0])]
    assert recorded(first)["training_score"] == recorded(first)["training_accuracy_score"]
    assert recorded(second)["training_score"] == 7.0


def test_predicting_costs_at_most_a_share_of_the_fit(record):
    """Above it the metrics are of a stratified sample, in which no class is missing, and the tag says so."""
    data = np.random.default_rng(0).normal(size=(20_000, 2))
    target = np.zeros(len(data), dtype=int)
    target[17_000:] = 1
    target[4_321] = 2
    started = time.perf_counter()
    quick = Counting(seconds_a_row=1e-4).fit(data, target)
    assert time.perf_counter() - started < 1  # predicting all of it would take two seconds
    patient = Counting(seconds_a_row=1e-4).fit(data, target, sleep=1.0)
    short, long = record.runs
    assert short.tags[TAG].startswith("stratified sample of ")
    assert short.tags[TAG].endswith(" of 20000 rows")
    assert 10 < quick.rows[-1] < 600
    assert quick.rows[-1] < patient.rows[-1] < 1200
    assert "training_accuracy_score" in recorded(short)
    assert "training_accuracy_score" in recorded(long)


def test_a_sample_is_like_the_whole(record):
    """As many of each class as in proportion, and the same ones each time."""
    from autotrack_sklearn.training import _sample

    target = np.array(["a"] * 7000 + ["b"] * 2999 + ["c"])
    target = target[np.random.default_rng(0).permutation(len(target))]
    at = _sample(target, len(target), 1000, stratified=True)
    counts = dict(zip(*np.unique(target[at], return_counts=True), strict=True))
    assert (abs(counts["a"] - 700), abs(counts["b"] - 300), counts["c"]) <= (2, 2, 1)
    assert np.array_equal(at, _sample(target, len(target), 1000, stratified=True))
    numbers = _sample(None, 10_000, 11, stratified=False)
    assert (numbers[0], numbers[-1], len(numbers)) == (0, 9999, 11)


def test_data_that_the_fit_may_overwrite_are_not_predicted(record):
    """The metrics would be of something else."""
    LinearRegression(copy_X=False).fit(PATIENTS[0].copy(), PATIENTS[1])
    assert recorded(record.run) == {}
    assert record.run.tags[TAG] == "none: the fit may have overwritten its data"


class Reading(RegressorMixin, BaseEstimator):
    """Is fitted from an iterator."""

    def fit(self, lines, target):
        self.lines = sum(1 for _ in lines)
        return self

    def predict(self, lines):
        raise AssertionError("nobody asked for a prediction")


def test_an_iterator_is_the_models_alone(record):
    """It is not read before the fit, and cannot be read after."""
    assert Reading().fit(iter("abc"), [1, 2, 3]).lines == 3
    assert recorded(record.run) == {}
    assert record.run.status == "FINISHED"


def test_a_prediction_that_is_not_of_rows_is_left_out(record):
    """A class of the program's may answer whatever it likes; its own score counts."""

    class One(ClassifierMixin, BaseEstimator):
        def fit(self, data, target):
            return self

        def predict(self, data):
            return 1

        def score(self, data, target):
            return 0.5

    One().fit(*FLOWERS)
    assert recorded(record.run) == {"training_score": 0.5}
    assert record.run.tags[TAG] == "no prediction of each row: it is of type int"


def test_long_fits_are_held_up_less():
    """A tenth of a short fit's time, a hundredth of a long one's, and never less than of a shorter one."""
    from autotrack_sklearn.training import budget

    seconds = [0.001, 0.4, 0.7, 1.0, 5.0, 10.0, 60.0, 3600.0]
    assert [round(budget(each), 3) for each in seconds] == [0.05, 0.05, 0.07, 0.1, 0.1, 0.1, 0.6, 36.0]
