"""What of a trial is recorded in its run, whoever runs the trial and however it ends."""

import json
import math
import weakref
from datetime import timedelta

import optuna
import pytest

import autotrack
from autotrack import current
from autotrack.client import Client
from autotrack.testing import said
from autotrack.testing.recorded import recorded

optuna.logging.set_verbosity(optuna.logging.ERROR)
ERROR = ValueError("mine")
STATE = "autotrack.optuna.state"
SPACE = {"x": optuna.distributions.FloatDistribution(0, 1)}


def made(**options):
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1), **options)


def optimize(objective, trials=1, **options):
    study = made()
    study.optimize(objective, n_trials=trials, **options)
    return study


def trial_runs(record):
    return [run for run in record.runs if run.name.startswith("trial")]


def test_a_trial_holds_its_parameters_and_its_value(record):
    """Of every kind, once each, as Optuna has them."""

    def objective(trial):
        for _ in range(2):
            trial.suggest_float("rate", 1e-5, 1e-1, log=True)
            trial.suggest_int("depth", 1, 9)
            trial.suggest_categorical(name="kind", choices=["a", None, 3])
        return trial.params["rate"]

    study = optimize(objective)
    (run,) = trial_runs(record)
    (trial,) = study.trials
    assert run.params == {name: str(value) for name, value in trial.params.items()}
    assert run.metrics == {"value": [trial.value]}
    assert (run.status, run.tags[STATE]) == ("FINISHED", "COMPLETE")


def test_parameters_and_values_are_written_as_they_come(record):
    """What is killed keeps them."""
    seen = []

    def objective(trial):
        trial.suggest_int("depth", 3, 3)
        trial.report(0.5, 7)
        (run,) = trial_runs(record)
        seen.append((run.params, run.metrics, run.steps, run.status))
        return 1.0

    optimize(objective)
    assert seen == [({"depth": "3"}, {"intermediate_value": [0.5]}, {"intermediate_value": [7]}, "")]


@pytest.mark.filterwarnings("ignore:The reported value is ignored")
def test_intermediate_values_are_a_curve_by_step(record):
    """Of one step the first counts, as for Optuna; infinite and undefined ones are values too."""

    def objective(trial):
        for step, value in ((0, 3), (5, math.inf), (5, 1.0), (6, math.nan)):
            trial.report(value, step=step)
        return 1.0

    optimize(objective)
    (run,) = trial_runs(record)
    assert run.steps["intermediate_value"] == [0, 5, 6]
    assert repr(run.metrics["intermediate_value"]) == "[3.0, inf, nan]"


def test_a_pruned_trial_is_finished_and_says_so(record):
    """With the value that Optuna gives it, its last."""

    def objective(trial):
        trial.suggest_float("x", 0, 1)
        trial.report(0.25, 0)
        raise optuna.TrialPruned("enough")

    optimize(objective)
    (run,) = trial_runs(record)
    assert (run.status, run.error, run.tags[STATE]) == ("FINISHED", None, "PRUNED")
    assert run.metrics == {"intermediate_value": [0.25], "value": [0.25]}
    assert "x" in run.params


def test_a_trial_that_fails_is_failed_also_where_the_study_goes_on(record):
    """With its error, its parameters and its attributes."""

    def objective(trial):
        trial.set_user_attr("note", "here")
        if trial.suggest_int("number", trial.number, trial.number) == 1:
            raise ERROR
        return 1.0

    optimize(objective, 3, catch=(ValueError,))
    assert [run.status for run in record.runs] == ["FINISHED", "FINISHED", "FAILED", "FINISHED"]
    run = trial_runs(record)[1]
    assert "ValueError: mine" in run.error
    assert (run.tags[STATE], run.tags["user_attrs_note"], run.params) == ("FAIL", "here", {"number": "1"})
    assert "value" not in run.metrics


@pytest.mark.parametrize("value", [math.nan, "a lot", (1.0, 2.0), ["x"] * 1000])
def test_a_trial_without_a_usable_value_is_failed_and_says_why(record, value):
    """As for Optuna, which raises nothing then."""
    optimize(lambda _: value)
    (run,) = trial_runs(record)
    assert (run.status, run.tags[STATE]) == ("FAILED", "FAIL")
    assert run.tags["autotrack.optuna.reason"].startswith("the objective returned ")
    assert len(run.tags["autotrack.optuna.reason"]) < 200


