"""A program that uses CatBoost: a classifier, a regressor on a pool, `train` and `cv`; and a training that fails."""

import tempfile

import catboost
import numpy as np

RANDOM = np.random.default_rng(7)
X = RANDOM.normal(size=(120, 3))
Y = (X[:, 0] + RANDOM.normal(scale=0.5, size=120) > 0).astype(int)
# Without files, as several of these may train at once.
FEW = {"iterations": 4, "depth": 2, "thread_count": 1, "verbose": False, "allow_writing_files": False}
DIRECTORY = f"{tempfile.gettempdir()}/catboost-workload"
"""`cv` makes one all the same, and leaves it empty."""


class Broken(Exception):
    """Raised by an argument of the program's."""


ERROR = Broken("not to be counted")


class Uncountable(list):
    """Weights of the program's own that fail when they are looked at."""

    def __len__(self):
        raise ERROR


def workload():
    model = fitted()
    pool = catboost.Pool(X, X[:, 1])
    regressor = catboost.CatBoostRegressor(**FEW).fit(pool, eval_set=catboost.Pool(X[:30], X[:30, 1]))
    trained = catboost.train(pool, {**FEW, "loss_function": "MAE"})
    params = {**FEW, "loss_function": "RMSE", "train_dir": DIRECTORY}
    folds = catboost.cv(pool, params, fold_count=2, logging_level="Silent", as_pandas=False)
    return model.predict_proba(X), model.evals_result_, regressor.predict(X), trained.predict(X), dict(folds)


def failing_workload():
    catboost.CatBoostClassifier(**FEW).fit(X, Y, sample_weight=Uncountable())


def fitted():
    model = catboost.CatBoostClassifier(**FEW).fit(X[:90], Y[:90], eval_set=(X[90:], Y[90:]))
    for fact in ("model_guid", "train_finish_time"):  # the only ones that differ from one training to the next
        model.get_metadata()[fact] = ""
    return model
