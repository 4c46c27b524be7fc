"""What of a study is recorded in its own run, and that the study cannot tell."""

import gc
import json
import math
import time
import weakref
from functools import partial

import optuna
import pytest

import autotrack
from autotrack.testing import said

optuna.logging.set_verbosity(optuna.logging.ERROR)
ERROR = ValueError("mine")


def parabola(trial):
    return trial.suggest_float("x", -4, 4) ** 2


def made(**options):
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1), **options)


def family(record):
    """`(the study's run, the runs of its trials)` of a single study."""
    study, *trials = record.runs
    assert {trial.parent for trial in trials} <= {study.run_id}
    return study, trials


def table(run):
    """The rows of the table, as dictionaries."""
    found = json.loads(run.file("trials.json").read_text())
    return [dict(zip(found["columns"], row, strict=True)) for row in found["data"]]


def test_a_study_is_a_run_and_each_trial_one_below_it(record):
    """In the order in which they ran, named by their numbers."""
    made().optimize(parabola, n_trials=3)
    study, trials = family(record)
    assert [run.name for run in record.runs] == ["parabola", "trial 0", "trial 1", "trial 2"]
    assert {run.status for run in record.runs} == {"FINISHED"}
    assert {run.tags["mlflow.autologging"] for run in record.runs} == {"optuna"}
    assert {run.tags.get("mlflow.parentRunId") for run in trials} == {study.run_id}


def test_how_the_search_is_set_up_is_recorded(record):
    """What was asked for, and sampler and pruner with their settings."""
    study = optuna.create_study(
        study_name="forest", direction="maximize", sampler=optuna.samplers.TPESampler(n_startup_trials=4),
        pruner=optuna.pruners.MedianPruner(3, n_warmup_steps=2),
    )  # fmt: skip
    study.optimize(parabola, 2, timeout=100)
    run = record.runs[0]
    expected = {
        "study_name": "forest", "direction": "maximize", "n_trials": "2", "timeout": "100", "n_jobs": "1",
        "sampler": "TPESampler", "sampler_n_startup_trials": "4", "pruner": "MedianPruner",
        "pruner_n_startup_trials": "3", "pruner_n_warmup_steps": "2",
    }  # fmt: skip
    assert expected.items() <= run.params.items()
    assert run.tags["autotrack.optuna.study"] == run.name == "forest"


def test_the_best_trial_is_on_the_studys_run(record):
    """Its value, its parameters and which it is, as Optuna says."""
    study = made()
    study.optimize(parabola, n_trials=5)
    run, trials = family(record)
    best = study.best_trial
    assert run.metrics["best_value"] == [best.value]
    assert run.params["best_x"] == str(best.params["x"])
    assert run.tags["autotrack.optuna.best_trial"] == str(best.number)
    assert run.tags["autotrack.optuna.best_run_id"] == trials[best.number].run_id


def test_values_are_a_curve_by_trial(record):
    """A point as each trial completes; those that do not complete have none."""

    def objective(trial):
        if trial.number == 1:
            raise optuna.TrialPruned
        if trial.number == 2:
            raise ERROR
        return parabola(trial)

    study = made()
    study.optimize(objective, n_trials=5, catch=ValueError)
    run, _ = family(record)
    assert run.metrics["trial_value"] == [trial.value for trial in study.trials if trial.value is not None]
    assert run.steps["trial_value"] == [0, 3, 4]
    counts = {name: run.metrics[f"trials_{name}"] for name in ("complete", "pruned", "failed")}
    assert counts == {"complete": [3], "pruned": [1], "failed": [1]}