def test_a_trial_whose_end_raises_has_the_state_that_optuna_gave_it(record):
    """A sampler may fail after the objective has returned."""

    class Failing(optuna.samplers.RandomSampler):
        def after_trial(self, *given):
            raise ERROR

    study = optuna.create_study(sampler=Failing())
    with pytest.raises(ValueError, match="mine"):
        study.optimize(lambda _: 2.0, n_trials=2)
    (run,) = trial_runs(record)
    assert (run.status, run.tags[STATE], run.metrics) == ("FINISHED", "COMPLETE", {"value": [2.0]})
    assert record.runs[0].status == "FAILED"


def test_parameters_that_were_fixed_beforehand_are_recorded(record):
    """By `enqueue_trial` or by `ask`."""
    study = made()
    study.enqueue_trial({"x": 0.125})
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    asked = study.ask(SPACE)
    study.tell(asked, 1.0)
    assert [run.params["x"] for run in trial_runs(record)] == ["0.125", str(asked.params["x"])]


def test_a_trial_may_report_through_a_class_of_the_programs_own(record):
    """A wrapper that calls Optuna's trial, from any thread."""

    class Wrapped:
        def __init__(self, trial):
            self.trial = trial

        def suggest(self, name):
            return self.trial.suggest_float(name, 0, 1)

    optimize(lambda trial: Wrapped(trial).suggest("x"))
    assert "x" in trial_runs(record)[0].params


def test_trials_begin_and_end_when_they_do(store):
    """In the store: to the millisecond, or nearly where Optuna has something to do before and after."""
    autotrack.autolog()
    study = optimize(lambda trial: trial.suggest_float("x", 0, 1), 2)
    asked = study.ask(SPACE)
    told = study.tell(asked, 1.0)
    runs = {
        run.info.run_name: run.info for run in Client().search_runs([Client().search_experiments()[0].experiment_id])
    }
    for trial in study.trials:
        run = runs[f"trial {trial.number}"]
        began, ended = (int(when.timestamp() * 1000) for when in (trial.datetime_start, trial.datetime_complete))
        allowed = 1000 if trial.number < told.number else 0
        assert 0 <= run.start_time - began <= allowed
        assert 0 <= run.end_time - ended <= allowed


def ask(study, value=None, **options):
    trial = study.ask()
    x = trial.suggest_float("x", 0, 1)
    trial.report(x, 0)
    return study.tell(trial, x if value is None and "state" not in options else value, **options)


def test_trials_told_by_hand_are_below_one_run_for_the_study(record):
    """Complete when they are told; the best and the table when the program ends."""
    study = made(study_name="by hand")
    trials = [ask(study) for _ in range(3)]
    parent, *runs = record.runs
    assert (parent.name, parent.status) == ("by hand", "")
    assert [(run.name, run.status, run.parent) for run in runs] == [
        (f"trial {number}", "FINISHED", parent.run_id) for number in range(3)
    ]
    for run, trial in zip(runs, trials, strict=True):
        assert run.params == {"x": str(trial.params["x"])}
        assert run.metrics == {"intermediate_value": [trial.value], "value": [trial.value]}
    record.finish()
    parent = record.runs[0]
    assert parent.status == "FINISHED"
    assert parent.metrics["best_value"] == [study.best_value]
    assert parent.metrics["trial_value"] == [trial.value for trial in trials]
    assert len(json.loads(parent.file("trials.json").read_text())["data"]) == 3


def test_what_is_told_is_recorded_as_it_is(record):
    """Pruned, failed, without a value, and by the trial's number."""
    study = made()
    ask(study, state=optuna.trial.TrialState.PRUNED)
    ask(study, state=optuna.trial.TrialState.FAIL)
    with pytest.warns(UserWarning, match="nan"):
        ask(study, math.nan)
    study.tell(study.ask(SPACE).number, 0.5)
    states = [(run.tags[STATE], run.status) for run in trial_runs(record)]
    assert states == [("PRUNED", "FINISHED"), ("FAIL", "FAILED"), ("FAIL", "FAILED"), ("COMPLETE", "FINISHED")]


