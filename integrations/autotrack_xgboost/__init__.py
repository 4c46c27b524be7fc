"""Record XGBoost: ``xgboost.train``, ``xgboost.cv``, the estimators of its scikit-learn interface, and loops that call
``Booster.update``.

    import autotrack
    autotrack.autolog()                                # or autotrack.xgboost.autolog(log_models=False)

    xgboost.train({"max_depth": 3}, dtrain, 100, evals=[(dtrain, "train"), (dtest, "test")])
    XGBClassifier(n_estimators=100).fit(X, y, eval_set=[(X_test, y_test)])

Each makes one run, which holds

- the parameters: the ``params`` dict and the arguments, or ``get_params()`` of the estimator and what its ``fit`` hands
  on, with the tags ``estimator_name`` and ``estimator_class``; and those that XGBoost filled in as ``config.<name>``;
- every evaluation metric of every set as ``<set>-<metric>`` (``@`` becomes ``_at_``), of ``cv``
  ``<set>-<metric>-mean`` and ``-std``, one point a round, written as the round ends. So what is stopped or raises in a
  round keeps the rounds before it. A training that goes on with a model (``xgb_model``) goes on with its steps too;
- ``round_time``, seconds since the round before; the first round's include the preparation;
- with early stopping, asked for by argument or by an ``EarlyStopping`` callback, ``best_iteration``, which counts from
  0 as the steps do, ``stopped_iteration``, the last that was trained, and ``best_score-<set>-<metric>``, the values of
  the best;
- ``fit_time`` in seconds, and ``trees``, of which there may be several a round;
- ``feature_importance_<type>.json`` for each type that there is, or those of ``autolog(importance_types=[...])``;
- the data sets: their columns, size, share of missing values, labels and a digest, of XGBoost's matrices from a sample.
  They are called as XGBoost and MLflow call them, ``dataset``, ``validation_0``; what your program calls them is in the
  tags ``autotrack.variable.<data set>``, where it has variables for them;
- the model in XGBoost's own format with its signature, as ``model``: UBJSON, or JSON by
  ``autolog(model_format="json")``. ``autolog(registered_model_name="name")`` makes it that model's next version.

Inside a pipeline or a search only the outermost fit is recorded. Your ``params``, ``callbacks`` and ``evals_result``
stay yours, and your data are not converted. What is kept of a loop is told in :mod:`autotrack_xgboost.loops`. Of
processes that train one model together the first records it. What the workers of Dask and Spark train is not recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autotrack.hooks import Call, Steps, caller, variables
from autotrack.models import ModelSignature
from autotrack.models.rows import EXAMPLE, head
from autotrack.models.signature import schema
from autotrack.models.verbs import Verbs
from autotrack_xgboost.config import Config, named, tensor
from autotrack_xgboost.elsewhere import is_distributed, is_elsewhere
from autotrack_xgboost.ending import Ending
from autotrack_xgboost.flavor import FLAVOR
from autotrack_xgboost.inputs import columns, first_rows, inputs, sets_of
from autotrack_xgboost.integration import INTEGRATION, XGBoostOptions
from autotrack_xgboost.loops import pass_by

if TYPE_CHECKING:
    from autotrack_xgboost.rounds import Rounds

__all__ = ["INTEGRATION", "XGBoostOptions", "autolog", "load_model", "log_model", "save_model"]

autolog = INTEGRATION.autolog
log_model, save_model, load_model = (_verbs := Verbs(FLAVOR)).log_model, _verbs.save_model, _verbs.load_model

NOT_PARAMETERS = frozenset((
    "params", "dtrain", "evals", "obj", "feval", "evals_result", "xgb_model", "callbacks", "learning_rates", "folds",
    "fpreproc",
))  # fmt: skip
"""Arguments of ``train`` and ``cv`` that are data, results or functions."""
AROUND = ("xgboost", "sklearn", "joblib")
"""Packages that stand between the program and a call, with variables of their own."""


@INTEGRATION.hook("xgboost.training:train", "xgboost:train", "xgboost.sklearn:train", joins=True)
def train(call: Call) -> Steps:
    """Record the parameters, every round and what was grown; an estimator's ``fit`` calls this too, and keeps the
    model itself."""
    if (call.outer is not None and not hasattr(call.outer.instance, "get_xgb_params")) or is_elsewhere():
        return  # what a metric, an objective or a callback trains for itself is no part of the training
    run, given, options = call.run, call.arguments, call.options
    ending, users = Ending(call), list[Any]()
    rounds = _begin(call, "XGBoost", users)
    if call.outer is None:
        with INTEGRATION.attempt("names of the data"):
            run.tags(variables(caller(*AROUND), {"dataset": [given["dtrain"]]}))
    example = None
    if call.outer is None and options.log_models and options.log_input_examples:
        with INTEGRATION.attempt("input example"):
            example = first_rows(given["dtrain"], EXAMPLE)

    booster = yield

    _end(call, rounds, users)
    ending.describe(run, booster)
    if call.outer is None:
        ending.keep(run, booster, lambda: ModelSignature(schema(given["dtrain"]), Config(booster).answer), example)


@INTEGRATION.hook("xgboost.training:cv", "xgboost:cv")
def cv(call: Call) -> Steps:
    """Record the parameters and the folds' mean and spread of every round."""
    users = list[Any]()
    rounds = _begin(call, "XGBoost cv", users)

    yield

    _end(call, rounds, users)


