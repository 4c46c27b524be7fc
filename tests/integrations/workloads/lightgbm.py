"""A program that uses LightGBM: `train` with a callback of its own, `cv`, an estimator, a loop; and one that raises."""

import lightgbm
import numpy as np

RANDOM = np.random.default_rng(7)
X = RANDOM.normal(size=(200, 4))
Y = (X[:, 0] + RANDOM.normal(scale=0.5, size=200) > 0).astype(int)
PARAMS = {"objective": "binary", "metric": ["auc", "binary_logloss"], "num_leaves": 5, "num_threads": 1, "verbose": -1}


class Broken(Exception):
    """Raised by a callback of the program."""


ERROR = Broken("callback")


def sets():
    train = lightgbm.Dataset(X[:150], Y[:150])
    return train, lightgbm.Dataset(X[150:], Y[150:], reference=train)


def workload():
    train, valid = sets()
    curves = {}
    booster = lightgbm.train(PARAMS, train, 5, valid_sets=[valid], callbacks=[lightgbm.record_evaluation(curves)])
    folds = lightgbm.cv(PARAMS, sets()[0], 3, nfold=2)
    model = fitted()
    loop, seen = lightgbm.Booster(PARAMS, sets()[0]), []
    for _ in range(3):
        loop.update()
        seen.append([tuple(found)[:3] for found in loop.eval_train()])
    return (
        booster.model_to_string(), booster.predict(X), curves, folds, model.predict_proba(X), model.get_params(), seen,
        loop.predict(X),
    )  # fmt: skip


def failing_workload():
    def fail(env):
        if env.iteration == 2:
            raise ERROR

    train, valid = sets()
    lightgbm.train(PARAMS, train, 5, valid_sets=[valid], callbacks=[fail])


def fitted():
    model = lightgbm.LGBMClassifier(n_estimators=3, num_leaves=4, n_jobs=1, verbose=-1)
    return model.fit(X[:150], Y[:150], eval_X=X[150:], eval_y=Y[150:])
