"""Record CatBoost: the ``fit`` of its estimators, so also ``catboost.train``, and ``catboost.cv``.

    import autotrack
    autotrack.autolog()                                # or autotrack.catboost.autolog(log_models=False)

    CatBoostClassifier(iterations=500).fit(X, y, eval_set=(X_test, y_test))

Each makes one run, which holds

- the parameters under CatBoost's own names, yours and those that it filled in, with the tags ``estimator_name`` and
  ``estimator_class``;
- what your program calls its data, where it has variables for them, as tags ``autotrack.variable.<data set>``;
- every evaluation metric of every set as ``<set>-<metric>``, the sets named as in ``evals_result_`` (``learn``,
  ``validation``); of ``cv`` its own columns, such as ``test-Logloss-mean``;
- ``round_time``, seconds since the iteration before;
- with an evaluation set ``best_iteration``, which counts from 0, ``stopped_iteration``, the last that was trained, and
  ``best_score-<set>-<metric>``;
- ``fit_time`` in seconds, and ``trees``;
- ``feature_importance_PredictionValuesChange.json``;
- the data sets: their columns, size and a digest, of a ``Pool`` from a sample of its rows;
- the model as CatBoost's ``cbm`` with its signature; ``autolog(registered_model_name="name")`` makes it that model's
  next version.

When are the curves written? CatBoost keeps them to itself until it has finished, and its callbacks cost more with every
iteration, as each is handed all values so far: two thousand small iterations take more than twice as long with one. So
none is added. The curves are taken from ``evals_result_`` in the end, and of a training that raised, was interrupted or
was killed from the files that CatBoost keeps in ``train_dir``, in their 10 digits; for one that is killed a process
beside the program does that, which is there on Linux from a training's first twentieth of a second on, and unless
``AUTOTRACK_CONTEXT=0``. From these files too, ten times a second once a training has taken one, come the curves
``live/<set>-<metric>``, to be watched; where that process is killed as well, as when a whole container ends, they are
what is left. With ``allow_writing_files=False`` there are no files, hence none of these and no ``round_time``. Of a
``cv`` that was broken off there is no curve. Where all that is too little, ask for ``autolog(every_round=True)``, which
adds the callback, except on a GPU, where CatBoost takes none. It is added too where you use callbacks yourself.

Inside a pipeline or a search only the outermost fit is recorded. Your ``callbacks`` stay yours, and your data are not
converted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autotrack import models
from autotrack.hooks import Call, Integration, Options, Steps, aside, caller, variables
from autotrack.models.rows import head
from autotrack.models.verbs import Verbs
from autotrack_catboost.flavor import FLAVOR
from autotrack_catboost.history import EveryRound, Notes, Round, exact, write
from autotrack_catboost.inputs import inputs, sets_of, signature
from autotrack_catboost.live import Live
from autotrack_catboost.model import filled_in, importances, named

__all__ = ["INTEGRATION", "CatBoostOptions", "autolog", "load_model", "log_model", "save_model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CatBoostOptions(Options):
    """What to record of CatBoost."""

    every_round: bool = False
    """Write every iteration as it ends; it costs the more the more there are."""


INTEGRATION = Integration("catboost", supports=">=1.2,<2", options=CatBoostOptions)
INTEGRATION.guarded(EveryRound, default=True)
INTEGRATION.guarded(Live)

autolog = INTEGRATION.autolog
log_model, save_model, load_model = (_verbs := Verbs(FLAVOR)).log_model, _verbs.save_model, _verbs.load_model

SETTINGS = (
    "cat_features", "text_features", "embedding_features", "use_best_model", "early_stopping_rounds", "metric_period",
    "iterations", "num_boost_round", "fold_count", "nfold", "inverted", "partition_random_seed", "seed", "shuffle",
    "stratified", "type",
)  # fmt: skip
"""Arguments of ``fit`` and ``cv`` that are parameters."""
AROUND = ("catboost", "sklearn", "joblib")
"""Packages that stand between the program and a call, with variables of their own."""


@INTEGRATION.hook_subclasses("catboost.core:CatBoost", "fit")
def fit(call: Call) -> Steps:
    """Record what is fitted and with which parameters, then the curves and the model."""
    estimator, options, run = call.instance, call.options, call.run
    cls = type(estimator)
    run.trained(cls.__name__)
    run.tags({"estimator_name": cls.__name__, "estimator_class": f"{cls.__module__}.{cls.__name__}"})
    given = estimator.get_params()
    run.params(named({**_settings(call), **given}))
    with INTEGRATION.attempt("names of the data"):
        run.tags(variables(caller(*AROUND), sets_of(call.arguments)))
    if options.log_datasets:
        with INTEGRATION.attempt("data sets"):
            for dataset in inputs(call.arguments):
                run.dataset(dataset)
    example = None
    if options.log_models and options.log_input_examples:
        with INTEGRATION.attempt("input example"):
            example = head(call.arguments["X"])
    notes, every = Notes(given.get("train_dir")), None
    callbacks = call.arguments["callbacks"] or ()
    if (getattr(options, "every_round", False) or callbacks) and given.get("task_type") != "GPU":
        every = EveryRound(run)
        call.replace(callbacks=[every, *callbacks])
    live = Live(run, notes)
    if every is None and given.get("allow_writing_files") is not False:
        live.begin()

    try:
        yield
    except GeneratorExit:  # the training was broken off
        live.end()
        if every is None:
            write(run, notes.rounds())
        live.written()
        raise

    live.end()

    last = every.last if every else -1
    if every is None:
        with INTEGRATION.attempt("curves"):
            period = call.arguments["metric_period"] or given.get("metric_period") or 1
            end = estimator.get_all_params()["iterations"]
            last = write(run, exact(estimator.evals_result_, list(notes.rounds()), period, end))
    live.written()
    found: dict[str, Any] = {"fit_time": call.duration, "trees": estimator.tree_count_}
    if estimator.best_iteration_ is not None:
        found |= {"best_iteration": estimator.best_iteration_, "stopped_iteration": last}
        for data, best in estimator.best_score_.items():
            found |= {f"best_score-{data}-{metric}": value for metric, value in best.items()}
    run.metrics(found)
    with INTEGRATION.attempt("parameters"):
        run.params(filled_in(estimator))
    with INTEGRATION.attempt("feature importances"):
        if (text := importances(estimator)) is not None:
            run.text(text, "feature_importance_PredictionValuesChange.json")
    if options.log_models:
        with INTEGRATION.attempt("model"):
            form = None
            if options.log_model_signatures:
                with INTEGRATION.attempt("signature"), aside():
                    form = signature(estimator, call.arguments["X"])
            models.log(
                run,
                estimator,
                flavor=FLAVOR,
                signature=form,
                input_example=example,
                registered_model_name=options.registered_model_name,
            )


@INTEGRATION.hook("catboost.core:cv", "catboost:cv")
def cv(call: Call) -> Steps:
    """Record the parameters, then the mean and spread of every iteration."""
    given, run = call.arguments, call.run
    run.trained("CatBoost cv")
    run.params(named({**_settings(call), **(given["params"] or {})}))
    if call.options.log_datasets:
        with INTEGRATION.attempt("data sets"):
            for dataset in inputs({"X": given["pool"] if given["dtrain"] is None else given["dtrain"]}):
                run.dataset(dataset)

    result = yield

    table = result[0] if isinstance(result, tuple) else result
    curves = [name for name in table if name != "iterations"]
    write(
        run,
        (Round(int(step), {name: table[name][at] for name in curves}) for at, step in enumerate(table["iterations"])),
    )
    run.metrics({"fit_time": call.duration})


def _settings(call: Call) -> dict[str, Any]:
    return {name: value for name in SETTINGS if (value := call.arguments.get(name)) is not None}
