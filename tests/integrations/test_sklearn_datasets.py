"""The data of a fit and of what is evaluated later, as inputs of the run."""

import ast
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.datasets import load_iris
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline

import autotrack

X, Y = load_iris(return_X_y=True)
NAMES = ["a", "b", "c", "d"]


@pytest.fixture(autouse=True)
def without_models(record):
    """Which these tests do not look at."""
    autotrack.sklearn.autolog(log_models=False, log_training_metrics=False)


def polars(data):
    """As a frame of polars."""
    return pytest.importorskip("polars").DataFrame(data, schema=NAMES)


def arrow(data):
    """As a table of pyarrow."""
    return pytest.importorskip("pyarrow").table(dict(zip(NAMES, data.T, strict=True)))


class Mean(RegressorMixin, BaseEstimator):
    """Takes anything."""

    def fit(self, data, target=None):
        return self

    def predict(self, data):
        return np.zeros(1)


def test_the_data_of_a_fit(record):
    """Name, role, columns or shape, size, and a digest that the targets count in."""
    train = X.copy()
    GaussianNB().fit(train, Y)
    GaussianNB().fit(train, 2 - Y)
    first, second = (run.datasets for run in record.runs)
    (used,) = first
    assert (used.name, used.context, used.source_type) == ("train", "train", "code")
    schema = json.loads(used.schema)["mlflow_tensorspec"]
    assert json.loads(schema["features"])[0]["tensor-spec"] == {"dtype": "float64", "shape": [-1, 4]}
    assert json.loads(schema["targets"])[0]["tensor-spec"]["shape"] == [-1]
    assert json.loads(used.profile)["features_shape"] == [150, 4]
    assert used.digest != second[0].digest


