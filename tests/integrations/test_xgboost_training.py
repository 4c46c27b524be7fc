"""What of an XGBoost training is recorded, and that its rounds are."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import xgboost
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import autotrack
from autotrack.testing import recorded, said

TUMOURS = load_breast_cancer(return_X_y=True)
PATIENTS = load_diabetes(return_X_y=True)
FLOWERS = load_iris(return_X_y=True)
PARAMS = {"objective": "binary:logistic", "eval_metric": ["logloss", "auc"], "max_depth": 2}


@pytest.fixture
def sets():
    """Training and test data, as XGBoost takes them."""
    data, target = TUMOURS
    return xgboost.DMatrix(data[:400], target[:400]), xgboost.DMatrix(data[400:], target[400:])


def history(result):
    """`evals_result` with the names that the record has."""
    return {
        f"{name}-{metric}".replace("@", "_at_"): list(values)
        for name, found in result.items()
        for metric, values in found.items()
    }


def curves(run):
    """The metrics of the rounds."""
    return {name: found for name, found in run.metrics.items() if "-" in name and not name.startswith("best_score-")}


def test_parameters_are_the_dict_and_the_arguments(record, sets):
    """Without data, functions and results."""
    xgboost.train(PARAMS, sets[0], num_boost_round=2)
    assert {name: value for name, value in record.run.params.items() if not name.startswith("config.")} == {
        "objective": "binary:logistic", "eval_metric": "['logloss', 'auc']", "max_depth": "2", "num_boost_round": "2",
        "maximize": "None", "early_stopping_rounds": "None", "verbose_eval": "True", "custom_metric": "None",
    }  # fmt: skip
    assert record.run.name == "XGBoost binary:logistic"


def test_what_xgboost_filled_in_has_a_prefix(record, sets):
    """None of what the program gave, whichever of its names it used; numbers as they were meant."""
    xgboost.train({**PARAMS, "eta": 0.1, "lambda": 2}, sets[0], 2)
    found = {name.removeprefix("config."): text for name, text in record.run.params.items() if "config." in name}
    expected = {"subsample": "1", "tree_method": "auto", "booster": "gbtree", "max_bin": "256", "device": "cpu"}
    assert {name: found[name] for name in expected} == expected
    assert found.keys().isdisjoint({"learning_rate", "eta", "reg_lambda", "lambda", "max_depth", "objective"})
    xgboost.train({}, sets[0], 2)
    params = record.runs[1].params
    assert (params["config.learning_rate"], params["config.eval_metric"]) == ("0.3", "rmse")


def test_functions_and_callbacks_go_by_their_names(record, sets):
    """Where in memory one lies differs from run to run."""

    def far(predicted, data):
        return "far", float(np.abs(predicted - data.get_label()).max())

    xgboost.train(PARAMS, sets[0], 2, evals=[(sets[0], "train")], custom_metric=far)
    stopping = xgboost.callback.EarlyStopping(rounds=9)
    xgboost.XGBRegressor(n_estimators=2, callbacks=[stopping]).fit(*PATIENTS, eval_set=[PATIENTS], verbose=False)
    assert record.runs[0].params["custom_metric"].endswith("far")
    assert record.runs[1].params["callbacks"] == "['EarlyStopping']"


def test_every_metric_of_every_round_is_there(record, sets):
    """Equal to `evals_result` to the bit, at the round's number; names may hold what XGBoost lets them."""
    result = {}
    evals = [(sets[0], "train"), (sets[1], "valid(1)@β")]
    xgboost.train({**PARAMS, "eval_metric": ["error@0.7", "auc"]}, sets[0], 6, evals=evals, evals_result=result)
    assert curves(record.run) == history(result)
    assert {"train-error_at_0.7", "valid(1)_at_β-auc"} < set(curves(record.run))
    steps = {tuple(steps) for name, steps in record.run.steps.items() if "-" in name or name == "round_time"}
    assert steps == {(0, 1, 2, 3, 4, 5)}


