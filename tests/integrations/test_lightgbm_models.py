"""LightGBM's models: kept with the run, loaded here and by MLflow."""

import warnings

import lightgbm
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from numpy.testing import assert_array_equal

import autotrack
import autotrack_lightgbm
from autotrack.exceptions import AutotrackException
from autotrack.models import format  # noqa: A004 - the module
from autotrack.testing import recorded

RANDOM = np.random.default_rng(9)
DENSE = RANDOM.normal(size=(300, 4))
Y = (DENSE[:, 0] + RANDOM.normal(scale=0.7, size=300) > 0).astype(int)
TABLE = pd.DataFrame(DENSE, columns=list("abcd")).assign(kind=pd.Categorical(RANDOM.choice(list("xyz"), 300)))
NUMBERS = TABLE.drop(columns="kind")
SPARSE = scipy.sparse.csr_matrix(np.where(DENSE > 0.5, DENSE, 0))
PARAMS = {"objective": "binary", "num_leaves": 5, "num_threads": 1, "verbose": -1}


@pytest.fixture
def mlflow():
    """MLflow itself, which warns of its own code when it is loaded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow.models
        import mlflow.pyfunc
    return mlflow


def booster(data):
    return lightgbm.train(PARAMS, lightgbm.Dataset(data, Y), 5)


def classifier(data):
    return lightgbm.LGBMClassifier(n_estimators=5, num_leaves=5, n_jobs=1, verbose=-1).fit(
        data, np.array(["no", "yes"])[Y]
    )


def logged(store):
    """The only model in a store: its directory."""
    (run,) = recorded(store)
    return run.file(run.models[0].path)


@pytest.mark.parametrize("train", [booster, classifier])
@pytest.mark.parametrize("data", [DENSE, NUMBERS, TABLE, SPARSE], ids=["array", "table", "categories", "sparse"])
def test_a_model_loads_to_equal_predictions(store, mlflow, train, data):
    """With autotrack and with stock MLflow, which checks the data against the signature."""
    autotrack_lightgbm.autolog()
    expected = train(data).predict(data)
    autotrack_lightgbm.autolog(disable=True)
    directory = logged(store)
    assert_array_equal(autotrack_lightgbm.load_model(directory).predict(data), expected)
    assert_array_equal(mlflow.pyfunc.load_model(str(directory)).predict(data), expected)


def test_a_booster_that_stopped_early_predicts_with_its_best_rounds(store):
    """The text holds no more than those."""
    autotrack_lightgbm.autolog()
    train = lightgbm.Dataset(DENSE[:200], Y[:200])
    model = lightgbm.train(
        {**PARAMS, "early_stopping_round": 2}, train, 100, [lightgbm.Dataset(DENSE[200:], Y[200:], reference=train)],
        keep_training_booster=True,
    )  # fmt: skip
    loaded = autotrack_lightgbm.load_model(logged(store))
    assert loaded.num_trees() == model.best_iteration < model.num_trees()
    assert_array_equal(loaded.predict(DENSE), model.predict(DENSE))


def test_a_booster_is_mere_data_and_an_estimator_is_not(tmp_path):
    """So only the former loads from anywhere; an estimator has its booster as text beside it."""
    boosted, fitted = booster(DENSE), classifier(DENSE)
    autotrack_lightgbm.save_model(boosted, tmp_path / "booster")
    autotrack_lightgbm.save_model(fitted, tmp_path / "classifier")
    assert_array_equal(autotrack_lightgbm.load_model(tmp_path / "booster").predict(DENSE), boosted.predict(DENSE))
    with pytest.raises(AutotrackException, match="pickle"):
        autotrack_lightgbm.load_model(tmp_path / "classifier")
    text = lightgbm.Booster(model_file=tmp_path / "classifier/model.lgb")
    assert_array_equal(text.predict(DENSE), fitted.predict_proba(DENSE)[:, 1])


def test_a_signature_says_what_goes_in_and_what_comes_out(store):
    """As MLflow writes it."""
    autotrack_lightgbm.autolog(log_input_examples=True)
    classifier(NUMBERS)
    signature = format.read(logged(store)).signature
    assert signature.inputs == [{"type": "double", "name": name, "required": True} for name in "abcd"]
    assert signature.outputs == [{"type": "tensor", "tensor-spec": {"dtype": "str", "shape": [-1]}}]
    assert (logged(store) / "input_example.json").is_file()


def test_the_signature_of_a_model_with_categories_is_silent_about_its_input(store):
    """It has no word for them, and a loader that keeps to a word would make strings of them, which LightGBM refuses."""
    autotrack_lightgbm.autolog()
    booster(TABLE)
    assert format.read(logged(store)).signature.inputs is None
    (run,) = recorded(store)
    assert '"name": "kind"' in run.datasets[0].schema
    assert run.params["categorical_feature"] == "4"


def test_a_model_is_logged_by_hand(store):
    """Under MLflow's names."""
    model = booster(DENSE)
    with autotrack.start_run():
        info = autotrack.lightgbm.log_model(lgb_model=model, name="mine")
    assert info.name == "mine"
    assert_array_equal(autotrack.lightgbm.load_model(logged(store)).predict(DENSE), model.predict(DENSE))
    with pytest.raises(AutotrackException, match="cannot keep a dict"):
        autotrack.lightgbm.log_model({})


def test_a_damaged_file_is_an_error_that_names_it(tmp_path):
    """Not a crash."""
    autotrack_lightgbm.save_model(booster(DENSE), tmp_path / "model")
    (tmp_path / "model/model.lgb").write_text("tree\n")
    with pytest.raises(AutotrackException, match=r"model\.lgb is damaged"):
        autotrack_lightgbm.load_model(tmp_path / "model")