def test_the_table_holds_what_optunas_data_frame_holds(record):
    """Under the same names; and intermediate values, and which run is whose."""

    def objective(trial):
        trial.report(math.nan, 0)
        trial.report(math.inf, 1)
        trial.set_user_attr("note", {"of": [1, 2.5]})
        trial.suggest_categorical("kind", ["a", None, True])
        if trial.number == 2:
            raise optuna.TrialPruned
        return parabola(trial)

    study = made()
    study.optimize(objective, n_trials=4)
    run, trials = family(record)
    rows, frame = table(run), study.trials_dataframe()
    assert set(rows[0]) == {*frame.columns, "intermediate_values", "run_id"}
    for row, trial, own in zip(rows, study.trials, trials, strict=True):
        assert row["number"] == trial.number
        assert row["state"] == trial.state.name
        assert row["value"] == (trial.value if math.isfinite(trial.value) else "Infinity")
        assert row["params_kind"] == trial.params["kind"]
        assert row["params_x"] == trial.params.get("x")
        assert row["user_attrs_note"] == {"of": [1, 2.5]}
        assert row["datetime_start"] == trial.datetime_start.isoformat()
        assert row["datetime_complete"] == trial.datetime_complete.isoformat()
        assert row["duration"] == trial.duration.total_seconds()
        assert row["intermediate_values"] == {"0": "NaN", "1": "Infinity"}
        assert row["run_id"] == own.run_id


def test_the_search_space_is_a_file(record):
    """Each parameter's distribution, or each that it had."""

    def objective(trial):
        trial.suggest_int("depth", 1, 8, log=True)
        return trial.suggest_float("x", 0, 1 + trial.number)

    made().optimize(objective, n_trials=2)
    space = json.loads(record.runs[0].file("search_space.json").read_text())
    assert space["depth"]["name"] == "IntDistribution"
    assert space["depth"]["attributes"] == {"low": 1, "high": 8, "log": True, "step": 1}
    assert [one["attributes"]["high"] for one in space["x"]] == [1.0, 2.0]


def test_several_objectives_have_a_curve_each(record):
    """No trial is the best; the front is named."""

    def objective(trial):
        x = trial.suggest_float("x", 0, 1)
        return x, 1 - x if trial.number else 2 * x + 1

    study = made(directions=["minimize", "maximize"])
    study.optimize(objective, n_trials=4)
    run, trials = family(record)
    assert run.params["directions"] == "['minimize', 'maximize']"
    for place in (0, 1):
        assert run.metrics[f"trial_value_{place}"] == [trial.values[place] for trial in study.trials]
        assert [one.metrics[f"value_{place}"] for one in trials] == [[trial.values[place]] for trial in study.trials]
        assert [row[f"value_{place}"] for row in table(run)] == [trial.values[place] for trial in study.trials]
    front = ", ".join(str(trial.number) for trial in sorted(study.best_trials, key=lambda trial: trial.number))
    assert run.tags["autotrack.optuna.best_trials"] == front
    assert "best_value" not in run.metrics


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_objectives_have_the_names_that_the_study_gives_them(record):
    """As in Optuna's data frame."""
    study = made(directions=["minimize", "maximize"])
    study.set_metric_names(["loss", "accuracy"])
    study.optimize(lambda trial: (parabola(trial), 1), n_trials=2)
    run, trials = family(record)
    assert set(trials[0].metrics) == {"value_loss", "value_accuracy"}
    assert run.params["metric_names"] == "['loss', 'accuracy']"


class Objective:
    """One that is an object."""

    def __call__(self, trial):
        return parabola(trial)

    def method(self, trial):
        return parabola(trial)


@pytest.mark.parametrize(
    ("objective", "name"),
    [
        (parabola, "parabola"),
        (Objective(), "Objective"),
        (Objective().method, "method"),
        (partial(parabola), "parabola"),
        (lambda trial: parabola(trial), "study"),  # noqa: PLW0108 - that it is one is what is tested
    ],
)
def test_a_study_without_a_name_is_called_after_its_objective(record, objective, name):
    """Whatever can be called is one."""
    made().optimize(objective, n_trials=1)
    assert [run.name for run in record.runs] == [name, "trial 0"]
    assert len(record.runs[0].metrics["trial_value"]) == 1


def test_the_programs_run_is_the_studys(record):
    """Its trials are below it; it goes on afterwards."""
    with autotrack.start_run(run_name="mine"):
        made().optimize(parabola, n_trials=2)
        autotrack.log_metric("after", 1)
    run, trials = family(record)
    assert (run.name, run.status) == ("mine", "FINISHED")
    assert run.metrics["after"] == [1]
    assert "best_x" in run.params
    assert len(trials) == 2


