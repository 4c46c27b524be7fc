"""Record LightGBM: ``lightgbm.train``, ``lightgbm.cv``, the estimators of its scikit-learn interface, and loops that
call ``Booster.update``.

    import autotrack
    autotrack.autolog()                                # or autotrack.lightgbm.autolog(log_models=False)

    lightgbm.train({"objective": "binary"}, train_set, 100, valid_sets=[valid_set], valid_names=["valid"])
    LGBMClassifier(n_estimators=100).fit(X, y, eval_set=[(X_test, y_test)])

Each makes one run, which holds

- the parameters: the ``params`` dict and the arguments, or ``get_params()`` of the estimator and what its ``fit`` hands
  on, with the tags ``estimator_name`` and ``estimator_class``; and those that LightGBM filled in, under its own names;
- every evaluation metric of every set as ``<set>-<metric>`` (``@`` becomes ``_at_``), of ``cv`` ``<set>-<metric>-mean``
  and ``-stdv``, one point a round, written as the round ends. So what is stopped or raises keeps the rounds before it;
- ``round_time``, seconds since the round before; the first round's include the making of the bins;
- with early stopping ``best_iteration`` and ``stopped_iteration`` as LightGBM and MLflow count, from 1: the best of 46
  is the point at step 45. ``stopped_iteration`` is the number of rounds trained, so the last step is one less; and
  ``best_score-<set>-<metric>``, the values of the best round;
- ``fit_time`` in seconds, and ``trees``, of which multi-class problems have several a round;
- ``feature_importance_split.json`` and ``feature_importance_gain.json``;
- the data sets: their columns, size and a digest. What LightGBM has read from a file, or converted and released
  before, is known by its labels and shape. What your program calls them is in the tags
  ``autotrack.variable.<data set>``, where it has variables for them;
- the model as LightGBM's text, ``model/model.lgb``, with its signature. An estimator is pickled beside it, because the
  text knows nothing of classes and settings. ``autolog(registered_model_name="name")`` makes it that model's next
  version.

Inside a pipeline or a search only the outermost fit is recorded. Your ``params`` and ``callbacks`` stay yours, and your
data are not converted. What is kept of a loop is told in :mod:`autotrack_lightgbm.loops`. What the workers of Dask
train is not recorded.
"""

from __future__ import annotations

from typing import Any

from autotrack import models
from autotrack.hooks import Call, Steps, caller, variables
from autotrack.models.verbs import Verbs
from autotrack_lightgbm.booster import aliases, chosen, importances, named
from autotrack_lightgbm.elsewhere import is_distributed, is_elsewhere
from autotrack_lightgbm.flavor import FLAVOR
from autotrack_lightgbm.inputs import Inputs, answer, columns, first_rows, sets_of, sets_of_train
from autotrack_lightgbm.integration import INTEGRATION
from autotrack_lightgbm.loops import pass_by
from autotrack_lightgbm.rounds import Rounds, key_of

__all__ = ["INTEGRATION", "autolog", "load_model", "log_model", "save_model"]

INTEGRATION.guarded(Rounds)

autolog = INTEGRATION.autolog
log_model, save_model, load_model = (_verbs := Verbs(FLAVOR)).log_model, _verbs.save_model, _verbs.load_model

NOT_PARAMETERS = frozenset(
    ("params", "train_set", "valid_sets", "valid_names", "feval", "init_model", "callbacks", "folds", "fpreproc")
)
"""Arguments of ``train`` and ``cv`` that are data, results or functions."""
AROUND = ("lightgbm", "sklearn", "joblib")
"""Packages that stand between the program and a call, with variables of their own."""


@INTEGRATION.hook("lightgbm.engine:train", "lightgbm:train", "lightgbm.sklearn:train", joins=True)
def train(call: Call) -> Steps:
    """Record the parameters, every round and what was grown; an estimator's ``fit`` calls this too."""
    if is_elsewhere() or (call.outer is not None and call.outer.instance is None):
        return  # a worker's part, or what a metric or a callback of the recorded training trains for itself
    alone = call.outer is None
    rounds, inputs = _begin(call, "LightGBM"), Inputs(call.arguments)
    if alone:
        with INTEGRATION.attempt("names of the data"):
            call.run.tags(variables(caller(*AROUND), sets_of_train(call.arguments)))
    if call.options.log_datasets:
        with INTEGRATION.attempt("data sets"):
            inputs.record(call.run)
    if alone and call.options.log_models:
        with INTEGRATION.attempt("signature"):
            inputs.keep_form()

    booster = yield

    best = {
        key_of(data, metric): value for data, found in booster.best_score.items() for metric, value in found.items()
    }
    _end(call, rounds, booster, best)
    call.run.metrics({"trees": booster.num_trees()})
    with INTEGRATION.attempt("feature importances"):
        for kind, text in importances(booster):
            call.run.text(text, f"feature_importance_{kind}.json")
    if call.options.log_datasets:
        with INTEGRATION.attempt("data sets"):
            inputs.record(call.run)
    if alone and call.options.log_models:
        with INTEGRATION.attempt("model"):
            signature = None
            if call.options.log_model_signatures:
                with INTEGRATION.attempt("signature"):
                    signature = inputs.signature(booster)
            example = inputs.rows if call.options.log_input_examples else None
            _keep(call, booster, signature, example)


