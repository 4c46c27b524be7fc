"""XGBoost's boosters, objectives, tree methods, data types and estimators: each does recorded what it does unrecorded.

Predictions and the model to the bit, what is evaluated, and what is raised.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
import xgboost
from boosting_matrix import compare

from autotrack_xgboost import autolog

# XGBoost frees what it has refused to train only with an error.
pytestmark = pytest.mark.filterwarnings("ignore:Exception ignored")

RANDOM = np.random.default_rng(11)
ROWS = 90
X = RANDOM.normal(size=(ROWS, 4)).astype(np.float32)
X[RANDOM.random(X.shape) < 0.1] = np.nan
REAL = np.nan_to_num(X[:, 0]) + RANDOM.normal(size=ROWS)
CLASSES = np.arange(ROWS) % 3
TWO = (REAL > 0).astype(int)
GROUPS = np.arange(ROWS) // 15
FRAME = pd.DataFrame(X, columns=["a", "b b", "ü", "d"])
MIXED = FRAME.assign(kind=pd.Categorical(RANDOM.choice(list("xyz"), ROWS)))
ZEROS = np.nan_to_num(X)


class Batches(xgboost.DataIter):
    """Three batches, in memory or cached on a disk."""

    def __init__(self, cache=None):
        self.at = 0
        super().__init__(cache_prefix=cache)

    def next(self, input_data):
        if self.at == 3:
            return False
        part = slice(self.at * 30, self.at * 30 + 30)
        input_data(data=X[part], label=REAL[part])
        self.at += 1
        return True

    def reset(self):
        self.at = 0


def cache():
    directory = Path("cache")
    directory.mkdir(exist_ok=True)
    return str(directory / "pages")


DATA = {
    "float32": lambda: xgboost.DMatrix(X, REAL),
    "float64 by columns": lambda: xgboost.DMatrix(np.asfortranarray(X, float), REAL),
    "integers": lambda: xgboost.DMatrix((ZEROS * 10).astype(int), REAL),
    "booleans": lambda: xgboost.DMatrix(ZEROS > 0, REAL),
    "lists": lambda: xgboost.DMatrix(ZEROS.tolist(), REAL.tolist()),
    "missing value": lambda: xgboost.DMatrix(ZEROS, REAL, missing=0.0),
    "table": lambda: xgboost.DMatrix(FRAME, pd.Series(REAL)),
    "categories": lambda: xgboost.DMatrix(MIXED, REAL, enable_categorical=True),
    "categories unasked": lambda: xgboost.DMatrix(MIXED, REAL),
    "nullable": lambda: xgboost.DMatrix(FRAME.convert_dtypes(), REAL),
    "polars": lambda: xgboost.DMatrix(pl.from_pandas(FRAME), REAL),
    "arrow": lambda: xgboost.DMatrix(pa.Table.from_pandas(FRAME), REAL),
    "csr": lambda: xgboost.DMatrix(scipy.sparse.csr_matrix(ZEROS), REAL),
    "csc": lambda: xgboost.DMatrix(scipy.sparse.csc_matrix(ZEROS), REAL),
    "coo": lambda: xgboost.DMatrix(scipy.sparse.coo_matrix(ZEROS), REAL),
    "weights": lambda: xgboost.DMatrix(X, REAL, weight=np.arange(ROWS), base_margin=np.ones(ROWS)),
    "named": lambda: xgboost.DMatrix(X, REAL, feature_names=["a", "b", "c", "d"], feature_types=["float"] * 4),
    "targets": lambda: xgboost.DMatrix(X, np.c_[REAL, -REAL]),
    "slice": lambda: xgboost.DMatrix(X, REAL).slice(list(range(0, ROWS, 2))),
    "quantile": lambda: xgboost.QuantileDMatrix(X, REAL),
    "quantile of a table": lambda: xgboost.QuantileDMatrix(MIXED, REAL, enable_categorical=True, max_bin=16),
    "batches": lambda: xgboost.QuantileDMatrix(Batches()),
    "external": lambda: xgboost.DMatrix(Batches(cache())),
    "external quantile": lambda: xgboost.ExtMemQuantileDMatrix(Batches(cache())),
    "one row": lambda: xgboost.DMatrix(X[:1], REAL[:1]),
    "no label": lambda: xgboost.DMatrix(X),
}
HOW = {
    "hist": {"tree_method": "hist"},
    "exact": {"tree_method": "exact"},
    "approx": {"tree_method": "approx"},
    "lossguide": {"tree_method": "hist", "grow_policy": "lossguide", "max_leaves": 4},
    "forest": {"num_parallel_tree": 3, "subsample": 0.5, "colsample_bynode": 0.5},
    "dart": {"booster": "dart", "rate_drop": 0.5},
    "gblinear": {"booster": "gblinear", "updater": "coord_descent"},
    "one tree for all targets": {"multi_strategy": "multi_output_tree", "tree_method": "hist"},
    "constraints": {"monotone_constraints": "(1,0,-1,0)", "interaction_constraints": "[[0, 1], [2, 3]]"},
    "nonsense": {"max_depth": -3},
    "unknown booster": {"booster": "gbforest"},
}
OBJECTIVES = {
    "reg:squarederror": REAL, "reg:squaredlogerror": TWO, "reg:logistic": TWO, "reg:pseudohubererror": REAL,
    "reg:absoluteerror": REAL, "reg:quantileerror": REAL, "reg:gamma": CLASSES + 1, "reg:tweedie": CLASSES,
    "binary:logistic": TWO, "binary:logitraw": TWO, "binary:hinge": TWO, "count:poisson": CLASSES,
    "survival:cox": CLASSES + 1, "survival:aft": CLASSES + 1, "multi:softmax": CLASSES, "multi:softprob": CLASSES,
    "rank:ndcg": CLASSES, "rank:map": TWO, "rank:pairwise": CLASSES, "reg:nothing": REAL,
}  # fmt: skip


def labelled(objective):
    """A matrix with labels that suit an objective."""
    labels, more = OBJECTIVES[objective], {}
    if objective.startswith("rank:"):
        more["qid"] = GROUPS
    if objective == "survival:aft":
        more |= {"label_lower_bound": labels, "label_upper_bound": labels * 2.0}
    return xgboost.DMatrix(X, labels, **more)


def needed(objective):
    """The parameters without which an objective is refused."""
    more = {"num_class": 3} if "multi" in objective else {"quantile_alpha": 0.3} if "quantile" in objective else {}
    return {"objective": objective, **more}


def trained(make, params, **more):
    """A short training with two evaluation sets, one of which has an odd name."""

    def train():
        matrix, result = make(), {}
        booster = xgboost.train(
            {"nthread": 1, "seed": 3, "max_depth": 2, **params}, matrix, 3, evals=[(matrix, "train"), (matrix, "v(1)")],
            evals_result=result, verbose_eval=False, **more,
        )  # fmt: skip
        curves = {f"{name}-{key}".replace("@", "_at_"): list(values) for name, found in result.items()
                  for key, values in found.items()}  # fmt: skip
        return bytes(booster.save_raw()) + booster.predict(matrix).tobytes(), curves

    return train


def fitted(cls, features, target, params, **more):
    """A fit of an estimator that is evaluated on what it learns."""

    def fit():
        model = cls(n_estimators=3, max_depth=2, n_jobs=1, random_state=3, **params)
        pairs = {"eval_set": [(features, target)], "verbose": False}
        if "qid" in more:
            pairs["eval_qid"] = [more["qid"]]
        model.fit(features, target, **pairs, **more)
        curves = {f"{name}-{key}".replace("@", "_at_"): list(values) for name, found in model.evals_result().items()
                  for key, values in found.items()}  # fmt: skip
        return bytes(model.get_booster().save_raw()) + np.asarray(model.predict(features)).tobytes(), curves

    return fit


def squared(predicted, data):
    return predicted.ravel() - data.get_label(), np.ones(predicted.size)


def far(predicted, data):
    return "far@9", float(np.abs(predicted.ravel() - data.get_label()).max())


SLICE = {
    **{kind: trained(DATA[kind], {"tree_method": "hist"}) for kind in ("categories", "polars", "csr", "batches")},
    "external": trained(DATA["external"], {"tree_method": "approx"}),
    "linear": trained(DATA["csc"], HOW["gblinear"]),
    "dart": trained(DATA["arrow"], HOW["dart"]),
    "ranking": trained(lambda: labelled("rank:ndcg"), {"objective": "rank:ndcg", "eval_metric": ["ndcg@3", "rmse"]}),
    "own": trained(DATA["float32"], {"disable_default_eval_metric": True}, obj=squared, custom_metric=far),
    "refused": trained(DATA["categories unasked"], {}),
    "unsuited": trained(DATA["quantile"], {"tree_method": "exact"}),
    "estimator": fitted(xgboost.XGBClassifier, MIXED, CLASSES, {"enable_categorical": True}),
    "labels refused": fitted(xgboost.XGBClassifier, X, CLASSES + 5, {}),
}


def test_a_slice_of_the_matrix():
    """Of everything something; three are refused, as ever."""
    count, wrong = compare(SLICE, autolog)
    assert wrong == {}
    assert count == len(SLICE) - 3


@pytest.mark.slow
@pytest.mark.parametrize("how", HOW)
def test_every_kind_of_data_with_every_way_to_train(how):
    """Whether they suit one another or not."""
    count, wrong = compare({kind: trained(make, HOW[how]) for kind, make in DATA.items()}, autolog)
    assert wrong == {}
    assert count > len(DATA) / 2 or how in ("nonsense", "unknown booster")


@pytest.mark.slow
@pytest.mark.parametrize("how", ["hist", "exact", "approx", "dart", "gblinear", "forest"])
def test_every_objective_with_every_booster(how):
    """By `train`, with every metric that suits it by default and two more."""
    cases = {}
    for objective in OBJECTIVES:
        params = needed(objective)
        cases[objective] = trained(lambda name=objective: labelled(name), {**HOW[how], **params})
        cases[objective + " measured"] = trained(
            lambda name=objective: labelled(name), {**HOW[how], **params, "eval_metric": ["rmse", "error@0.7"]}
        )
    cases["own"] = trained(DATA["float32"], HOW[how], obj=squared, custom_metric=far)
    cases["stopped"] = trained(DATA["float32"], {**HOW[how], "eta": 1}, early_stopping_rounds=1)
    count, wrong = compare(cases, autolog)
    assert wrong == {}
    assert count > len(cases) / 2


@pytest.mark.slow
@pytest.mark.parametrize("booster", ["gbtree", "dart", "gblinear"])
def test_every_estimator_with_every_kind_of_table(booster):
    """Classes, numbers, ranks and forests."""
    tables = {"array": X, "table": FRAME, "categories": MIXED, "polars": pl.from_pandas(FRAME),
              "arrow": pa.Table.from_pandas(FRAME), "csr": scipy.sparse.csr_matrix(ZEROS),
              "csc": scipy.sparse.csc_matrix(ZEROS), "lists": ZEROS.tolist()}  # fmt: skip
    estimators = {"XGBClassifier": CLASSES, "XGBRegressor": REAL, "XGBRanker": CLASSES, "XGBRFClassifier": TWO,
                  "XGBRFRegressor": REAL, "XGBModel": REAL}  # fmt: skip
    params = {"booster": booster, "enable_categorical": True}
    cases = {
        f"{name} {kind}": fitted(getattr(xgboost, name), table, target, params,
                                 **({"qid": GROUPS} if name == "XGBRanker" else {}))
        for name, target in estimators.items() for kind, table in tables.items()
    }  # fmt: skip
    count, wrong = compare(cases, autolog)
    assert wrong == {}
    assert count > len(cases) / 2


@pytest.mark.slow
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_by_an_estimator_and_by_folds(objective):
    """`cv` gives the same table."""
    params = {"nthread": 1, **needed(objective)}

    def folds():
        table = xgboost.cv(params, labelled(objective), 3, nfold=3, as_pandas=False, shuffle=False)
        return json.dumps(table).encode(), {name.replace("@", "_at_"): found for name, found in table.items()}

    qid = {"qid": GROUPS} if "rank" in objective else {}
    cls = xgboost.XGBRanker if qid else xgboost.XGBModel
    count, wrong = compare(
        {"folds": folds, "fit": fitted(cls, X, OBJECTIVES[objective], needed(objective), **qid)}, autolog
    )
    assert wrong == {}
    assert count or objective == "reg:nothing"