def test_a_second_study_in_the_programs_run_has_a_run_below(record):
    """Two do not mix."""
    with autotrack.start_run(run_name="mine"):
        made().optimize(parabola, n_trials=1)
        made(study_name="second").optimize(parabola, n_trials=1)
    mine, _, second, trial = record.runs
    assert (second.name, second.parent, trial.parent) == ("second", mine.run_id, second.run_id)


def test_a_second_optimize_is_a_second_run(record):
    """With its own trials, numbered on; the best is that of the study."""
    study = made()
    study.enqueue_trial({"x": 0.0})
    study.optimize(parabola, n_trials=2)
    study.optimize(parabola, n_trials=2)
    first, _, _, second, *trials = record.runs
    assert [run.name for run in trials] == ["trial 2", "trial 3"]
    assert {run.parent for run in trials} == {second.run_id}
    assert [row["number"] for row in table(first)] == [0, 1]
    assert [row["number"] for row in table(second)] == [2, 3]
    assert second.metrics["best_value"] == [0.0]
    assert second.tags["autotrack.optuna.best_trial"] == "0"
    assert "autotrack.optuna.best_run_id" not in second.tags


def test_trials_that_were_there_before_make_no_runs(record):
    """Nobody saw them run."""
    study = made()
    space = {"x": optuna.distributions.FloatDistribution(-4, 4)}
    study.add_trial(optuna.create_trial(params={"x": 1.0}, distributions=space, value=1.0))
    study.optimize(parabola, n_trials=1)
    assert [run.name for run in record.runs] == ["parabola", "trial 1"]


def test_a_study_of_no_trials_has_no_best(record):
    """Nor a reason to warn."""
    with said() as lines:
        made().optimize(parabola, n_trials=0)
        made().optimize(lambda trial: trial.suggest_categorical("nothing", [None]), n_trials=1)
    assert lines == []
    assert not any(name.startswith("best") for run in record.runs for name in (*run.metrics, *run.params))


@pytest.mark.skipif(not hasattr(optuna.Trial, "set_constraint"), reason="Optuna 5")
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_the_best_trial_keeps_to_the_constraints(record):
    """As Optuna says."""

    def objective(trial):
        trial.set_constraint("few", -trial.number)
        trial.set_constraint("large", 1 - trial.number)
        return trial.number

    made().optimize(objective, n_trials=3)
    assert record.runs[0].tags["autotrack.optuna.best_trial"] == "1"


def stack(error):
    """The functions that a traceback leads through."""
    found, trace = [], error.__traceback__
    while trace is not None:
        found.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    return found


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_what_an_objective_raises_arrives_as_it_is(record, n_jobs):
    """The same object, no frame of ours; trial and study have failed, and what is known is recorded."""

    def objective(trial):
        x = parabola(trial)
        if trial.number == 2:
            raise ERROR
        return x

    def caught():
        ERROR.__traceback__ = None
        with pytest.raises(ValueError, match="mine") as found:
            made().optimize(objective, n_trials=40, n_jobs=n_jobs)  # of the last threads Optuna does not hear
        assert found.value is ERROR
        return ERROR.__context__, ERROR.__cause__, stack(ERROR)

    recorded = caught()
    run = record.runs[0]
    autotrack.optuna.INTEGRATION.disable()
    assert caught() == recorded
    trials = {trial.name: trial for trial in record.runs[1:]}
    assert run.status == trials["trial 2"].status == "FAILED"
    assert "ValueError: mine" in run.error
    assert "ValueError: mine" in trials["trial 2"].error
    assert trials["trial 2"].tags["autotrack.optuna.state"] == "FAIL"
    assert {trial.status for name, trial in trials.items() if name != "trial 2"} == {"FINISHED"}
    assert len(run.metrics["best_value"]) == 1
    rows = {row["number"]: row for row in table(run)}
    assert (rows[2]["state"], rows[2]["run_id"]) == ("FAIL", trials["trial 2"].run_id)
    assert len(rows) == len(trials)


