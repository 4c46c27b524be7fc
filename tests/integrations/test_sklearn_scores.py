"""What the program scores after a fit: on which run it lands, under which name, with which value."""

import functools

import numpy as np
import pytest
from scored import FLOWERS, PATIENTS, SPLIT, later, told
from sklearn import metrics
from sklearn.cluster import KMeans
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import accuracy_score, f1_score, get_scorer, make_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB

import autotrack


@pytest.fixture(autouse=True)
def without_models(record):
    """Which these tests do not look at."""
    autotrack.sklearn.autolog(log_models=False, log_training_metrics=False)


def test_a_metric_lands_on_the_run_that_trained_the_model(record):
    """With the name of the data, the very value, and its arguments beside it; the run's end stays what it was."""
    x_train, x_test, y_train, y_test = SPLIT
    model = LogisticRegression().fit(x_train, y_train)
    labels = model.predict(x_test)
    value = f1_score(y_test, labels, average="macro")
    again = f1_score(y_test, labels)
    assert later(record.run) == {"f1_score_x_test": value, "f1_score-2_x_test": again}
    assert all(point.late for point in record.run.after_end)
    assert told(record.run) == {
        "f1_score_x_test": "f1_score(y_true=y_test, y_pred=labels, average='macro')",
        "f1_score-2_x_test": "f1_score(y_true=y_test, y_pred=labels)",
    }
    assert record.run.status == "FINISHED"


OTHERS = {
    "xgboost": lambda: pytest.importorskip("xgboost").XGBClassifier(n_estimators=2),
    "lightgbm": lambda: pytest.importorskip("lightgbm").LGBMClassifier(n_estimators=2, verbose=-1),
    "catboost": lambda: pytest.importorskip("catboost").CatBoostClassifier(
        n_estimators=2, verbose=0, allow_writing_files=False
    ),
}


@pytest.mark.parametrize("framework", OTHERS)
def test_models_that_another_integration_records_are_scored_like_any_other(record, framework):
    """On the run that it has opened, whether they are scored by a function, a method or a scorer."""
    x_train, x_test, y_train, y_test = SPLIT
    model = OTHERS[framework]().fit(x_train, y_train)
    value = accuracy_score(y_test, model.predict(x_test))
    area = metrics.roc_auc_score(y_test, model.predict_proba(x_test)[:, 1].tolist())
    own = model.score(x_test, y_test)
    loss = get_scorer("neg_log_loss")(model, x_test, y_test)
    assert record.run.tags["mlflow.autologging"] == framework
    assert later(record.run) == {
        "accuracy_score_x_test": value,
        "roc_auc_score_x_test": area,
        f"{type(model).__name__}_score_x_test": own,
        "log_loss_x_test": -loss,
        "neg_log_loss_x_test": loss,
    }
    assert {(used.name, used.context) for used in record.run.datasets} >= {("x_test", "eval")}


def test_a_model_that_is_fitted_again_belongs_to_its_last_run(record):
    """Whichever integration records it."""
    x_train, x_test, y_train, y_test = SPLIT
    for model in (LogisticRegression(), OTHERS["xgboost"]()):
        for _ in range(2):
            model.fit(x_train, y_train).score(x_test, y_test)
    assert [len(later(run)) for run in record.runs] == [1, 1, 1, 1]


def test_interleaved_models_keep_to_themselves(record):
    """Each prediction is known for whose it is."""
    x_train, x_test, y_train, y_test = SPLIT
    one, two = LogisticRegression().fit(x_train, y_train), GaussianNB().fit(x_train, y_train)
    first, second = one.predict(x_test), two.predict(x_test)
    values = accuracy_score(y_test, second), accuracy_score(y_test, first)
    runs = record.runs
    assert later(runs[1]) == {"accuracy_score_x_test": values[0]}
    assert later(runs[0]) == {"accuracy_score_x_test": values[1]}


