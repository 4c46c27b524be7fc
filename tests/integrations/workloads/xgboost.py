"""Programs that use XGBoost, through both of its interfaces."""

import xgboost
from sklearn.datasets import load_diabetes, load_iris

X, Y = load_diabetes(return_X_y=True)
FLOWERS = load_iris(return_X_y=True)
ERROR = ValueError("mine")
PARAMS = {"max_depth": 2, "eta": 0.3, "nthread": 1, "seed": 7, "eval_metric": ["rmse", "mae"], "subsample": 0.8}


def workload():
    train, test = xgboost.DMatrix(X[:300], Y[:300]), xgboost.DMatrix(X[300:], Y[300:])
    callbacks, results = [xgboost.callback.EarlyStopping(rounds=3)], {}
    booster = xgboost.train(
        PARAMS, train, 8, evals=[(train, "train"), (test, "test(1)")], evals_result=results, verbose_eval=False,
        callbacks=callbacks,
    )  # fmt: skip
    classes = xgboost.XGBClassifier(n_estimators=4, max_depth=2, n_jobs=1, random_state=7)
    classes.fit(*FLOWERS, eval_set=[FLOWERS], verbose=False)
    stopped = xgboost.XGBRegressor(n_estimators=20, max_depth=2, n_jobs=1, early_stopping_rounds=2)
    stopped.fit(X[:300], Y[:300], eval_set=[(X[300:], Y[300:])], verbose=False)
    # Unshuffled: XGBoost seeds numpy's global generator and draws from it, between which another thread may come.
    folds = xgboost.cv(PARAMS, train, 3, nfold=2, as_pandas=False, early_stopping_rounds=2, shuffle=False)
    loop = xgboost.Booster(PARAMS, [train, test])
    answers = []
    for at in range(3):
        loop.update(train, at)
        answers.append(loop.eval_set([(test, "test")], at))
    return (
        folds, answers, loop.predict(test), booster.predict(test), results, len(callbacks),
        classes.predict_proba(FLOWERS[0]), classes.evals_result(),
        stopped.best_iteration, stopped.predict(X),
    )  # fmt: skip


class Failing(xgboost.callback.TrainingCallback):
    """A callback of the user's own that fails in the third round."""

    def after_iteration(self, model, epoch, evals_log):
        if epoch == 2:
            raise ERROR
        return False


def failing_workload():
    train = xgboost.DMatrix(X, Y)
    xgboost.train(PARAMS, train, 4, evals=[(train, "train")], verbose_eval=False, callbacks=[Failing()])


def fitted():
    return xgboost.XGBRegressor(n_estimators=3, max_depth=2, n_jobs=1).fit(X, Y)