def test_what_optuna_does_not_take_is_not_recorded(record):
    """A trial is told once; one that is never told has no run."""
    study = made()
    first, _ = study.ask(), study.ask()
    with pytest.raises(ValueError, match="No values"):
        study.tell(first, state=optuna.trial.TrialState.COMPLETE)
    assert record.runs == []
    study.tell(first, 1.0)
    with pytest.raises(ValueError, match="Cannot tell a COMPLETE trial"):
        study.tell(first, 2.0)
    study.tell(first, 2.0, skip_if_finished=True)
    (run,) = trial_runs(record)
    assert run.metrics == {"value": [1.0]}


def test_trials_told_in_the_programs_run_are_below_it(record):
    """The study's record is complete when that run ends, and another run begins another."""
    study = made()
    with autotrack.start_run(run_name="mine"):
        ask(study)
    with autotrack.start_run(run_name="next"):
        ask(study)
    mine, first, following, second = record.runs
    assert (first.parent, second.parent) == (mine.run_id, following.run_id)
    assert "best_value" in mine.metrics
    assert [len(json.loads(run.file("trials.json").read_text())["data"]) for run in (mine, following)] == [1, 1]


def test_a_study_by_hand_ends_with_the_programs_run_around_it(record):
    """Also where that run is another training's."""
    study = made()
    with autotrack.start_run(run_name="mine"):
        optimize(lambda _: 1.0)
        ask(study)
    assert {run.status for run in record.runs} == {"FINISHED"}
    assert [run.name for run in record.runs] == ["mine", "trial 0", "study", "trial 0"]


def test_the_best_is_known_of_a_study_that_is_gone(record):
    """The program kept none of it."""

    def program():
        study = made(direction="maximize")
        best = max(ask(study).value for _ in range(4))
        return weakref.ref(study), best

    study, best = program()
    assert study() is None
    record.finish()
    assert record.runs[0].metrics["best_value"] == [best]


def test_trials_told_inside_an_objective_are_another_studys(record):
    """They are below the trial, like any training in it."""

    def objective(trial):
        return ask(made(study_name="inner")).value

    optimize(objective)
    names = {run.run_id: run.name for run in record.runs}
    assert [(run.name, names.get(run.parent)) for run in record.runs] == [
        ("objective", None), ("trial 0", "objective"), ("trial 0", "trial 0"),
    ]  # fmt: skip


def test_an_objective_that_tells_its_own_trial_is_recorded_once(record):
    """Optuna does not like it."""

    def objective(trial):
        trial.study.tell(trial, 3.0)
        return 4.0

    with pytest.raises(ValueError, match="Cannot tell a COMPLETE trial"):
        optimize(objective)
    (run,) = trial_runs(record)
    assert run.metrics == {"value": [3.0]}
    assert run.tags[STATE] == "COMPLETE"


def test_attributes_of_any_kind_do_no_harm(record):
    """Long ones are kept as files, odd ones by their text; what a sampler keeps for itself is shortened."""

    def objective(trial):
        trial.set_user_attr("long", "x" * 100_000)
        trial.set_user_attr("odd", {"set": {1}, "for": timedelta(1)})
        trial.storage.set_trial_system_attr(trial._trial_id, "sampler", "y" * 100_000)
        return 1.0

    with said() as lines:
        optimize(objective)
    assert lines == []
    study, run = record.runs
    assert run.tags["user_attrs_odd"] == "{'set': {1}, 'for': datetime.timedelta(days=1)}"
    assert run.artifacts
    assert len(study.file("trials.json").read_bytes()) < 110_000


def test_storages_that_are_files_are_recorded_alike(record, tmp_path):
    """A study that is loaded again goes on in a run of its own."""
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    for _ in range(2):
        study = optuna.create_study(study_name="kept", storage=storage, load_if_exists=True)
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    names = [run.name for run in record.runs]
    assert names == ["kept", "trial 0", "trial 1", "kept", "trial 2", "trial 3"]
    assert record.runs[3].metrics["best_value"] == [study.best_value]


def test_the_record_is_on_disk_as_it_is_in_memory(store):
    """Read back from the journal's files."""
    autotrack.autolog()
    optimize(lambda trial: trial.suggest_float("x", 0, 1), 3)
    current.close_all(None)
    runs = recorded(store)
    assert sorted(run.name for run in runs) == ["study", "trial 0", "trial 1", "trial 2"]
    assert all(run.damage == [] and run.status == "FINISHED" for run in runs)