def test_in_a_run_of_the_users_own_a_score_is_a_metric_like_any_other(record):
    """The run is still open."""
    x_train, x_test, y_train, y_test = SPLIT
    with autotrack.start_run():
        model = LogisticRegression().fit(x_train, y_train)
        value = model.score(x_test, y_test)
    assert record.run.metrics["LogisticRegression_score_x_test"] == [value]
    assert record.run.after_end == []


def test_only_numbers_are_metrics(record):
    """Tables, arrays and reports are not; what they compute inside is not either."""
    x_train, x_test, y_train, y_test = SPLIT
    model = LogisticRegression().fit(x_train, y_train)
    labels = model.predict(x_test)
    metrics.confusion_matrix(y_test, labels)
    metrics.classification_report(y_test, labels)
    metrics.precision_recall_fscore_support(y_test, labels)
    f1_score(y_test, labels, average=None)
    assert later(record.run) == {}


def test_the_models_own_score(record):
    """Once, though it predicts and computes a metric; with the class in its name and its targets in the digest."""
    x_train, x_test, y_train, y_test = SPLIT
    model = LogisticRegression().fit(x_train, y_train)
    value = model.score(x_test, y_test, sample_weight=np.ones(len(y_test)))
    assert later(record.run) == {"LogisticRegression_score_x_test": value}
    command = "LogisticRegression.score(X=x_test, y=y_test, sample_weight=<ndarray>)"
    assert told(record.run) == {"LogisticRegression_score_x_test": command}
    (point,) = record.run.after_end
    assert (point.dataset, point.digest) == ("x_test", record.run.datasets[-1].digest)


class Doubtful(LogisticRegression):
    """Its score is its own affair, and computes metrics."""

    def score(self, data, target):
        return super().score(data, target) / 2 + f1_score(target, self.predict(data)) / 2


def test_a_score_that_scores_inside_counts_once(record):
    """Under the name of the class that the program uses."""
    x_train, x_test, y_train, y_test = SPLIT
    model = Doubtful().fit(x_train, y_train)
    value = model.score(x_test, y_test)
    assert later(record.run) == {"Doubtful_score_x_test": value}


def test_scorers(record):
    """By their function's name; one that turns the sign has its own value too. A scorer of the user's own counts."""
    model = Ridge().fit(*PATIENTS)
    data, target = PATIENTS
    error = get_scorer("neg_mean_absolute_error")(model, data, target)
    value = get_scorer("r2")(model, data, target)

    def spread(truth, predicted):
        return float(np.ptp(truth - predicted))

    mine = make_scorer(spread)(model, data, target)
    plain = metrics.check_scoring(model)(model, data, target)
    assert later(record.run) == {
        "mean_absolute_error_data": -error,
        "neg_mean_absolute_error_data": error,
        "r2_score_data": value,
        "spread_data": mine,
        "Ridge_score_data": plain,
    }


def test_what_scikit_learn_scores_for_itself_is_not_recorded(record):
    """Importances by permutation score a model many times."""
    model = Ridge().fit(*PATIENTS)
    permutation_importance(model, *PATIENTS, n_repeats=2)
    metrics.r2_score(PATIENTS[1], LinearRegression().fit(*PATIENTS).predict(PATIENTS[0]))
    ridge, linear = record.runs
    assert later(ridge) == {}
    assert list(later(linear)) == ["r2_score_unknown_dataset"]


def test_data_are_called_what_the_program_calls_them(record):
    """Where they come from, if they are passed on; another object of the same name gets a number."""
    x_train, x_test, y_train, y_test = SPLIT
    model = LogisticRegression().fit(x_train, y_train)

    def evaluate(estimator, data, target):
        return accuracy_score(target, estimator.predict(data))

    def halves():
        for number in range(2):
            part = x_test[number::2].copy()
            evaluate(model, part, y_test[number::2])

    evaluate(model, x_test, y_test)
    halves()
    evaluate(model, x_test[:50], y_test[:50])
    assert list(later(record.run)) == [
        "accuracy_score_x_test",
        "accuracy_score-2_part",
        "accuracy_score-3_part-2",
        "accuracy_score-4_unknown_dataset",
    ]