KINDS = {
    "array": np.array, "column-wise": np.asfortranarray, "frame": lambda data: pd.DataFrame(data, columns=NAMES),
    "polars": polars, "pyarrow": arrow, "csr": scipy.sparse.csr_matrix, "coo": scipy.sparse.coo_array,
    "list": np.ndarray.tolist,
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_data_of_any_kind(record, kind):
    """Equal data have an equal digest, and one value or target makes another one."""
    make = KINDS[kind]
    changed, targets = X.copy(), Y.copy()
    changed[77, 2] += 1
    targets[-1] = 0
    for data, target in ((X, Y), (X, Y), (changed, Y), (X, targets)):
        Mean().fit(make(data), target)
    one, same, other, third = (run.datasets[0] for run in record.runs)
    assert one.digest == same.digest
    assert len({one.digest, other.digest, third.digest}) == 3
    assert json.loads(one.schema)
    assert json.loads(one.profile)


def test_names_are_the_programs(record):
    """ "dataset" is what has no name there, as in MLflow."""
    frame = pd.DataFrame(X, columns=NAMES)

    def train(data):
        GaussianNB().fit(data, Y)

    train(frame)
    GaussianNB().fit(frame[["a", "b"]], Y)
    GaussianNB().fit(y=Y, X=frame)
    assert [run.datasets[0].name for run in record.runs] == ["frame", "dataset", "frame"]
    columns = json.loads(record.runs[0].datasets[0].schema)["mlflow_colspec"]
    assert [column["name"] for column in columns] == NAMES


def test_what_is_evaluated_later_is_an_input_too(record):
    """Once for a prediction, once more with the targets, however often."""
    train, test, truth = X[::2].copy(), X[1::2].copy(), Y[1::2]
    model = GaussianNB().fit(train, Y[::2])
    for _ in range(3):
        model.predict(test)
        model.score(test, truth)
    first, *later = record.run.datasets
    assert (first.name, first.context) == ("train", "train")
    assert [(used.name, used.context) for used in later] == [("test", "eval")] * 2
    assert len({used.digest for used in (first, *later)}) == 3


def test_many_evaluations_leave_a_bounded_number_of_inputs(record):
    """As where a model serves, row by row."""
    from autotrack_sklearn import scores

    model = GaussianNB().fit(X, Y)
    for row in range(50):
        model.predict(X[row : row + 1])
    assert len(record.run.datasets) == 1 + scores.MOST_EVALUATED


def test_it_can_be_left_out(record):
    """Neither the data of the fit nor those of later."""
    autotrack.sklearn.autolog(log_datasets=False, log_models=False)
    test = X.copy()
    GaussianNB().fit(X, Y).score(test, Y)
    assert record.run.datasets == []
    (point,) = record.run.after_end
    assert (point.key, point.dataset) == ("GaussianNB_score_test", None)


def test_an_iterator_is_not_read(record):
    """What can be read only once is the program's."""

    def lines():
        read.append(1)
        yield from ("one two", "two three")

    read = []
    Mean().fit(lines())
    assert read == []
    assert record.run.datasets == []
    make_pipeline(CountVectorizer(), MultinomialNB()).fit(lines(), [0, 1])
    assert read == [1]
    assert {run.status for run in record.runs} == {"FINISHED"}


def test_a_large_set_is_sampled_and_says_so(record):
    """In its digest; neither made dense nor copied."""
    import tracemalloc

    count = 3_000_000
    entries = np.ones(count), np.arange(count, dtype=np.int32) % 50_000, np.linspace(0, count, 400_001, dtype=np.int32)
    wide = scipy.sparse.csr_matrix(entries, shape=(400_000, 50_000))
    tracemalloc.start()
    Mean().fit(wide, np.zeros(wide.shape[0]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert record.run.datasets[0].digest.startswith("sampled-")
    assert peak < wide.data.nbytes + wide.indices.nbytes


PROGRAM = """
import datetime, sys
import numpy as np, pandas as pd, scipy.sparse, autotrack
from autotrack.testing import recording
from sklearn.base import BaseEstimator, RegressorMixin

class Mean(RegressorMixin, BaseEstimator):
    def fit(self, data, target=None):
        return self
    def predict(self, data):
        return [0.0]

numbers = np.arange(12.0).reshape(3, 4)
words = {"a": [1.0, 2.0, 3.0], "b": ["x", "yy", "x"], "c": [True, False, True]}
days = [datetime.datetime(2020, 1, day) for day in (1, 2, 3)]
kinds = {
    "array": numbers, "column-wise": np.asfortranarray(numbers), "list": numbers.tolist(), "texts": ["a", "b", "c"],
    "objects": np.array(["a", None, 3], dtype=object), "csr": scipy.sparse.csr_matrix(numbers),
    "coo": scipy.sparse.coo_array(numbers), "frame": pd.DataFrame(words),
    "dates": pd.DataFrame({"day": days, "kind": pd.Categorical(["u", "v", "u"])}), "series": pd.Series([1, 2, 3]),
}
for library in ("polars", "pyarrow"):
    try:
        module = __import__(library)
    except ImportError:
        continue
    kinds[library] = module.DataFrame(words) if library == "polars" else module.table(words)
with recording() as record:
    autotrack.sklearn.autolog(log_models=False, log_training_metrics=False)
    for data in kinds.values():
        Mean().fit(data, ["no", "yes", "no"])
digests = {kind: run.datasets[0].digest for kind, run in zip(kinds, record.runs)}
if __name__ == "__main__":
    print(digests)
"""


def test_a_digest_is_the_same_in_every_process():
    """Of data of any kind; texts too, whose hashes differ from process to process."""
    here = {"__name__": "here"}
    exec(PROGRAM, here)
    assert here["digests"]["array"] == here["digests"].pop("column-wise")
    assert len(set(here["digests"].values())) == len(here["digests"])
    there = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "7"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ast.literal_eval(there.stdout).items() >= here["digests"].items()


def test_data_that_the_fit_overwrites_are_recorded_as_they_were(record):
    """The digest is taken before."""

    class Erasing(Mean):
        def fit(self, data, target):
            data[:] = 0
            return self

    data = X.copy()
    Erasing().fit(data, Y)
    data = X.copy()
    Ridge().fit(data, Y)
    assert record.runs[0].datasets[0].digest == record.runs[1].datasets[0].digest


def test_a_failed_fit_has_its_data(record):
    """They may be the reason."""
    holes = np.full_like(X, np.nan)
    with pytest.raises(ValueError, match="NaN"):
        LogisticRegression().fit(holes, Y)
    assert record.run.datasets[0].name == "holes"
