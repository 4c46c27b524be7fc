"""Record Optuna: a study as one run, every trial of it as a run below.

    import autotrack
    autotrack.autolog()                                # or autotrack.optuna.autolog()

    study = optuna.create_study(study_name="forest")
    study.optimize(objective, n_trials=100, n_jobs=4)

Each ``Study.optimize`` makes a run named after the study, or after the objective if the study has no name. Where you
have a run open, that one is the study's, unless something was trained in it before. It holds

- the parameters ``n_trials``, ``timeout``, ``n_jobs``, ``direction`` or ``directions``, ``study_name``,
  ``metric_names``, ``sampler`` and ``pruner`` with their settings (``pruner_n_startup_trials``);
- ``trial_value`` by trial number, a point as each trial completes, or one curve per objective;
- in the end, also if that is an exception or Ctrl-C, ``best_value`` and ``best_<parameter>`` of the study's best trial,
  with tags ``autotrack.optuna.best_trial`` and ``autotrack.optuna.best_run_id``; of several objectives
  ``autotrack.optuna.best_trials``, the numbers of the trials that no other one beats;
- how many trials were ``trials_complete``, ``trials_pruned`` and ``trials_failed``;
- ``trials.json``, a table of all trials: what Optuna's ``trials_dataframe`` has, the intermediate values and the id of
  each trial's run;
- ``search_space.json``, the distributions that parameters were drawn from.

Each trial is a run, ``trial 7``, with

- the parameters as they are suggested, and ``intermediate_value`` by step as it is reported;
- ``value`` or, of several objectives, ``value_<number>`` (``value_<name>`` where the study names them);
- the tag ``autotrack.optuna.state``, and your attributes as tags ``user_attrs_<name>``.

A pruned trial is FINISHED, a failed one FAILED with its error, also where Optuna goes on because of ``catch``. What
is trained in a trial with a framework that is recorded goes into the trial's run; a second training gets a run below
it. How many writes a trial takes does not depend on how many there have been.

A second ``optimize`` of the same study is a second run with its own trials and table; the best is the study's.

Trials that you ``ask`` for yourself are recorded when you ``tell`` what came of them, with the times at which they
began and ended, below one run for the study, which is open until the program or your own run around it ends. One
that is never told is not recorded, nor are trials that a study brings along from its storage or by ``add_trial``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from autotrack.hooks import Call, Integration, Steps
from autotrack_optuna.trial import LIVE

__all__ = ["INTEGRATION", "autolog"]

INTEGRATION = Integration("optuna", supports=">=3.6,<6")

autolog = INTEGRATION.autolog


@INTEGRATION.hook("optuna.study:Study.optimize", hosts=True)
def optimize(call: Call) -> Steps:
    """Record the study; the objective and what is called after each trial record the trials."""
    from autotrack_optuna.study import AfterEach, StudyRecord  # Optuna, whose study is to begin

    study, given = call.instance, call.arguments
    record = StudyRecord(call.run, study, given["func"])
    record.settings({name: given[name] for name in ("n_trials", "timeout", "n_jobs")})
    if callable(given["func"]):
        call.replace(func=INTEGRATION.around(given["func"], record.trial))
    call.replace(callbacks=AfterEach(record, given["callbacks"]))
    try:
        yield
    finally:
        record.close()


@INTEGRATION.hook("optuna.study:Study.tell", hosts=True)
def tell(call: Call) -> Steps:
    """Record a trial that the program itself has asked for; one of a running `optimize` is recorded there."""
    from autotrack_optuna.study import by_hand  # Optuna, one of whose studies is told something

    given, asked = call.arguments, datetime.now()  # noqa: DTZ005 - Optuna's times are local and say no zone
    trial = yield
    if given["trial"] in LIVE or (given["skip_if_finished"] and trial.datetime_complete < asked):
        return
    by_hand(call.instance).told(trial)


@INTEGRATION.watch(*(f"optuna.trial:Trial.suggest_{kind}" for kind in ("categorical", "float", "int")))
def suggest(trial: Any, args: Any, kwargs: Any, value: Any) -> None:
    """Record a parameter as soon as it is known."""
    if (live := LIVE.get(trial)) is not None:
        live.suggested(value, *args, **kwargs)


@INTEGRATION.watch("optuna.trial:Trial.report")
def report(trial: Any, args: Any, kwargs: Any, _result: None) -> None:
    """Record an intermediate value as it is reported."""
    if (live := LIVE.get(trial)) is not None:
        live.reported(*args, **kwargs)