@INTEGRATION.hook_subclasses("xgboost.sklearn:XGBModel", "fit", unless=is_distributed)
def fit(call: Call) -> Steps:
    """Record what is fitted and with which parameters; `train`, which it calls, adds the rest."""
    estimator, options, run = call.instance, call.options, call.run
    cls, ending = type(estimator), Ending(call)
    run.trained(cls.__name__)
    run.tags({"estimator_name": cls.__name__, "estimator_class": f"{cls.__module__}.{cls.__name__}"})
    with INTEGRATION.attempt("parameters"):
        # Without the objective: a classifier replaces its own when it sees more than two classes, and `train` knows.
        run.params(named({name: value for name, value in estimator.get_params().items() if name != "objective"}))
    with INTEGRATION.attempt("names of the data"):
        run.tags(variables(caller(*AROUND), sets_of(call.arguments)))
    example = None
    if options.log_models and options.log_input_examples:
        with INTEGRATION.attempt("input example"):
            example = head(call.arguments["X"])

    yield

    run.metrics({"fit_time": call.duration})
    ending.keep(run, estimator, lambda: _signature(estimator, call.arguments["X"]), example)


def _begin(call: Call, title: str, users: list[Any]) -> Rounds:
    from autotrack_xgboost.rounds import (
        PerRound,
        Rounds,
        first_of_all,
    )  # derived from a class of XGBoost's, which is there

    pass_by()
    run, given = call.run, call.arguments
    params = _params(given["params"])
    objective = params.get("objective")
    if call.outer is None:
        run.trained(f"{title} {objective}" if isinstance(objective, str) else title)
        run.params(named({**params, **{name: value for name, value in given.items() if name not in NOT_PARAMETERS}}))
    else:
        own = call.outer.instance.get_params()
        passed = {name: value for name, value in given.items() if name not in NOT_PARAMETERS and name not in own}
        run.params(named({"objective": given["obj"] or objective, **passed}))
        params = {**own, **passed, "objective": objective}
    if call.options.log_datasets:
        with INTEGRATION.attempt("data sets"):
            for dataset in inputs(given, call.outer.arguments if call.outer else None):
                run.dataset(dataset)
    rounds = Rounds(run, params)
    call.replace(callbacks=first_of_all(PerRound(rounds), given["callbacks"], users))
    return rounds


def _end(call: Call, rounds: Rounds, users: list[Any]) -> None:
    from autotrack_xgboost.rounds import early  # knows a class of XGBoost's, which is there

    found: dict[str, Any] = {} if call.outer else {"fit_time": call.duration}
    if call.arguments["early_stopping_rounds"] or early(users):
        with INTEGRATION.attempt("best round"):
            found |= rounds.best()
    call.run.metrics(found)


def _params(given: Any) -> dict[str, Any]:
    """Of a list of pairs, in which a metric may come several times, a dict."""
    if not given or isinstance(given, Mapping):
        return dict(given or {})
    if not isinstance(given, (list, tuple)):
        return {}  # an iterator is XGBoost's to use up
    metrics = [value for name, value in given if name == "eval_metric"]
    return {**dict(given), **({"eval_metric": metrics} if len(metrics) > 1 else {})}


def _signature(estimator: Any, features: Any) -> ModelSignature:
    """What an estimator takes and gives; nothing is predicted to find out."""
    config = Config(estimator.get_booster())
    answer = None
    if estimator.predict.__func__.__module__.startswith("xgboost."):  # the program's own may give anything
        if not hasattr(estimator, "n_classes_"):
            answer = config.answer
        elif config.outputs > 1 and estimator.n_classes_ == 2:  # each row has several labels
            answer = tensor("float64", config.outputs)
        else:
            answer = tensor("int32" if config.objective == "multi:softmax" else "int64")
    return ModelSignature(columns(features), answer)
