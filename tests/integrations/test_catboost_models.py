"""CatBoost's models: kept with the run, loaded here and by MLflow."""

import warnings

import catboost
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from numpy.testing import assert_array_equal

import autotrack
import autotrack_catboost
from autotrack.exceptions import AutotrackException
from autotrack.models import format  # noqa: A004 - the module
from autotrack.testing import recorded

RANDOM = np.random.default_rng(9)
DENSE = RANDOM.normal(size=(200, 3))
Y = (DENSE[:, 0] + RANDOM.normal(scale=0.7, size=200) > 0).astype(int)
KINDS = RANDOM.choice(list("xyz"), 200)
NUMBERS = pd.DataFrame(DENSE, columns=list("abc"))
TABLE = NUMBERS.assign(kind=KINDS)
CATEGORIES = NUMBERS.assign(kind=pd.Categorical(KINDS))
SPARSE = scipy.sparse.csr_matrix(np.where(DENSE > 0.5, DENSE, 0))
FEW = {"iterations": 5, "depth": 2, "thread_count": 1, "verbose": False, "allow_writing_files": False}


@pytest.fixture
def mlflow():
    """MLflow itself, which warns of its own code when it is loaded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow.pyfunc
    return mlflow


def logged(store):
    """The only model in a store: its directory."""
    (run,) = recorded(store)
    return run.file(run.models[0].path)


@pytest.mark.parametrize(
    "target", [Y, np.array(["no", "yes"])[Y], KINDS, DENSE[:, 0]], ids=["01", "two", "three", "real"]
)
@pytest.mark.parametrize(
    "data", [DENSE, NUMBERS, TABLE, CATEGORIES, SPARSE], ids=["array", "numbers", "text", "categories", "sparse"]
)
def test_a_model_loads_to_equal_predictions(store, mlflow, data, target):
    """With autotrack and with stock MLflow, which checks the data against the signature."""
    autotrack_catboost.autolog()
    cls = catboost.CatBoostRegressor if target.dtype == float else catboost.CatBoostClassifier
    kinds = ["kind"] if "kind" in getattr(data, "columns", ()) else None
    model = cls(**FEW).fit(data, target, cat_features=kinds)
    loaded = autotrack_catboost.load_model(logged(store))
    assert type(loaded) is cls
    assert_array_equal(loaded.predict(data), model.predict(data))
    assert_array_equal(mlflow.pyfunc.load_model(str(logged(store))).predict(data), model.predict(data))


@pytest.mark.parametrize("data", [TABLE, DENSE], ids=["table", "array"])
def test_a_model_of_a_pool_knows_its_features(store, mlflow, data):
    """By name if they have names, else by place."""
    autotrack_catboost.autolog()
    kinds = ["kind"] if data is TABLE else None
    model = catboost.CatBoostRegressor(**FEW).fit(catboost.Pool(data, Y, cat_features=kinds))
    signature = format.read(logged(store)).signature
    types = ["double", "double", "double", "string"][: data.shape[1]]
    assert [column["type"] for column in signature.inputs] == types
    assert ["name" in column for column in signature.inputs] == [data is TABLE] * len(types)
    assert signature.outputs == [{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1]}}]
    assert_array_equal(mlflow.pyfunc.load_model(str(logged(store))).predict(data), model.predict(data))


@pytest.mark.slow
@pytest.mark.parametrize("cls", [catboost.CatBoostRanker, catboost.CatBoost])
def test_the_other_classes_load_in_stock_mlflow_too(store, mlflow, cls):
    """To equal predictions."""
    autotrack_catboost.autolog()
    ranks = catboost.Pool(DENSE, Y, group_id=np.arange(200) // 20)
    model = cls({**FEW, "loss_function": "QueryRMSE"}).fit(ranks) if cls is catboost.CatBoost else cls(**FEW).fit(ranks)
    loaded = mlflow.pyfunc.load_model(str(logged(store)))
    assert_array_equal(loaded.predict(pd.DataFrame(DENSE)), model.predict(DENSE))


def test_a_class_of_the_programs_own_is_kept_as_catboosts(store):
    """MLflow and another program know no other."""

    class Mine(catboost.CatBoostRegressor):
        pass

    autotrack_catboost.autolog()
    model = Mine(**FEW).fit(DENSE, Y)
    assert recorded(store)[0].name == "Mine"
    loaded = autotrack_catboost.load_model(logged(store))
    assert type(loaded) is catboost.CatBoostRegressor
    assert_array_equal(loaded.predict(DENSE), model.predict(DENSE))


def test_an_input_example_is_kept_if_asked_for(store):
    """The first rows."""
    autotrack_catboost.autolog(log_input_examples=True)
    catboost.CatBoostRegressor(**FEW).fit(TABLE, Y, cat_features=["kind"])
    assert (logged(store) / "input_example.json").is_file()


def test_a_model_is_logged_by_hand(store):
    """Under MLflow's names; it is mere data, so it loads from anywhere."""
    model = catboost.CatBoostRegressor(**FEW).fit(DENSE, Y)
    with autotrack.start_run():
        autotrack.catboost.log_model(cb_model=model, name="mine")
    assert_array_equal(autotrack.catboost.load_model(logged(store)).predict(DENSE), model.predict(DENSE))
    with pytest.raises(AutotrackException, match="cannot keep a Pool"):
        autotrack.catboost.log_model(catboost.Pool(DENSE, Y))


def test_a_damaged_file_is_an_error_that_names_it(tmp_path):
    """Not a crash."""
    model = catboost.CatBoostRegressor(**FEW).fit(DENSE, Y)
    autotrack_catboost.save_model(model, tmp_path / "model")
    (tmp_path / "model/model.cb").write_bytes(b"no model")
    with pytest.raises(AutotrackException, match=r"model\.cb is damaged"):
        autotrack_catboost.load_model(tmp_path / "model")
