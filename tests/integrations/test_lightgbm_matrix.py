"""LightGBM's boosters, objectives, data types and estimators: each does recorded what it does unrecorded.

Predictions and the model to the bit, what is evaluated, and what is raised.
"""

from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse
from boosting_matrix import compare

from autotrack_lightgbm import autolog

RANDOM = np.random.default_rng(11)
ROWS = 120
X = RANDOM.normal(size=(ROWS, 4))
X[RANDOM.random(X.shape) < 0.1] = np.nan
REAL = np.nan_to_num(X[:, 0]) + RANDOM.normal(size=ROWS)
CLASSES, TWO, GROUPS = np.arange(ROWS) % 3, (REAL > 0).astype(int), [40, 40, 40]
FRAME = pd.DataFrame(X, columns=list("abcd"))
MIXED = FRAME.assign(kind=pd.Categorical(RANDOM.choice(list("xyz"), ROWS)))
ZEROS = np.nan_to_num(X)
QUIET = {"num_threads": 1, "verbose": -1, "seed": 3, "num_leaves": 4, "deterministic": True}


class Rows(lightgbm.Sequence):
    """Data that LightGBM reads in pieces."""

    batch_size = 50

    def __getitem__(self, at):
        return X[at]

    def __len__(self):
        return ROWS


def file(kind):
    path = Path(f"train.{kind}")
    if kind == "bin":
        path.unlink(missing_ok=True)
        lightgbm.Dataset(X, REAL, params=QUIET).save_binary(path)
    else:
        np.savetxt(path, np.c_[REAL, ZEROS], delimiter=",")
    return lightgbm.Dataset(path, params=QUIET)


DATA = {
    "float64": lambda: lightgbm.Dataset(X, REAL),
    "float32 by columns": lambda: lightgbm.Dataset(np.asfortranarray(X, np.float32), REAL),
    "integers": lambda: lightgbm.Dataset((ZEROS * 10).astype(np.int32), REAL),
    "lists": lambda: lightgbm.Dataset(ZEROS.tolist(), REAL.tolist()),
    "table": lambda: lightgbm.Dataset(FRAME, pd.Series(REAL)),
    "categories": lambda: lightgbm.Dataset(MIXED, REAL),
    "named categories": lambda: lightgbm.Dataset(np.c_[ZEROS, CLASSES], REAL, categorical_feature=[4]),
    "arrow": lambda: lightgbm.Dataset(pa.Table.from_pandas(FRAME), pa.chunked_array([REAL])),
    "csr": lambda: lightgbm.Dataset(scipy.sparse.csr_matrix(ZEROS), REAL),
    "csc": lambda: lightgbm.Dataset(scipy.sparse.csc_matrix(ZEROS), REAL),
    "sequence": lambda: lightgbm.Dataset(Rows(), REAL),
    "arrays": lambda: lightgbm.Dataset([X[:60], X[60:]], REAL),
    "weights": lambda: lightgbm.Dataset(X, REAL, weight=np.arange(ROWS), init_score=np.ones(ROWS)),
    "kept": lambda: lightgbm.Dataset(X, REAL, free_raw_data=False),
    "constructed": lambda: lightgbm.Dataset(X, REAL, params=QUIET).construct(),
    "subset": lambda: lightgbm.Dataset(X, REAL, free_raw_data=False, params=QUIET).subset(list(range(60))),
    "text file": lambda: file("csv"),
    "binary file": lambda: file("bin"),
    "labels of arrow": lambda: lightgbm.Dataset(X, pa.array(REAL)),
    "nothing": lambda: lightgbm.Dataset(None),
    "no label": lambda: lightgbm.Dataset(X),
    "text": lambda: lightgbm.Dataset(FRAME.assign(text="x"), REAL),
}
HOW = {
    "gbdt": {},
    "dart": {"boosting": "dart", "drop_rate": 0.5},
    "forest": {"boosting": "rf", "bagging_fraction": 0.5, "bagging_freq": 1},
    "goss": {"data_sample_strategy": "goss"},
    "by rows": {"force_row_wise": True, "extra_trees": True},
    "constraints": {"interaction_constraints": [[0, 1], [2, 3]], "path_smooth": 1},
    "nonsense": {"num_leaves": 1},
    "unknown": {"boosting": "gbforest"},
}
OBJECTIVES = {
    "regression": REAL, "regression_l1": REAL, "huber": REAL, "fair": REAL, "poisson": CLASSES, "quantile": REAL,
    "mape": REAL, "gamma": CLASSES + 1, "tweedie": CLASSES, "binary": TWO, "multiclass": CLASSES,
    "multiclassova": CLASSES, "cross_entropy": TWO, "cross_entropy_lambda": TWO, "lambdarank": CLASSES,
    "rank_xendcg": CLASSES, "nothing": REAL,
}  # fmt: skip


def named(found):
    return {f"{data}-{metric}".replace("@", "_at_"): list(values) for data, each in found.items()
            for metric, values in each.items()}  # fmt: skip