@INTEGRATION.hook("lightgbm.engine:cv", "lightgbm:cv")
def cv(call: Call) -> Steps:
    """Record the parameters and the mean and spread of every round."""
    rounds, inputs = _begin(call, "LightGBM cv"), Inputs(call.arguments)
    if call.options.log_datasets:
        with INTEGRATION.attempt("data sets"):
            inputs.record(call.run)

    result = yield

    # LightGBM has cut its curves off after the best round, if it stopped early.
    best = {
        f"{key}{part}": result[f"{data} {metric}{part}"][-1]
        for (data, metric), key in rounds.keys.items()
        for part in ("-mean", "-stdv")
    }
    _end(call, rounds, rounds.model, best)
    if call.options.log_datasets:
        with INTEGRATION.attempt("data sets"):
            inputs.record(call.run)


@INTEGRATION.hook_subclasses("lightgbm.sklearn:LGBMModel", "fit", unless=is_distributed)
def fit(call: Call) -> Steps:
    """Record what is fitted and with which parameters; `train`, which it calls, adds the rest."""
    if is_elsewhere():
        return
    estimator, options, run = call.instance, call.options, call.run
    cls = type(estimator)
    run.trained(cls.__name__)
    run.tags({"estimator_name": cls.__name__, "estimator_class": f"{cls.__module__}.{cls.__name__}"})
    given = named(estimator.get_params())
    # What is None is for `fit` or LightGBM to choose, and `train` records what they chose.
    run.params({name: value for name, value in given.items() if value is not None})
    with INTEGRATION.attempt("names of the data"):
        run.tags(variables(caller(*AROUND), sets_of(call.arguments)))
    example = None
    if options.log_models and options.log_input_examples:
        with INTEGRATION.attempt("input example"):
            example = first_rows(call.arguments["X"])

    yield

    run.params({name: value for name, value in given.items() if value is None})
    run.metrics({"fit_time": call.duration})
    if options.log_models:
        with INTEGRATION.attempt("model"):
            signature = None
            if options.log_model_signatures:
                with INTEGRATION.attempt("signature"):
                    signature = models.ModelSignature(columns(call.arguments["X"]), answer(estimator))
            _keep(call, estimator, signature, example)


def _keep(call: Call, model: Any, signature: Any, example: Any) -> None:
    models.log(
        call.run,
        model,
        flavor=FLAVOR,
        signature=signature,
        input_example=example,
        registered_model_name=call.options.registered_model_name,
    )


def _begin(call: Call, title: str) -> Rounds:
    pass_by()
    given = call.arguments
    if call.outer is None:
        params = _given(call)
        objective = params.get("objective")
        call.run.trained(f"{title} {objective}" if isinstance(objective, str) else title)
        call.run.params(params)
    else:
        own = call.outer.instance.get_params()
        call.run.params({name: value for name, value in _passed(call).items() if own.get(name) is None})
    rounds = Rounds(call.run)
    callbacks = given["callbacks"] or ()
    if hasattr(callbacks, "__len__"):  # anything else LightGBM refuses
        call.replace(callbacks=[*callbacks, rounds])
    return rounds


def _given(call: Call) -> dict[str, Any]:
    """What the program said, to an estimator or to the function."""
    own = {} if call.outer is None else named(call.outer.instance.get_params())
    return {**_passed(call), **{name: value for name, value in own.items() if value is not None}}


def _passed(call: Call) -> dict[str, Any]:
    """What the function was called with, by the program or by an estimator's ``fit``."""
    params = named(call.arguments["params"] or {})
    arguments = {name: value for name, value in call.arguments.items() if name not in NOT_PARAMETERS}
    if not params.keys().isdisjoint(aliases("num_iterations")):  # which goes before the argument
        arguments.pop("num_boost_round", None)
    return {**arguments, **params}


def _end(call: Call, rounds: Rounds, booster: Any, best: dict[str, Any]) -> None:
    found: dict[str, Any] = {} if call.outer else {"fit_time": call.duration}
    if booster.best_iteration > 0:
        found |= {"best_iteration": booster.best_iteration, "stopped_iteration": rounds.count}
        found |= {f"best_score-{key}": value for key, value in best.items()}
    call.run.metrics(found)
    with INTEGRATION.attempt("parameters"):
        callbacks = call.arguments["callbacks"] or ()
        call.run.params(chosen(booster, _given(call), callbacks))
