"""Record scikit-learn: every estimator's outermost ``fit``, of scikit-learn's classes and of yours.

    import autotrack
    autotrack.autolog()                    # or autotrack.sklearn.autolog(log_models=False)

    LogisticRegression(C=10).fit(X, y)     # one run, "LogisticRegression"

A run is named after what is fitted (``Pipeline LogisticRegression``) and holds

- the parameters, ``get_params(deep=True)`` (for a grid or random search its own), tags ``estimator_name`` and
  ``estimator_class``;
- ``fit_time`` in seconds;
- the training metrics: of a classifier ``training_precision_score``, ``training_recall_score``,
  ``training_f1_score`` (weighted, or of ``pos_label``), ``training_accuracy_score``, ``training_log_loss``,
  ``training_roc_auc``; of a regressor ``training_mean_squared_error``, ``training_root_mean_squared_error``,
  ``training_mean_absolute_error``, ``training_r2_score``; of whatever has a ``score`` and got targets
  ``training_score``. ``sample_weight`` counts as in the fit. They may cost a tenth of the fit's time, but 50 ms at
  least, and of a fit of more than a second 100 ms or a hundredth, whichever is more; where all rows would cost more,
  they are of a stratified sample, and the tag ``autotrack.training_metrics`` says so. It also says which are left out
  because code of your own, asked to predict or score once more, would do something that your program could tell:
  count, print, change its data (``owncode.py``);
- of a search ``best_<parameter>`` and ``best_cv_score``, all candidates as ``cv_results.csv`` and ``trials.json``, and
  each of the best 100, or of as many as ``max_tuning_runs`` says, as a run below: see ``searches.py``;
- what an estimator remembers of its training, under its own names: curves such as ``loss_curve`` and ``train_score``,
  numbers such as ``n_iter``; with ``warm_start`` a curve goes on where the last run's stopped;
- ``autotrack.sklearn.convergence``, a tag, if scikit-learn warned that it did not converge;
  ``autotrack.sklearn.fit_number`` and ``…previous_run_id`` from an estimator's second fit on;
- the fitted model with its signature, as ``model``, and of a search ``best_estimator``; with
  ``registered_model_name="name"`` the model is that registered model's next version;
- the data as an input, by the name of the variable, with columns, size and a digest of data and targets;
- ``training_evidence.json``: confusion matrix, curves, residuals, importances or coefficients with names, as data to
  draw from, of the same predictions as the training metrics, and with ``log_plots=True`` pictures of it (``plots.py``);
  ``estimator.html``, the estimator as boxes in boxes;
- what is scored afterwards, by ``model.score``, a scorer or a function of ``sklearn.metrics``, whatever name it was
  imported under: ``accuracy_score_X_test``, with the value that was returned, and in ``metric_info.json`` how it was
  computed. Predictions may have been copied, cut, thresholded or renamed; what fits two models alike is no metric of
  either, but in ``undecided_scores.json`` of both. Models that another integration has recorded count too.

``cross_validate`` and its relatives make one run each (``crossvalidation.py``), as does a loop over ``partial_fit``
(``partial_fits.py``).

A fit inside a recorded fit (a pipeline's steps, a search's candidates, in whatever thread or process) belongs to the
outer one. What only transforms (scalers, encoders, a PCA) makes no run. Your data are neither copied nor changed.
"""

from __future__ import annotations

import time
from typing import Any

from autotrack import models
from autotrack.hooks import Call, Steps, aside
from autotrack.models.register import register
from autotrack.models.rows import head
from autotrack.models.verbs import Verbs
from autotrack_sklearn import (
    convergence,
    crossvalidation,
    curves,
    datasets,
    diagram,
    partial_fits,
    plots,
    refits,
    scores,
    searches,
)
from autotrack_sklearn.estimator import in_place, parameters, tags, title, trains
from autotrack_sklearn.flavor import FLAVOR
from autotrack_sklearn.integration import INTEGRATION, SklearnOptions, chosen

__all__ = ["INTEGRATION", "SklearnOptions", "autolog", "load_model", "log_model", "save_model"]

autolog = INTEGRATION.autolog
log_model, save_model, load_model = (_verbs := Verbs(FLAVOR)).log_model, _verbs.save_model, _verbs.load_model

INTEGRATION.hook(*crossvalidation.FUNCTIONS, joins=True)(crossvalidation.cross_validation)
INTEGRATION.hook_subclasses("sklearn.base:BaseEstimator", "partial_fit")(partial_fits.partial_fit)
INTEGRATION.on_start("sklearn.exceptions")(convergence.start)
INTEGRATION.watch_subclasses(scores.FAMILIES, *scores.ANSWERING)(scores.predicted)
INTEGRATION.watch_subclasses(scores.FAMILIES, "score")(scores.scored)
INTEGRATION.watch("sklearn.metrics._scorer:_Scorer._score")(scores.scorer_called)
INTEGRATION.watch("sklearn.metrics:*[func]")(scores.measured)
INTEGRATION.on_start("sklearn.metrics")(scores.start)


