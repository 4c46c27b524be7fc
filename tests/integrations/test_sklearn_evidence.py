"""What pictures of a fit are drawn from: small data files, of predictions that were made anyway."""

import json
import subprocess
import sys
import types
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.calibration import calibration_curve
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier, VotingClassifier, VotingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

import autotrack

FLOWERS = load_iris(return_X_y=True)
TUMOURS = load_breast_cancer(return_X_y=True)
TABLE = load_breast_cancer(as_frame=True)
PATIENTS = load_diabetes(return_X_y=True)


@pytest.fixture(autouse=True)
def without_models(record):
    """Which these tests do not look at."""
    autotrack.sklearn.autolog(log_models=False, max_tuning_runs=0)


class DecidingTree(DecisionTreeClassifier):
    """Tells two classes apart without probabilities."""

    @property
    def predict_proba(self):
        raise AttributeError

    def predict(self, data, check_input=True):
        return self.classes_[(self.decision_function(data) > 0.5).astype(int)]

    def decision_function(self, data):
        return super().predict_proba(data)[:, 1]


def evidence(run):
    """The file."""
    return json.loads(run.file("training_evidence.json").read_text())


def test_the_confusion_matrix_is_scikit_learns(record):
    """A row for each true class; of names too, and with the fit's weights."""
    data, target = FLOWERS
    names = np.array(["setosa", "versicolor", "virginica"])[target]
    weight = np.linspace(1, 2, len(target))
    model = GaussianNB().fit(data, names, sample_weight=weight)
    expected = metrics.confusion_matrix(names, model.predict(data), sample_weight=weight)
    found = evidence(record.run)["confusion_matrix"]
    assert found["labels"] == ["setosa", "versicolor", "virginica"]
    assert np.allclose(found["counts"], expected)


def test_targets_in_a_column_are_targets(record):
    """Their evidence is that of the same targets in a row, with probabilities and with a decision function."""
    data, target = (part[::3] for part in TUMOURS)  # so few rows are never sampled
    for model in (DecisionTreeClassifier(max_depth=2, random_state=0), DecidingTree(max_depth=2, random_state=0)):
        for targets in (target, target.reshape(-1, 1)):
            model.fit(data, targets)
            assert model.n_outputs_ == 1
    plain, column, decided, decided_column = (evidence(run) for run in record.runs)
    for one, other in ((plain, column), (decided, decided_column)):
        for part in (one, other):
            del part["data"]["fit_time"]
        assert one == other
        assert one["roc_curve"][0]["area"] > 0.9


def test_one_number_may_be_the_weight_of_all_rows(record):
    """Fits of scikit-learn's take that, its scores do not; here it counts as none."""
    data, target = TUMOURS
    model = LogisticRegression(max_iter=5000).fit(data, target, sample_weight=2)
    found = evidence(record.run)
    assert np.sum(found["confusion_matrix"]["counts"]) == len(target)
    assert found["roc_curve"][0]["area"] > 0.9
    assert record.run.metrics["training_score"] == [model.score(data, target)]


@pytest.mark.parametrize("weight", [None, np.linspace(0.5, 2, len(TUMOURS[1]))], ids=["plain", "weighted"])
def test_curves_are_scikit_learns(record, weight):
    """Of two classes the second one's; areas are of all points, which are at most 200."""
    data, target = TUMOURS
    model = GaussianNB().fit(data, target, sample_weight=weight)
    likely = model.predict_proba(data)[:, 1]
    found = evidence(record.run)
    (receiver,), (precision,) = found["roc_curve"], found["precision_recall_curve"]
    assert receiver["class"] == precision["class"] == 1
    assert receiver["area"] == pytest.approx(metrics.roc_auc_score(target, likely, sample_weight=weight))
    average = metrics.average_precision_score(target, likely, sample_weight=weight)
    assert precision["average_precision"] == pytest.approx(average)
    x, y, _ = metrics.roc_curve(target, likely, sample_weight=weight, drop_intermediate=False)
    points = {(round(a, 5), round(b, 5)) for a, b in zip(x, y, strict=True)}
    for a, b in zip(receiver["false_positive_rate"], receiver["true_positive_rate"], strict=True):
        assert min(abs(a - c) + abs(b - d) for c, d in points) < 1e-4
    assert len(receiver["thresholds"]) <= 200


def test_calibration_is_scikit_learns(record):
    """In bins of equal width."""
    data, target = TUMOURS
    model = GaussianNB().fit(data, target)
    observed, predicted = calibration_curve(target, model.predict_proba(data)[:, 1], n_bins=10)
    found = evidence(record.run)["calibration"]
    assert found["observed"] == pytest.approx(observed, abs=1e-6)
    assert found["predicted"] == pytest.approx(predicted, abs=1e-6)


