"""What is recorded of the data that XGBoost trains on."""

import json
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import xgboost

import autotrack_xgboost

RANDOM = np.random.default_rng(2)
X = RANDOM.normal(size=(200, 3)).astype(np.float32)
Y = RANDOM.integers(0, 3, 200)
PARAMS = {"nthread": 1, "max_depth": 2}


def profile(dataset):
    """What is known of its size and content."""
    return json.loads(dataset.profile)


def test_a_matrix_tells_its_size_gaps_columns_and_labels(record):
    """Nothing is asked that XGBoost would have to compute."""
    gaps = X.copy()
    gaps[:50, 0] = np.nan
    matrix = xgboost.DMatrix(gaps, Y, feature_names=["a", "b", "ü"], feature_types=["float", "int", "float"])
    xgboost.train(PARAMS, matrix, 1)
    (used,) = record.run.datasets
    assert (used.name, used.context) == ("dataset", "train")
    facts = profile(used)
    assert (facts["num_rows"], facts["num_elements"], facts["missing_share"]) == (200, 600, round(50 / 600, 6))
    assert facts["labels"] == {str(label): int((label == Y).sum()) for label in range(3)}
    assert [column["name"] for column in json.loads(used.schema)["mlflow_colspec"]] == ["a", "b", "ü"]


def test_labels_that_are_no_classes_are_told_by_their_spread(record):
    """Their ends and their mean."""
    target = X[:, 0] * 10
    xgboost.train(PARAMS, xgboost.DMatrix(X, target), 1)
    labels = profile(record.run.datasets[0])["labels"]
    assert labels == pytest.approx({"min": target.min(), "max": target.max(), "mean": target.mean()}, rel=1e-5)


def test_evaluation_sets_have_their_names_and_the_training_set_comes_once(record):
    """Also where it is evaluated too."""
    train, test = xgboost.DMatrix(X, Y), xgboost.DMatrix(X[:50], Y[:50])
    xgboost.train(PARAMS, train, 1, evals=[(train, "train"), (test, "held_out")])
    assert [(one.name, one.context) for one in record.run.datasets] == [("dataset", "train"), ("held_out", "eval")]


def test_an_iterator_of_evaluation_sets_is_left_to_xgboost(record):
    """Which uses it up; the curves are there."""
    train = xgboost.DMatrix(X, Y)
    xgboost.train(PARAMS, train, 2, evals=iter([(train, "train")]))
    assert record.run.steps["train-rmse"] == [0, 1]


class Batches(xgboost.DataIter):
    """Two batches."""

    def __init__(self, cache=None):
        self.at = 0
        super().__init__(cache_prefix=cache)

    def next(self, input_data):
        if self.at == 2:
            return False
        half = slice(self.at * 100, self.at * 100 + 100)
        input_data(data=X[half], label=Y[half])
        self.at += 1
        return True

    def reset(self):
        self.at = 0


