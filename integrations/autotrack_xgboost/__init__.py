"""Record XGBoost: ``xgboost.train`` and the estimators of its scikit-learn interface.

    import autotrack
    autotrack.autolog()                                # or autotrack.xgboost.autolog(log_models=False)

    xgboost.train({"max_depth": 3}, dtrain, 100, evals=[(dtrain, "train"), (dtest, "test")])
    XGBClassifier(n_estimators=100).fit(X, y, eval_set=[(X_test, y_test)])

Each makes one run, which holds

- the parameters: the ``params`` dict and the arguments of ``train``, or ``get_params()`` of the estimator, with tags
  ``estimator_name`` and ``estimator_class``;
- every evaluation metric of every set as ``<set>-<metric>``, one point a round, written as the round ends. So what is
  stopped or raises in a round keeps the rounds before it;
- with early stopping, asked for by argument or by an ``EarlyStopping`` callback, ``best_iteration``, ``best_score`` and
  ``stopped_iteration``, the last round that was trained;
- ``fit_time`` in seconds;
- the model in XGBoost's own format (UBJSON) with its signature, as ``model``.

Inside a pipeline or a search only the outermost fit is recorded. Your ``params``, ``callbacks`` and ``evals_result``
stay yours, and your data are not converted. The distributed interfaces (Dask, Spark) are not recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from autotrack import models
from autotrack.hooks import Call, Integration, Steps, aside
from autotrack.models.rows import head
from autotrack.models.verbs import Verbs
from autotrack_xgboost.flavor import FLAVOR

__all__ = ["INTEGRATION", "autolog", "load_model", "log_model", "save_model"]

INTEGRATION = Integration("xgboost", supports=">=2.0,<4")

autolog = INTEGRATION.autolog
log_model, save_model, load_model = (_verbs := Verbs(FLAVOR)).log_model, _verbs.save_model, _verbs.load_model

NOT_PARAMETERS = frozenset(
    ("params", "dtrain", "evals", "obj", "feval", "evals_result", "xgb_model", "callbacks", "learning_rates")
)
"""Arguments of ``train`` that are data, results or functions."""


@INTEGRATION.hook("xgboost.training:train", "xgboost:train", "xgboost.sklearn:train", joins=True)
def train(call: Call) -> Steps:
    """Record the parameters, then every round; an estimator's ``fit`` calls this too, and keeps the model itself."""
    from autotrack_xgboost.rounds import PerRound, early  # derived from a class of XGBoost's, which is there

    run, given = call.run, call.arguments
    params = dict(given["params"] or {})
    if call.outer is None:
        run.trained(f"XGBoost {params['objective']}" if params.get("objective") else "XGBoost")
    run.params({**params, **{name: value for name, value in given.items() if name not in NOT_PARAMETERS}})
    rounds = PerRound(run)
    others: list[Any] = []
    call.replace(callbacks=_callbacks(rounds, given["callbacks"], others))

    booster = yield

    found: dict[str, Any] = {} if call.outer else {"fit_time": call.duration}
    if rounds.last is not None and (given["early_stopping_rounds"] or early(others)):
        found |= {"best_iteration": booster.best_iteration, "best_score": booster.best_score}
        found["stopped_iteration"] = rounds.last
    run.metrics(found)
    if call.outer is None and call.options.log_models:
        with INTEGRATION.attempt("model"):
            signature = None
            if call.options.log_model_signatures:
                with INTEGRATION.attempt("signature"):
                    signature = models.infer_signature(given["dtrain"], _answer(booster))
            models.log(run, booster, flavor=FLAVOR, signature=signature)


def _callbacks(mine: Any, users: Iterable[Any] | None, taken: list[Any]) -> Iterator[Any]:
    """Mine before the user's, because XGBoost asks no further once one of them says stop; ``taken`` are the user's,
    which may be an iterator, as XGBoost takes them."""
    yield mine
    for callback in users or ():
        taken.append(callback)
        yield callback


def _distributed(cls: type) -> bool:
    return any(parent.__module__.startswith(("xgboost.dask", "xgboost.spark")) for parent in cls.__mro__)


@INTEGRATION.hook_subclasses("xgboost.sklearn:XGBModel", "fit", unless=_distributed)
def fit(call: Call) -> Steps:
    """Record what is fitted and with which parameters; `train`, which it calls, adds the rounds."""
    estimator, options, run = call.instance, call.options, call.run
    cls = type(estimator)
    run.trained(cls.__name__)
    run.tags({"estimator_name": cls.__name__, "estimator_class": f"{cls.__module__}.{cls.__name__}"})
    with INTEGRATION.attempt("parameters"):
        # Without the objective: a classifier replaces its own when it sees more than two classes, and `train` knows.
        run.params({name: value for name, value in estimator.get_params().items() if name != "objective"})
    example = None
    if options.log_models and options.log_input_examples:
        with INTEGRATION.attempt("input example"):
            example = head(call.arguments["X"])

    yield

    run.metrics({"fit_time": call.duration})
    if options.log_models:
        with INTEGRATION.attempt("model"):
            signature = None
            if options.log_model_signatures:
                with INTEGRATION.attempt("signature"), aside():
                    data = call.arguments["X"]
                    signature = models.infer_signature(data, estimator.predict(head(data)))
            models.log(run, estimator, flavor=FLAVOR, signature=signature, input_example=example)


def _answer(booster: Any) -> Any:
    """A prediction for one row of zeros: its form is that of every prediction."""
    import numpy as np  # heavy, and loaded by XGBoost
    import xgboost  # the framework, which is training

    row = xgboost.DMatrix(np.zeros((1, booster.num_features()), np.float32))
    return booster.predict(row, validate_features=False)