def test_ctrl_c_kills_trial_and_study(record):
    """What was found before it is there."""

    def objective(trial):
        if trial.number == 2:
            raise KeyboardInterrupt
        return parabola(trial)

    study = made()
    with pytest.raises(KeyboardInterrupt):
        study.optimize(objective, n_trials=9)
    run, trials = family(record)
    assert [trial.status for trial in trials] == ["FINISHED", "FINISHED", "KILLED"]
    assert run.status == "KILLED"
    assert run.metrics["best_value"] == [study.best_value]
    assert [row["state"] for row in table(run)] == ["COMPLETE", "COMPLETE", "FAIL"]


def test_an_exit_leaves_the_trial_in_the_state_that_it_has(record):
    """Optuna does not hear of it: for Optuna the trial is still running."""

    def objective(trial):
        trial.suggest_float("x", 0, 1)
        raise SystemExit(3)

    study = made()
    with pytest.raises(SystemExit):
        study.optimize(objective, n_trials=1)
    run, (trial,) = family(record)
    assert (run.status, trial.status) == ("FAILED", "FAILED")
    assert "autotrack.optuna.state" not in trial.tags
    assert table(run)[0]["state"] == study.trials[0].state.name == "RUNNING"


def test_callbacks_are_the_users(record):
    """Called as often and with the same as ever; a list stays as it is, an iterator is taken as Optuna takes it."""

    def optimize(callbacks, heard):
        made().optimize(parabola, n_trials=3, callbacks=callbacks)
        return heard

    def run(kind):
        heard = []
        callbacks = kind([lambda study, trial: heard.append((type(study), type(trial), trial.number, trial.state))])
        optimize(callbacks, heard)
        return heard, len(callbacks) if kind is list else None

    recorded = [run(list), run(iter)]
    autotrack.optuna.INTEGRATION.disable()
    assert [run(list), run(iter)] == recorded
    assert [len(heard) for heard, _ in recorded] == [3, 1]


def test_what_a_callback_raises_leaves_the_trial_as_it_ended(record):
    """The study has failed, the trial has not."""

    def fail(study, trial):
        raise ERROR

    with pytest.raises(ValueError, match="mine"):
        made().optimize(parabola, n_trials=2, callbacks=[fail])
    run, (trial,) = family(record)
    assert (run.status, trial.status) == ("FAILED", "FINISHED")


@pytest.mark.parametrize("wrong", [{"func": None}, {"func": parabola, "callbacks": 3}])
def test_wrong_arguments_fail_as_they_do(record, wrong):
    """With Optuna's or Python's own words, from the same places."""

    def caught():
        with pytest.raises(TypeError) as found:
            made().optimize(**{"n_trials": 1, **wrong})
        return str(found.value), stack(found.value)

    recorded = caught()
    autotrack.optuna.INTEGRATION.disable()
    assert caught() == recorded


@pytest.mark.parametrize("n_jobs", [2, 8, -1])
def test_threads_give_the_same_record(record, n_jobs):
    """Each value in the right run, whichever thread ran the trial."""

    def objective(trial):
        for step in range(5):
            time.sleep(0.001)
            trial.report(trial.number + step / 10, step)
        autotrack.log_metric("mine", trial.number)
        trial.suggest_int("number", trial.number, trial.number)
        return float(trial.number)

    study = made()
    study.optimize(objective, n_trials=24, n_jobs=n_jobs)
    run, trials = family(record)
    assert len(trials) == 24
    for trial in trials:
        number = int(trial.name.removeprefix("trial "))
        assert trial.params == {"number": str(number)}
        assert trial.metrics["intermediate_value"] == [number + step / 10 for step in range(5)]
        assert trial.metrics["value"] == trial.metrics["mine"] == [number]
        assert trial.status == "FINISHED"
    assert [row["number"] for row in table(run)] == list(range(24))
    assert sorted(run.steps["trial_value"]) == list(range(24))