MATRICES = {
    "dense": lambda _: xgboost.DMatrix(X, Y),
    "sparse": lambda _: xgboost.DMatrix(scipy.sparse.csr_matrix(X), Y),
    "frame": lambda _: xgboost.DMatrix(pd.DataFrame(X, columns=list("abc")), Y),
    "categories": lambda _: xgboost.DMatrix(
        pd.DataFrame({"a": pd.Categorical(list("xy") * 100), "b": X[:, 0]}), Y, enable_categorical=True
    ),
    "groups": lambda _: xgboost.DMatrix(X, Y, qid=np.arange(200) // 20),
    "weights": lambda _: xgboost.DMatrix(X, Y, weight=np.ones(200)),
    "quantile": lambda _: xgboost.QuantileDMatrix(X, Y),
    "batches": lambda _: xgboost.QuantileDMatrix(Batches()),
    "external": lambda path: xgboost.DMatrix(Batches(str(path / "cache"))),
    "external quantile": lambda path: xgboost.ExtMemQuantileDMatrix(Batches(str(path / "cache"))),
}


@pytest.mark.parametrize("kind", MATRICES)
def test_any_kind_of_matrix_is_known_again(record, kind, tmp_path):
    """Its digest is that of another one of the same data, and differs with the labels."""
    for name in ("one", "two", "other"):
        (tmp_path / name).mkdir()
    one, two, other = (MATRICES[kind](tmp_path / name) for name in ("one", "two", "other"))
    other.set_label(Y[::-1])
    for matrix in (one, two, other):
        xgboost.train({**PARAMS, "tree_method": "hist"}, matrix, 1)
    first, second, third = (run.datasets[0].digest for run in record.runs)
    assert first == second != third
    assert {profile(run.datasets[0])["num_rows"] for run in record.runs} == {200}
    assert json.loads(record.runs[0].models[0].signature)["outputs"]


def test_other_values_have_another_digest(record):
    """Although nothing else differs."""
    for data in (X, X + 1):
        xgboost.train(PARAMS, xgboost.DMatrix(data, Y), 1)
    assert record.runs[0].datasets[0].digest != record.runs[1].datasets[0].digest


def test_an_estimators_data_are_known_as_the_program_has_them(record):
    """Their types and names are those before XGBoost's conversion; the gaps and labels XGBoost has counted."""
    frame = pd.DataFrame({"a": X[:, 0].astype(float), "b": Y})
    xgboost.XGBClassifier(n_estimators=1).fit(
        frame, Y, eval_set=[(frame, Y), (frame[:50], Y[:50])], verbose=False
    )  # fmt: skip
    used = record.run.datasets
    assert [one.name for one in used] == ["dataset", "validation_1"]  # the other one is the training set
    assert [column["type"] for column in json.loads(used[0].schema)["mlflow_colspec"]] == ["double", "long"]
    assert profile(used[0])["missing_share"] == 0
    assert len(profile(used[1])["labels"]) == 3
    assert used[0].digest != used[1].digest


def test_what_the_program_calls_its_data_is_known(record):
    """Where it has variables for them; the data sets keep the names that XGBoost and MLflow give them."""
    held_out, pair = X[:50], (X[50:90], Y[50:90])
    sets = [(held_out, Y[:50]), pair, (X[:9], Y[:9])]
    xgboost.XGBClassifier(n_estimators=1, n_jobs=1).fit(X, Y, eval_set=sets, verbose=False)
    assert [one.name for one in record.run.datasets] == ["dataset", "validation_0", "validation_1", "validation_2"]
    named = {key: name for key, name in record.run.tags.items() if key.startswith("autotrack.variable.")}
    assert named == {
        "autotrack.variable.dataset": "X",
        "autotrack.variable.validation_0": "held_out",
        "autotrack.variable.validation_1": "pair",
    }
    dtrain = xgboost.DMatrix(X, Y)
    xgboost.train(PARAMS, dtrain, 1)
    assert record.runs[1].tags["autotrack.variable.dataset"] == "dtrain"


def test_sparse_data_stay_sparse(record):
    """A matrix that would have 400 MB if it were dense, through both interfaces."""
    places = RANDOM.integers(0, 5000, 9000), RANDOM.integers(0, 20_000, 9000)
    wide = scipy.sparse.csr_matrix((np.ones(9000, np.float32), places), (5000, 20_000))
    target = np.arange(5000) % 2
    tracemalloc.start()
    xgboost.train({"nthread": 1, "max_depth": 1}, xgboost.DMatrix(wide, target), 1)
    xgboost.XGBClassifier(n_estimators=1, n_jobs=1, max_depth=1).fit(wide, target)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40_000_000
    assert [profile(run.datasets[0])["missing_share"] for run in record.runs] == [0.99991, 0.99991]


def test_data_sets_may_be_left_out(record):
    """By the option that all integrations have."""
    autotrack_xgboost.autolog(log_datasets=False)
    xgboost.train(PARAMS, xgboost.DMatrix(X, Y), 1)
    matrix = xgboost.DMatrix(X, Y)
    booster = xgboost.Booster(PARAMS, [matrix])
    booster.update(matrix, 0)
    record.finish()
    assert [run.datasets for run in record.runs] == [[], []]


def test_an_example_has_the_gaps_and_the_names(record):
    """As pandas shows them."""
    autotrack_xgboost.autolog(log_input_examples=True)
    gaps = X.copy()
    gaps[0, 1] = np.nan
    booster = xgboost.train(PARAMS, xgboost.DMatrix(gaps, Y, feature_names=["a", "b", "c"]), 2)
    example = json.loads((record.run.file("model") / "input_example.json").read_text())
    assert example["columns"] == ["a", "b", "c"]
    assert example["data"][0][1] is None
    assert booster.num_features() == 3