def test_of_many_classes_each_has_a_curve_up_to_ten(record, monkeypatch):
    """And the matrix shows the most frequent ones."""
    monkeypatch.setattr("autotrack_sklearn.evidence.CLASSES", 5)
    target = np.append(np.repeat(np.arange(12), 4), 7)
    data = target[:, None] + np.random.default_rng(0).normal(scale=0.3, size=(49, 1))
    GaussianNB().fit(data, target)
    found = evidence(record.run)
    assert len(found["roc_curve"]) == 10
    assert np.shape(found["confusion_matrix"]["counts"]) == (5, 5)
    assert 7 in found["confusion_matrix"]["labels"]
    assert found["confusion_matrix"]["of_classes"] == 12


def test_residuals_of_a_regressor(record):
    """How they are spread, and some of them."""
    data, target = PATIENTS
    model = Ridge().fit(data, target)
    residuals = target - model.predict(data)
    found = evidence(record.run)["residuals"]
    assert sum(found["histogram"]) == len(target)
    assert found["quantiles"]["0.5"] == pytest.approx(np.median(residuals))
    assert len(found["residual"]) == len(found["predicted"]) == 200


IMPORTANT = {
    "forest": (RandomForestClassifier(3, random_state=0), "importances", list(TABLE.data.columns)),
    "line": (LogisticRegression(), "coefficients", list(TABLE.data.columns)),
    "pipeline": (make_pipeline(StandardScaler(), LogisticRegression()), "coefficients", list(TABLE.data.columns)),
    "search": (GridSearchCV(Ridge(), {"alpha": [1.0, 2.0]}, cv=2), "coefficients", list(TABLE.data.columns)),
    "wrapped": (TransformedTargetRegressor(Ridge()), "coefficients", list(TABLE.data.columns)),
    "columns": (
        make_pipeline(ColumnTransformer([("a", StandardScaler(), ["mean radius", "mean area"])]), LogisticRegression()),
        "coefficients",
        ["a__mean radius", "a__mean area"],
    ),
    "kernel": (SVC(kernel="linear"), "coefficients", list(TABLE.data.columns)),
}


@pytest.mark.parametrize("kind", IMPORTANT)
def test_importances_and_coefficients_have_names(record, kind):
    """The strongest first, also of what is inside a pipeline or a search."""
    model, what, names = IMPORTANT[kind]
    model.fit(StandardScaler().set_output(transform="pandas").fit_transform(TABLE.data), TABLE.target)
    found = evidence(record.run)["importances"]
    assert (found["kind"], found["of"]) == (what, len(names))
    assert sorted(found["features"]) == sorted(names)
    strength = np.abs(found["values"])
    assert list(strength) == sorted(strength, reverse=True)


def test_coefficients_of_several_classes(record):
    """A row for each class."""
    LogisticRegression(max_iter=300).fit(*FLOWERS)
    found = evidence(record.run)["importances"]
    assert found["classes"] == ["0", "1", "2"]
    assert np.shape(found["values"]) == (3, 4)
    assert set(found["features"]) == {"x0", "x1", "x2", "x3"}


def test_what_has_no_such_thing_has_no_evidence_of_it(record):
    """A machine with a kernel has no coefficients; clusters have no truth."""
    SVC().fit(*FLOWERS)
    KMeans(2, n_init=1).fit(FLOWERS[0])
    vectors, clusters = map(evidence, record.runs)
    assert set(vectors) == {"data", "confusion_matrix"}
    assert set(clusters) == {"data"}


def test_the_data_are_described(record):
    """Shape, names, how many of each class or where the numbers lie, and the time of the fit."""
    GaussianNB().fit(TABLE.data, TABLE.target)
    Ridge().fit(*PATIENTS)
    flowers, patients = (evidence(run)["data"] for run in record.runs)
    assert (flowers["rows"], flowers["columns"], flowers["features"][0]) == (569, 30, "mean radius")
    assert flowers["classes"] == {"0": 212, "1": 357}
    assert flowers["fit_time"] == record.runs[0].metrics["fit_time"][0]
    assert (patients["target"]["min"], patients["target"]["max"]) == (25, 346)


def test_a_million_names_stay_small(record):
    """As do many features of a model."""
    import scipy.sparse

    wide = scipy.sparse.random(20, 100_000, density=1e-4, random_state=0, format="csr")
    Ridge().fit(wide, np.arange(20.0))
    Ridge().fit(pd.DataFrame(np.eye(20, 3000)).rename(columns=str), np.arange(20.0))
    sparse, table = record.runs
    assert len(evidence(sparse)["importances"]["features"]) == 200
    assert evidence(sparse)["importances"]["of"] == 100_000
    assert len(evidence(table)["data"]["features"]) == 1000
    assert max(run.artifacts["training_evidence.json"] for run in record.runs) < 40_000