def test_all_points_of_a_round_are_one_write(record, sets, monkeypatch):
    """Four here, and the time that it took."""
    from autotrack.run import Run

    writes = []
    real = Run.metrics

    def count(run, values, **more):
        writes.append(len(values))
        real(run, values, **more)

    monkeypatch.setattr(Run, "metrics", count)
    xgboost.train(PARAMS, sets[0], 3, evals=[(sets[0], "train"), (sets[1], "test")])
    assert writes == [5, 5, 5, 1, 1]


def test_custom_metrics_and_objectives_are_followed(record, sets):
    """Under the names that they give themselves."""
    result = {}

    def squared(predicted, data):
        return predicted - data.get_label(), np.ones_like(predicted)

    def far(predicted, data):
        return "far", float(np.abs(predicted - data.get_label()).max())

    evals = [(sets[0], "train")]
    xgboost.train({}, sets[0], 3, evals=evals, obj=squared, custom_metric=far, evals_result=result)
    assert curves(record.run) == history(result)
    assert "train-far" in curves(record.run)


@pytest.mark.parametrize("by", ["argument", "callback", "iterator of callbacks"])
def test_early_stopping_is_told(record, sets, by):
    """Whichever way it was asked for."""
    callbacks = [xgboost.callback.EarlyStopping(rounds=2)]
    more = {
        "argument": {"early_stopping_rounds": 2},
        "callback": {"callbacks": callbacks},
        "iterator of callbacks": {"callbacks": iter(callbacks)},
    }[by]
    result = {}
    evals = [(sets[1], "test")]
    booster = xgboost.train({**PARAMS, "eta": 1}, sets[0], 200, evals=evals, evals_result=result, **more)
    metrics = record.run.metrics
    assert metrics["best_iteration"] == [booster.best_iteration]
    assert metrics["best_score-test-auc"] == [booster.best_score]
    assert metrics["best_score-test-logloss"] == [result["test"]["logloss"][booster.best_iteration]]
    assert metrics["stopped_iteration"] == [len(result["test"]["auc"]) - 1] < [199]
    assert curves(record.run) == history(result)


def test_without_early_stopping_nothing_is_best(record, sets):
    """Also where a training goes on from one that stopped early."""
    first = xgboost.train(PARAMS, sets[0], 9, evals=[(sets[1], "test")], early_stopping_rounds=2)
    xgboost.train(PARAMS, sets[0], 2, evals=[(sets[1], "test")], xgb_model=first)
    stopped, continued = record.runs
    assert "best_iteration" in stopped.metrics
    assert "best_iteration" not in continued.metrics
    assert len(continued.metrics["test-auc"]) == 2


def test_what_the_user_hands_in_stays_as_it_is(record, sets):
    """A list of callbacks that is used again brings nothing of the training before."""
    params, callbacks, evals = dict(PARAMS), [xgboost.callback.EvaluationMonitor(period=100)], [(sets[0], "train")]
    for _ in range(2):
        xgboost.train(params, sets[0], 3, evals=evals, callbacks=callbacks)
    assert (params, len(callbacks), evals) == (PARAMS, 1, [(sets[0], "train")])
    assert [run.steps["train-auc"] for run in record.runs] == [[0, 1, 2]] * 2


def test_keywords_by_position_are_understood(record, sets):
    """XGBoost takes them so with a warning, which names the same arguments as ever."""

    def train():
        with warnings.catch_warnings(record=True) as shown:
            warnings.simplefilter("always")
            xgboost.train(PARAMS, sets[0], 2, [(sets[0], "train")])
        return [str(warning.message) for warning in shown]

    recorded = train()
    assert len(record.run.metrics["train-auc"]) == 2
    autotrack.disable()
    assert recorded == train()


class Failing(xgboost.callback.TrainingCallback):
    def after_iteration(self, model, epoch, evals_log):
        if epoch == 3:
            raise KeyboardInterrupt if self.interrupt else ValueError("mine")
        return False


