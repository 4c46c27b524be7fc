"""Beside MLflow's autologging: every key that it writes is written here, with the same name and the same value."""

import json
import subprocess
import sys

import pytest

import autotrack

PROGRAM = """
import json, sys, warnings
import numpy as np, pandas as pd, scipy.sparse
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier, StackingRegressor, VotingClassifier
from sklearn.experimental import enable_halving_search_cv
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn import metrics

warnings.simplefilter("ignore")
flowers, patients = load_iris(return_X_y=True), load_diabetes(return_X_y=True)
tumours = load_breast_cancer(return_X_y=True)[0][:190, :8], load_breast_cancer(return_X_y=True)[1][:190]
table = pd.DataFrame(patients[0][:, :4], columns=list("abcd"))
weights = np.linspace(0.1, 1, 190)
columns = ColumnTransformer([("scaled", StandardScaler(), ["a", "b"])], remainder="passthrough")
tree = DecisionTreeClassifier(max_depth=2, random_state=0)

def scores():
    test, truth = flowers[0][::2].copy(), flowers[1][::2]
    model = GaussianNB().fit(*flowers)
    labels, likely = model.predict(test), model.predict_proba(test)
    metrics.f1_score(truth, labels, average="macro")
    metrics.f1_score(truth, labels, average="micro")
    metrics.accuracy_score(truth, labels)
    metrics.log_loss(truth, likely)
    model.score(test, truth)

CASES = {
    "two classes": lambda: GaussianNB().fit(*tumours),
    "several classes": lambda: tree.fit(*flowers),
    "weights": lambda: GaussianNB().fit(*tumours, sample_weight=weights),
    "names": lambda: tree.fit(flowers[0], np.array(["s", "c", "v"])[flowers[1]]),
    "without probabilities": lambda: LinearSVC(random_state=0).fit(*tumours),
    "numbers": lambda: Ridge().fit(patients[0][:150], patients[1][:150]),
    "a frame": lambda: Ridge().fit(table[:150], pd.Series(patients[1][:150], name="y")),
    "sparse": lambda: Ridge().fit(scipy.sparse.csr_matrix(patients[0][:150]), patients[1][:150]),
    "several numbers": lambda: MultiOutputRegressor(Ridge()).fit(flowers[0][:, :2], flowers[0][:, 2:]),
    "a pipeline": lambda: make_pipeline(columns, Ridge()).fit(table[:150], patients[1][:150]),
    "a vote": lambda: VotingClassifier([("a", GaussianNB()), ("b", tree)], voting="soft").fit(*flowers),
    "a stack": lambda: StackingRegressor([("a", Ridge())], cv=2).fit(patients[0][:150], patients[1][:150]),
    "calibrated": lambda: CalibratedClassifierCV(GaussianNB(), cv=2).fit(*tumours),
    "another target": lambda: TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1).fit(
        patients[0][:150], patients[1][:150]),
    "clusters": lambda: KMeans(3, n_init=1, random_state=0).fit(flowers[0]),
    "a search": lambda: GridSearchCV(tree, {"max_depth": [1, 2, 3]}, cv=2).fit(*flowers),
    "a random search": lambda: RandomizedSearchCV(
        tree, {"max_depth": [1, 2, 3]}, n_iter=2, cv=2, random_state=0, scoring=["accuracy", "f1_macro"],
        refit="f1_macro").fit(*flowers),
    "halving": lambda: HalvingGridSearchCV(tree, {"max_depth": [1, 2]}, cv=2, random_state=0).fit(*flowers),
    "scores": scores,
}
"""

MLFLOW = """
import mlflow
mlflow.set_tracking_uri("sqlite:///mlflow.db")
mlflow.sklearn.autolog(log_models=False, silent=True, max_tuning_runs=None)
client, found, seen = mlflow.MlflowClient(), {}, set()
for name, case in CASES.items():
    case()
    new = [run for run in client.search_runs(["0"]) if run.info.run_id not in seen]
    seen |= {run.info.run_id for run in new}
    found[name] = [
        {
            "parent": run.data.tags.get("mlflow.parentRunId") is not None,
            "params": run.data.params,
            "metrics": run.data.metrics,
            "tags": {key: value for key, value in run.data.tags.items() if not key.startswith("mlflow.")},
            "artifacts": [file.path for file in client.list_artifacts(run.info.run_id)],
        }
        for run in new
    ]
open("found.json", "w").write(json.dumps(found))
"""


def wanting(theirs, ours):
    """What MLflow has written and autotrack has not, or otherwise; times differ from fit to fit."""
    metrics = {key: value for key, value in theirs["metrics"].items() if "_time" not in key}
    return {
        **{key: value for key, value in theirs["params"].items() if ours.params.get(key) != value},
        **{key: value for key, value in metrics.items() if last(ours, key) != pytest.approx(value, rel=1e-12)},
        **{key: value for key, value in theirs["tags"].items() if ours.tags.get(key) != value},
        **{file: None for file in theirs["artifacts"] if file not in ours.artifacts},
    }


def last(run, key):
    """The value that a metric ended with, scored after the fit or not."""
    values = [*run.metrics.get(key, ()), *(point.value for point in run.after_end if point.key == key)]
    return values[-1] if values else None


@pytest.mark.slow
def test_whatever_mlflow_writes_is_written(record, tmp_path):
    """Parameters, metrics, tags and files of each kind of estimator; of a search those of each candidate too."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + MLFLOW], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    theirs = json.loads((tmp_path / "found.json").read_text())
    autotrack.sklearn.autolog(log_models=False, log_plots=True, max_tuning_runs=None)
    here: dict[str, object] = {}
    exec(PROGRAM, here)
    compared, different = 0, {}
    for name, case in here["CASES"].items():
        before = len(record.runs)
        case()
        new = record.runs[before:]
        for nested in (False, True):
            ours = [run for run in new if (run.parent is not None) is nested]
            expected = [run for run in theirs[name] if run["parent"] is nested]
            if nested and not expected:
                continue  # of a search by halving MLflow writes no candidates
            by_params = [sorted(expected, key=lambda run: str(sorted(run["params"].items())))]
            by_params.append(sorted(ours, key=lambda run: str(sorted(run.params.items()))))
            assert len(ours) == len(expected), name
            for one, other in zip(*by_params, strict=True):
                compared += len(one["params"]) + len(one["metrics"]) + len(one["tags"])
                if found := wanting(one, other):
                    different[name] = found
    assert different == {}
    assert compared > 450