def test_two_classes_told_apart_without_probabilities_have_curves(record):
    """By the decision function; there is nothing to calibrate."""
    data, target = TABLE.data.to_numpy(), TABLE.target
    model = make_pipeline(StandardScaler(), LinearSVC(random_state=0)).fit(data, target)
    found = evidence(record.run)
    assert set(found) == {"data", "confusion_matrix", "roc_curve", "precision_recall_curve", "importances"}
    (curve,) = found["roc_curve"]
    assert curve["area"] == pytest.approx(metrics.roc_auc_score(target, model.decision_function(data)))


def test_pictures_are_drawn_on_request_alone(record):
    """Under MLflow's names, of whatever there is; the program's own figures stay what they are."""
    autotrack.sklearn.autolog(log_models=False, log_plots=True)
    GaussianNB().fit(TABLE.data, TABLE.target)
    Ridge().fit(*PATIENTS)
    classes, numbers = record.runs
    assert {name for name in classes.artifacts if name.endswith(".png")} == {
        "training_confusion_matrix.png", "training_roc_curve.png", "training_precision_recall_curve.png",
        "training_calibration_curve.png",
    }  # fmt: skip
    assert {name for name in numbers.artifacts if name.endswith(".png")} == {
        "training_residuals.png", "training_importances.png",
    }  # fmt: skip
    assert classes.file("training_roc_curve.png").read_bytes().startswith(b"\x89PNG")
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_without_a_request_matplotlib_is_not_loaded():
    """Nor anything else that draws."""
    program = (
        "import sys, autotrack; from autotrack.testing import recording; from sklearn.naive_bayes import GaussianNB\n"
        "with recording():\n"
        "    autotrack.autolog()\n"
        "    GaussianNB().fit([[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1])\n"
        "print(sorted({'matplotlib', 'PIL', 'plotly'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


class Counting(ClassifierMixin, BaseEstimator):
    """Counts its predictions, where its source does not tell that it does."""

    def fit(self, data, target):
        self.classes_ = np.unique(target)
        self.calls = []
        self.asked = self.calls.append
        return self

    def predict(self, data):
        self.asked(len(data))
        return np.where(data[:, 0] > 0, self.classes_[0], self.classes_[1])


def test_nothing_is_predicted_for_it(record):
    """The training metrics' predictions serve."""
    model = Counting().fit(*FLOWERS)
    assert model.calls == [len(FLOWERS[0])]
    assert "confusion_matrix" in evidence(record.run)


class Broken(RegressorMixin, BaseEstimator):
    """Has importances that cannot be had, and parameters that are odd."""

    def __init__(self, what=None):
        self.what = what

    def fit(self, data, target):
        return self

    def predict(self, data):
        return np.full(len(data), np.nan)

    @property
    def feature_importances_(self):
        raise OSError("no")


def test_a_part_that_cannot_be_had_costs_itself_alone(record):
    """And what is not finite has no place in JSON."""
    Broken(what=object()).fit(*PATIENTS)
    found = evidence(record.run)
    assert found["residuals"] == {}
    assert "importances" not in found
    assert "<script>" not in record.run.file("estimator.html").read_text()


def test_the_diagram_shows_boxes_in_boxes(record):
    """Each with its own parameters."""
    inner = make_pipeline(StandardScaler(with_mean=False), LogisticRegression(C=7, max_iter=500))
    VotingClassifier([("one", inner), ("<two>", GaussianNB())]).fit(*FLOWERS)
    page = record.run.file("estimator.html").read_text()
    for text in ("VotingClassifier", "one</span> Pipeline", "with_mean<td>False", "C<td>7", "&lt;two&gt;"):
        assert text in page
    assert len(page) < 5_000


def test_a_mock_in_an_estimators_place_hides_its_own_parameters_alone(record):
    """Those of the others are there, and it is drawn by its name; nothing is said, as nothing went wrong."""
    model = VotingRegressor([("one", Ridge(alpha=7))])
    model.made = Mock(name="part")
    model.get_params = types.MethodType(with_part, model)
    model.fit(*PATIENTS)
    run = record.run
    assert (run.params["weights"], run.params["other__alpha"]) == ("None", "5")
    assert "Mock" in run.params["part"]
    assert not [name for name in run.params if name.startswith("part__")]
    page = run.file("estimator.html").read_text()
    assert "part</span> Mock" in page
    assert "alpha<td>5" in page


def with_part(self, deep=True):
    """A mock among the parameters, asked as scikit-learn asks for nested ones."""
    found = {"weights": None, "part": self.made, "other": Ridge(alpha=5)}
    if deep:
        found |= {f"part__{key}": value for key, value in self.made.get_params().items()}
    return found


def test_it_can_be_left_out(record):
    """Together with the metrics whose predictions it is of; the diagram together with the model as well."""
    autotrack.sklearn.autolog(log_training_metrics=False, log_models=False)
    Ridge().fit(*PATIENTS)
    assert record.run.artifacts == {}