@INTEGRATION.hook_subclasses("sklearn.base:BaseEstimator", "fit", "fit_predict", "fit_transform")
def fit(call: Call) -> Steps:
    """Record what is fitted and with which parameters, then how well it knows its training data, then the model."""
    estimator, options = call.instance, chosen(call)
    if not trains(estimator):
        return
    partial_fits.over(estimator)
    partial_fits.pass_by()
    before = curves.lengths(estimator) if refits.continues(estimator) else {}
    call.run.trained(title(estimator))
    call.run.tags(tags(estimator))
    refits.count(estimator, call.run)
    given: dict[str, Any] = {}
    with INTEGRATION.attempt("parameters"):
        given = parameters(estimator)
        call.run.params(given)
    example, wide = None, False
    with INTEGRATION.attempt("training data"):
        wide = datasets.is_wide(_data(call)[0])
        if options.log_datasets:
            datasets.train(call.run, *_data(call))
    if options.log_models and options.log_input_examples and not wide:
        with INTEGRATION.attempt("input example"):
            example = head(_data(call)[0])
    in_turn, started = searches.in_turn(estimator), time.time_ns() // 1_000_000

    with convergence.Listening(call) as heard:
        result = yield

    from autotrack_sklearn.training import evaluate, output  # scikit-learn, which the fit has loaded

    data, targets = _data(call)
    found: dict[str, Any] = {"fit_time": call.duration}
    prediction, seen = result if call.function.__name__ == "fit_predict" else None, None
    if options.log_training_metrics and targets is not None:
        with INTEGRATION.attempt("training metrics"), aside():
            weight = call.arguments.get("sample_weight")
            seen = evaluate(estimator, data, targets, weight, options.pos_label, call.duration, altered=in_place(given))
            found.update(seen.metrics)
            prediction = seen.prediction
            if seen.remarks:
                call.run.tags({"autotrack.training_metrics": "; ".join(seen.remarks)})
            for name, error in seen.failures.items():
                INTEGRATION.warn(name, f"{name} failed on the training data ({type(error).__name__}: {error})")
    search = searches.found(estimator)
    holder = estimator if search is None else search.estimator
    if hasattr(holder, "best_params_"):
        call.run.params({f"best_{name}": value for name, value in holder.best_params_.items()})
        if hasattr(holder, "best_score_"):
            found["best_cv_score"] = holder.best_score_
    with INTEGRATION.attempt("results"):
        found |= curves.results(estimator)
    call.run.metrics(found)
    if options.log_training_metrics:
        from autotrack_sklearn import evidence  # numpy, which the fit has loaded

        with INTEGRATION.attempt("evidence"), aside():
            evident = evidence.record(call.run, estimator, data, targets, seen, call.duration)
            if options.log_plots:
                plots.record(call.run, evident)
    if options.log_training_metrics or options.log_models:
        with INTEGRATION.attempt("diagram"):
            call.run.text(diagram.page(estimator), "estimator.html")
    with INTEGRATION.attempt("later scores"):
        scores.follow(estimator, call.run, data, prediction if targets is None else None)
    with INTEGRATION.attempt("curves"):
        curves.record(call.run, estimator, before)
    if heard.messages:
        call.run.tags(heard.tags())
    if search is not None:
        searches.record(call.run, search, options.max_tuning_runs, started, in_turn=in_turn)
    if options.log_models:
        with INTEGRATION.attempt("model"):
            signature = None
            if wide:
                message = (
                    f"of data with more than {datasets.WIDE} named columns a model has no signature and no example"
                )
                INTEGRATION.warn("named columns", message)
            elif options.log_model_signatures:
                with INTEGRATION.attempt("signature"), aside():
                    answer = output(estimator, data) if prediction is None else prediction
                    signature = None if answer is None else models.infer_signature(data, answer)
            info = models.log(call.run, estimator, flavor=FLAVOR, signature=signature, input_example=example)
            if (best := getattr(holder, "best_estimator_", None)) is not None:
                models.log(call.run, best, "best_estimator", flavor=FLAVOR, signature=signature, input_example=example)
            if options.registered_model_name:
                with INTEGRATION.attempt("registered model"):
                    register(info, options.registered_model_name)


def _data(call: Call) -> tuple[Any, Any]:
    """The first two arguments: whatever a class calls them, they are the data and the targets."""
    names = [name for name in call.arguments if name not in ("args", "kwargs")][:2]
    given = [*call.args[:2], *(call.arguments[name] for name in names[len(call.args) :])]
    data, targets = [*given, None, None][:2]
    return data, targets