def test_each_trial_takes_as_many_writes_as_any_other(record):
    """However many there have been, in its run and in the study's."""

    def objective(trial):
        trial.report(1.0, 0)
        return parabola(trial)

    made().optimize(objective, n_trials=60)
    study, *trials = record.sink.streams.values()
    assert {len(stream.facts) for stream in trials} == {len(trials[0].facts)}
    assert len(trials[0].facts) <= 8
    ends = {len(stream.facts) for stream in (study,)}
    made().optimize(objective, n_trials=10)
    other = list(record.sink.streams.values())[61]
    assert ends == {len(other.facts) + 50}


def test_optunas_storage_is_asked_no_more_often_for_more_trials(record, monkeypatch):
    """All trials at once are asked for at the end, if at all: recording stays linear."""
    asked = []
    real = optuna.storages.InMemoryStorage.get_all_trials

    def count(storage, study_id, deepcopy=True, states=None):
        asked.append(states)
        return real(storage, study_id, deepcopy=deepcopy, states=states)

    monkeypatch.setattr(optuna.storages.InMemoryStorage, "get_all_trials", count)

    def calls(trials):
        asked.clear()
        made().optimize(parabola, n_trials=trials)
        return len(asked)

    recorded = [calls(5), calls(50)]
    autotrack.optuna.INTEGRATION.disable()
    plain = [calls(5), calls(50)]
    assert recorded[0] - plain[0] == recorded[1] - plain[1] <= 1


@pytest.mark.parametrize("fails", [False, True])
def test_studies_and_trials_are_let_go(record, fails):
    """Once the program has no use for them, also after a failure."""
    watched = []

    def objective(trial):
        watched.append(weakref.ref(trial))
        if fails and trial.number == 2:
            raise ERROR
        return parabola(trial)

    def program():
        study = made()
        watched.append(weakref.ref(study))
        try:
            study.optimize(objective, n_trials=3)
        except ValueError:
            ERROR.__traceback__ = None
        asked = made()
        watched.append(weakref.ref(asked))
        asked.tell(asked.ask(), 1.0)

    program()
    gc.collect()
    assert [one() for one in watched if one() is not None] == []


def test_a_study_within_a_trial_is_the_trials(record):
    """The inner study's trials are below the outer trial."""

    def outer(trial):
        scale = trial.suggest_float("scale", 1, 2)
        inner = made(study_name="inner")
        inner.optimize(lambda deep: scale * parabola(deep), n_trials=2)
        return inner.best_value

    made().optimize(outer, n_trials=2)
    names = {run.run_id: run.name for run in record.runs}
    parents = [(run.name, names.get(run.parent)) for run in record.runs]
    one = [("trial 0", "outer"), ("trial 0", "trial 0"), ("trial 1", "trial 0")]
    two = [("trial 1", "outer"), ("trial 0", "trial 1"), ("trial 1", "trial 1")]
    assert parents == [("outer", None), *one, *two]
    trial = record.runs[1]
    assert trial.params["sampler"] == "RandomSampler"
    assert trial.metrics["value"] == trial.metrics["best_value"]


def test_exclusive_leaves_the_programs_own_run_alone(record):
    """With the option, a study inside it is not recorded."""
    autotrack.optuna.autolog(exclusive=True)
    with autotrack.start_run(run_name="mine"):
        made().optimize(parabola, n_trials=2)
    assert record.run.params == {}
    made().optimize(parabola, n_trials=2)
    assert len(record.runs) == 4


def test_optuna_prints_what_it_prints(record, caplog):
    """Its log tells the same, the traceback of a failed trial included."""

    def objective(trial):
        if trial.number:
            raise ERROR
        return parabola(trial)

    def log():
        ERROR.__traceback__ = None
        caplog.clear()
        made(study_name="mine").optimize(objective, n_trials=2, catch=ValueError)
        return [(entry.levelname, entry.getMessage(), str(entry.exc_text)) for entry in caplog.records]

    optuna.logging.set_verbosity(optuna.logging.INFO)
    optuna.logging.enable_propagation()
    try:
        recorded = log()
        autotrack.optuna.INTEGRATION.disable()
        assert log() == recorded
    finally:
        optuna.logging.disable_propagation()
        optuna.logging.set_verbosity(optuna.logging.ERROR)
    assert len(recorded) >= 3
