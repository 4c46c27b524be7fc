"""CatBoost's losses, ways to grow trees, data types and estimators: each does recorded what it does unrecorded.

Predictions to the bit, what is evaluated, and what is raised.
"""

import catboost
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from boosting_matrix import compare

from autotrack_catboost import autolog

RANDOM = np.random.default_rng(11)
ROWS = 90
X = RANDOM.normal(size=(ROWS, 4))
REAL = X[:, 0] + RANDOM.normal(size=ROWS)
CLASSES, TWO, GROUPS = np.arange(ROWS) % 3, (REAL > 0).astype(int), np.arange(ROWS) // 15
FRAME = pd.DataFrame(X, columns=list("abcd"))
MIXED = FRAME.assign(kind=RANDOM.choice(list("xyz"), ROWS))
FEW = {"iterations": 3, "depth": 2, "thread_count": 1, "verbose": False, "allow_writing_files": False}

DATA = {
    "float64": lambda: catboost.Pool(X, REAL),
    "float32": lambda: catboost.Pool(X.astype(np.float32), REAL),
    "integers": lambda: catboost.Pool((X * 10).astype(int), REAL),
    "lists": lambda: catboost.Pool(X.tolist(), REAL.tolist()),
    "table": lambda: catboost.Pool(FRAME, pd.Series(REAL)),
    "text": lambda: catboost.Pool(MIXED, REAL, cat_features=["kind"]),
    "categories": lambda: catboost.Pool(MIXED.astype({"kind": "category"}), REAL, cat_features=["kind"]),
    "text unasked": lambda: catboost.Pool(MIXED, REAL),
    "polars": lambda: catboost.Pool(pl.from_pandas(FRAME), REAL),
    "csr": lambda: catboost.Pool(scipy.sparse.csr_matrix(X), REAL),
    "features": lambda: catboost.Pool(catboost.FeaturesData(num_feature_data=X.astype(np.float32)), REAL),
    "weights": lambda: catboost.Pool(X, REAL, weight=np.arange(ROWS), baseline=np.ones(ROWS)),
    "groups": lambda: catboost.Pool(X, REAL, group_id=GROUPS),
    "named": lambda: catboost.Pool(X, REAL, feature_names=["ä", "b b", "c", "d"]),
    "no label": lambda: catboost.Pool(X),
}
HOW = {
    "plain": {"boosting_type": "Plain"},
    "ordered": {"boosting_type": "Ordered"},
    "lossguide": {"grow_policy": "Lossguide", "max_leaves": 4},
    "depthwise": {"grow_policy": "Depthwise"},
    "bernoulli": {"bootstrap_type": "Bernoulli", "subsample": 0.5},
    "langevin": {"langevin": True},
    "nonsense": {"depth": -1},
}
LOSSES = {
    "RMSE": REAL, "MAE": REAL, "Quantile:alpha=0.3": REAL, "Huber:delta=1": REAL, "Poisson": CLASSES, "MAPE": REAL,
    "Tweedie:variance_power=1.5": CLASSES, "Logloss": TWO, "CrossEntropy": TWO, "MultiClass": CLASSES,
    "MultiClassOneVsAll": CLASSES, "QueryRMSE": CLASSES, "YetiRank": CLASSES, "PairLogit": CLASSES,
    "RMSEWithUncertainty": REAL,
    "MultiRMSE": np.c_[REAL, -REAL], "MultiLogloss": np.c_[TWO, 1 - TWO], "Nothing": REAL,
}  # fmt: skip


def fitted(cls, make, **params):
    """A fit that is evaluated on what it learns."""

    def fit():
        pool = make()
        model = cls(**{**FEW, **params}) if cls is not catboost.CatBoost else cls({**FEW, **params})
        model.fit(pool, eval_set=pool)
        curves = {f"{data}-{metric}": list(values) for data, found in model.evals_result_.items()
                  for metric, values in found.items()}  # fmt: skip
        return model.predict(pool).tobytes(), curves

    return fit


def labelled(loss):
    """Data with labels that suit a loss."""
    ranks = loss.startswith(("Query", "Yeti", "Pair"))
    return catboost.Pool(X, LOSSES[loss], group_id=GROUPS if ranks else None)


SLICE = {
    **{kind: fitted(catboost.CatBoostRegressor, DATA[kind]) for kind in ("categories", "csr", "text unasked")},
    "ordered": fitted(catboost.CatBoostRegressor, DATA["text"], boosting_type="Ordered"),
    "classes": fitted(catboost.CatBoostClassifier, lambda: labelled("MultiClass"), loss_function="MultiClass"),
    "ranks": fitted(catboost.CatBoostRanker, lambda: labelled("QueryRMSE"), loss_function="QueryRMSE"),
}


def test_a_slice_of_the_matrix():
    """Of everything something; one is refused, as ever."""
    count, wrong = compare(SLICE, autolog)
    assert wrong == {}
    assert count == len(SLICE) - 1


@pytest.mark.slow
@pytest.mark.parametrize("how", HOW)
def test_every_kind_of_data_with_every_way_to_train(how):
    """Whether they suit one another or not."""
    cases = {kind: fitted(catboost.CatBoostRegressor, make, **HOW[how]) for kind, make in DATA.items()}
    count, wrong = compare(cases, autolog)
    assert wrong == {}
    assert count > len(DATA) / 2 or how == "nonsense"


@pytest.mark.slow
@pytest.mark.parametrize("how", ["plain", "ordered", "lossguide"])
def test_every_loss_by_every_estimator(how):
    """Whether they suit one another or not."""
    estimators = (catboost.CatBoost, catboost.CatBoostClassifier, catboost.CatBoostRegressor, catboost.CatBoostRanker)
    cases = {
        f"{cls.__name__} {loss}": fitted(cls, lambda loss=loss: labelled(loss), loss_function=loss, **HOW[how])
        for cls in estimators
        for loss in LOSSES
    }
    count, wrong = compare(cases, autolog)
    assert wrong == {}
    assert count > len(LOSSES)