def trained(make, params, **more):
    """A short training that evaluates what it learns."""

    def train():
        data, found = make(), {}
        booster = lightgbm.train(
            {**QUIET, **params}, data, 3, [data], ["v(1)"], callbacks=[lightgbm.record_evaluation(found)], **more
        )
        answer = booster.predict(np.c_[ZEROS, CLASSES][:, : booster.num_feature()], validate_features=False)
        return booster.model_to_string().encode() + answer.tobytes(), named(found)

    return train


def fitted(name, features, target, **params):
    """A fit of an estimator."""

    def fit():
        group = {"group": GROUPS, "eval_group": [GROUPS]} if name == "LGBMRanker" else {}
        objective = {"objective": "regression"} if name == "LGBMModel" else {}
        model = getattr(lightgbm, name)(n_estimators=3, num_leaves=4, n_jobs=1, verbose=-1, **objective, **params)
        model.fit(features, target, eval_X=features, eval_y=target, **group)
        answer = np.asarray(model.predict(features))
        return model.booster_.model_to_string().encode() + answer.tobytes(), named(model.evals_result_)

    return fit


def labelled(objective):
    """Data with labels that suit an objective."""
    return lightgbm.Dataset(X, OBJECTIVES[objective], group=GROUPS if "rank" in objective else None)


def far(predicted, data):
    return "far@9", float(np.abs(predicted.ravel()[:ROWS] - data.get_label()).max()), False


def squared(predicted, data):
    return predicted - data.get_label(), np.ones_like(predicted)


SLICE = {
    **{kind: trained(DATA[kind], {}) for kind in ("categories", "csc", "sequence", "text file", "nothing")},
    "arrow": trained(DATA["arrow"], HOW["dart"]),
    # Of most other kinds of data linear trees take the process down with them.
    "linear": trained(DATA["float64"], {"linear_tree": True}),
    "own": trained(DATA["float64"], {"objective": squared}, feval=far),
    "ranking": trained(lambda: labelled("lambdarank"), {"objective": "lambdarank", "eval_at": [2, 3]}),
    "estimator": fitted("LGBMClassifier", MIXED, CLASSES),
    "refused": trained(DATA["float64"], HOW["unknown"]),
}


def test_a_slice_of_the_matrix():
    """Of everything something; two are refused, as ever."""
    count, wrong = compare(SLICE, autolog)
    assert wrong == {}
    assert count == len(SLICE) - 2


@pytest.mark.slow
@pytest.mark.parametrize("how", HOW)
def test_every_kind_of_data_with_every_way_to_train(how):
    """Whether they suit one another or not."""
    count, wrong = compare({kind: trained(make, HOW[how]) for kind, make in DATA.items()}, autolog)
    assert wrong == {}
    assert count > len(DATA) / 3 or how in ("nonsense", "unknown")


@pytest.mark.slow
@pytest.mark.parametrize("how", ["gbdt", "dart", "forest", "goss"])
def test_every_objective_with_every_booster(how):
    """By `train`, by the metric that suits it and by two more, and by folds."""
    cases = {}
    for name in OBJECTIVES:
        params = {**HOW[how], "objective": name, **({"num_class": 3} if "multiclass" in name else {})}
        cases[name] = trained(lambda name=name: labelled(name), params)
        cases[name + " measured"] = trained(lambda name=name: labelled(name), {**params, "metric": ["l2", "ndcg@2"]})
        cases[name + " folds"] = folds(name, params)
    count, wrong = compare(cases, autolog)
    assert wrong == {}
    assert count > len(cases) / 2


def folds(name, params):
    def cv():
        table = lightgbm.cv({**QUIET, **params}, labelled(name), 3, nfold=3, stratified=False, shuffle=False)
        return repr(table).encode(), {key.replace(" ", "-").replace("@", "_at_"): found for key, found in table.items()}

    return cv


@pytest.mark.slow
@pytest.mark.parametrize("booster", ["gbdt", "dart", "rf"])
def test_every_estimator_with_every_kind_of_table(booster):
    """Classes, numbers and ranks."""
    tables = {
        "array": X, "table": FRAME, "categories": MIXED, "arrow": pa.Table.from_pandas(FRAME),
        "csr": scipy.sparse.csr_matrix(ZEROS), "csc": scipy.sparse.csc_matrix(ZEROS), "lists": ZEROS.tolist(),
    }  # fmt: skip
    targets = {"LGBMClassifier": CLASSES, "LGBMRegressor": REAL, "LGBMRanker": CLASSES, "LGBMModel": REAL}
    more = {"subsample": 0.5, "subsample_freq": 1} if booster == "rf" else {}
    cases = {
        f"{name} {kind}": fitted(name, table, target, boosting_type=booster, **more)
        for name, target in targets.items()
        for kind, table in tables.items()
    }
    count, wrong = compare(cases, autolog)
    assert wrong == {}
    assert count > len(cases) / 2