def test_clusters_of_the_training_data(record):
    """Also those that the fit itself has found."""
    data = FLOWERS[0]
    model = KMeans(3, n_init=1, random_state=0).fit(data)
    value = metrics.silhouette_score(data, model.labels_)
    labels = KMeans(3, n_init=1, random_state=1).fit_predict(data)
    other = metrics.adjusted_rand_score(FLOWERS[1], labels)
    first, second = record.runs
    assert later(first) == {"silhouette_score_data": value}
    assert later(second) == {"adjusted_rand_score_data": other}


def test_the_best_model_of_a_search_belongs_to_the_search(record):
    """Whether one asks the search or its best estimator."""
    autotrack.sklearn.autolog(log_models=False, log_training_metrics=False, max_tuning_runs=0)
    search = GridSearchCV(Ridge(), {"alpha": [1.0, 2.0]}, cv=2).fit(*PATIENTS)
    data, target = PATIENTS
    metrics.r2_score(target, search.predict(data))
    metrics.r2_score(target, search.best_estimator_.predict(data))
    assert list(later(record.run)) == ["r2_score_data", "r2_score-2_data"]


def test_what_is_scored_in_a_loop_of_partial_fits_makes_a_curve(record):
    """One metric with a step for each call."""
    x_train, x_test, y_train, y_test = SPLIT
    model = SGDClassifier(random_state=0)
    values = []
    for _ in range(3):
        model.partial_fit(x_train, y_train, classes=[0, 1])
        values.append(accuracy_score(y_test, model.predict(x_test)))
    assert record.run.metrics["accuracy_score_x_test"] == values
    assert record.run.steps["accuracy_score_x_test"] == [0, 1, 2]


def test_names_that_were_imported_before_are_recorded(record):
    """The function itself stays the same object, on or off."""
    assert metrics.accuracy_score is accuracy_score
    autotrack.disable()
    assert metrics.accuracy_score is accuracy_score
    (doctor,) = [row for row in autotrack.doctor() if row["integration"] == "sklearn"]
    assert doctor["state"] != "on"


def test_it_can_be_left_out_and_taken_up_again(record):
    """By the option, whose last word counts."""
    x_train, x_test, y_train, y_test = SPLIT
    model = LogisticRegression().fit(x_train, y_train)
    autotrack.sklearn.autolog(log_post_training_metrics=False)
    accuracy_score(y_test, model.predict(x_test))
    model.score(x_test, y_test)
    assert later(record.run) == {}
    autotrack.sklearn.autolog()
    accuracy_score(y_test, model.predict(x_test))
    assert list(later(record.run)) == ["accuracy_score_x_test"]


TWO = {
    "accuracy_score", "balanced_accuracy_score", "brier_score_loss", "cohen_kappa_score", "f1_score", "hamming_loss",
    "jaccard_score", "matthews_corrcoef", "precision_score", "recall_score", "zero_one_loss", "adjusted_rand_score",
    "homogeneity_score", "mutual_info_score", "v_measure_score", "mean_squared_error", "mean_absolute_error",
    "r2_score", "max_error", "explained_variance_score", "median_absolute_error", "log_loss", "roc_auc_score",
    "average_precision_score", "d2_absolute_error_score", "root_mean_squared_error", "hinge_loss",
}  # fmt: skip


def test_every_metric_has_the_value_that_was_returned(record):
    """Exactly, whatever its kind."""
    x_train, x_test, y_train, y_test = SPLIT
    model = LogisticRegression().fit(x_train, y_train)
    labels = model.predict(x_test)
    expected = {f"{name}_x_test": getattr(metrics, name)(y_test, labels) for name in sorted(TWO)}
    fbeta = metrics.fbeta_score(y_test, labels, beta=2)
    partial = functools.partial(metrics.fbeta_score, beta=0.5)(y_test, labels)
    assert later(record.run) == expected | {"fbeta_score_x_test": fbeta, "fbeta_score-2_x_test": partial}