@pytest.mark.parametrize(("interrupt", "status"), [(False, "FAILED"), (True, "KILLED")])
def test_a_training_that_ends_in_a_round_keeps_the_rounds(record, sets, interrupt, status):
    """Up to and with the one whose end it did not see."""
    failing = Failing()
    failing.interrupt = interrupt
    with pytest.raises(KeyboardInterrupt if interrupt else ValueError):
        xgboost.train(PARAMS, sets[0], 9, evals=[(sets[0], "train")], callbacks=[failing])
    assert record.run.steps["train-auc"] == [0, 1, 2, 3]
    assert record.run.status == status
    assert record.run.params["num_boost_round"] == "9"
    assert record.run.models == []


def test_a_callback_that_stops_the_training_does_not_cost_the_last_round(record, sets):
    """XGBoost asks no further once one of them says stop."""

    class Stop(xgboost.callback.TrainingCallback):
        def after_iteration(self, model, epoch, evals_log):
            return epoch == 2

    xgboost.train(PARAMS, sets[0], 9, evals=[(sets[0], "train")], callbacks=[Stop()])
    assert record.run.steps["train-auc"] == [0, 1, 2]


@pytest.mark.parametrize(
    ("params", "data"),
    [
        ({"objective": "binary:logistic"}, TUMOURS),
        ({"objective": "multi:softprob", "num_class": 3}, FLOWERS),
        ({"booster": "gblinear"}, PATIENTS),
        ({"booster": "dart", "rate_drop": 0.5}, PATIENTS),
    ],
)
def test_the_booster_comes_back_as_it_was(record, params, data):
    """From UBJSON, with a signature of what it takes and answers."""
    matrix = xgboost.DMatrix(*data, feature_names=[f"f {at}" for at in range(data[0].shape[1])])
    booster = xgboost.train(params, matrix, 3)
    loaded = autotrack.xgboost.load_model(record.run.file("model"))
    assert np.array_equal(loaded.predict(matrix), booster.predict(matrix))
    parts = json.loads(record.run.models[0].signature)
    assert [column["name"] for column in json.loads(parts["inputs"])] == matrix.feature_names
    shape = [-1, *booster.predict(matrix).shape[1:]]
    assert json.loads(parts["outputs"]) == [{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": shape}}]


class Batches(xgboost.DataIter):
    """Two batches, read as often as XGBoost likes."""

    def __init__(self):
        self.at = 0
        super().__init__()

    def next(self, input_data):
        if self.at == 2:
            return False
        half = slice(self.at * 200, self.at * 200 + 200)
        input_data(data=PATIENTS[0][half], label=PATIENTS[1][half])
        self.at += 1
        return True

    def reset(self):
        self.at = 0


@pytest.mark.parametrize(
    "make",
    [
        lambda: xgboost.QuantileDMatrix(*PATIENTS),
        lambda: xgboost.QuantileDMatrix(Batches()),
        lambda: xgboost.DMatrix(scipy.sparse.random(300, 1000, 0.01, "csr", random_state=0), PATIENTS[1][:300]),
        lambda: xgboost.DMatrix(pd.DataFrame(PATIENTS[0]).rename(columns=str), PATIENTS[1], weight=PATIENTS[1]),
        lambda: xgboost.DMatrix(
            pd.DataFrame({"a": pd.Categorical(["x", "y"] * 50), "b": range(100)}),
            np.arange(100),
            enable_categorical=True,
        ),
    ],
    ids=["quantile", "batches", "sparse", "frame", "categories"],
)
def test_data_may_be_of_any_kind(record, make):
    """Each gives a complete run."""
    data = make()
    xgboost.train({"tree_method": "hist"}, data, 3, evals=[(data, "train")])
    assert record.run.status == "FINISHED"
    assert len(record.run.metrics["train-rmse"]) == 3
    assert json.loads(record.run.models[0].signature)["outputs"]


@pytest.mark.parametrize(
    ("estimator", "data"),
    [
        (xgboost.XGBClassifier(n_estimators=3), FLOWERS),
        (xgboost.XGBRegressor(n_estimators=3), PATIENTS),
        (xgboost.XGBRFRegressor(n_estimators=3), PATIENTS),
        (xgboost.XGBRFClassifier(n_estimators=3), TUMOURS),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_estimator_is_one_run(record, estimator, data):
    """Its parameters, its rounds, its model; `train`, which it calls, makes no other."""
    estimator.fit(*data, eval_set=[data], verbose=False)
    run = record.run
    assert run.name == run.tags["estimator_name"] == type(estimator).__name__
    given = {name: str(value) for name, value in estimator.get_params().items() if name != "objective"}
    assert {name: run.params[name] for name in given} == given
    assert run.params["objective"] == json.loads(estimator.get_booster().save_config())["learner"]["objective"]["name"]
    assert curves(run) == history(estimator.evals_result())
    loaded = autotrack.xgboost.load_model(run.file("model"))
    assert np.array_equal(loaded.predict(data[0]), estimator.predict(data[0]))
    assert [model.name for model in run.models] == ["model"]


def test_a_model_may_be_kept_as_json_and_be_registered(store):
    """Under the names of MLflow's options; of an estimator and of a booster."""
    autotrack.xgboost.autolog(model_format="json", registered_model_name="mine")
    xgboost.XGBRegressor(n_estimators=2).fit(*PATIENTS)
    xgboost.train({}, xgboost.DMatrix(*PATIENTS), 2)
    assert [(run.file("model") / "model.json").is_file() for run in recorded(store)] == [True, True]
    assert sorted(version.version for version in autotrack.MlflowClient().search_model_versions("name='mine'")) in (
        [1, 2],
        ["1", "2"],
    )


def test_a_ranker_is_one_run(record):
    """With its groups."""
    xgboost.XGBRanker(n_estimators=2).fit(PATIENTS[0], np.arange(len(PATIENTS[1])) % 3, qid=np.arange(442) // 20)
    assert record.run.name == "XGBRanker"


def test_an_estimator_of_the_users_own_is_one_run(record):
    """Derived from XGBoost's, before or after recording began."""

    class Mine(xgboost.XGBRegressor):
        def fit(self, X, y, **more):  # noqa: N803 - as it is called there
            return super().fit(X, y, **more)

    Mine(n_estimators=2).fit(*PATIENTS)
    assert record.run.name == "Mine"


def test_an_estimators_early_stopping_is_told(record):
    """As for `train`."""
    model = xgboost.XGBRegressor(n_estimators=99, early_stopping_rounds=2, learning_rate=1.0)
    model.fit(PATIENTS[0][:300], PATIENTS[1][:300], eval_set=[(PATIENTS[0][300:], PATIENTS[1][300:])], verbose=False)
    assert record.run.metrics["best_iteration"] == [model.best_iteration]
    assert record.run.metrics["stopped_iteration"] == [len(model.evals_result()["validation_0"]["rmse"]) - 1]


@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        (make_pipeline(StandardScaler(), xgboost.XGBRegressor(n_estimators=2)), "Pipeline XGBRegressor"),
        (GridSearchCV(xgboost.XGBRegressor(n_estimators=2), {"max_depth": [1, 2]}, cv=2), "GridSearchCV XGBRegressor"),
    ],
)
def test_inside_a_pipeline_or_a_search_the_outermost_records(record, estimator, name):
    """Which is scikit-learn's."""
    estimator.fit(*PATIENTS)
    assert record.runs[0].name == name
    assert [curves(run) for run in record.runs] == [{}] * len(record.runs)


@pytest.mark.parametrize("only", ["sklearn", "xgboost"])
def test_estimators_of_xgboost_are_xgboosts_alone(record, only):
    """Whichever integration is on: scikit-learn's does not record them."""
    autotrack.disable()
    getattr(autotrack, only).autolog()
    xgboost.XGBRegressor(n_estimators=2).fit(*PATIENTS)
    assert len(record.runs) == (only == "xgboost")


def test_nothing_is_said(record, sets, capfd):
    """Neither by us nor, because of us, by XGBoost."""
    with said() as lines:
        xgboost.train(PARAMS, sets[0], 3, evals=[(sets[0], "train")], verbose_eval=False)
        xgboost.XGBClassifier(n_estimators=2).fit(*FLOWERS)
    assert lines == []
    assert capfd.readouterr() == ("", "")
