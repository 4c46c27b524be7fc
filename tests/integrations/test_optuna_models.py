"""What is trained in a trial is recorded in the trial's run, whichever framework and thread trains it."""

import optuna
import pytest
import torch
import xgboost
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

import autotrack

optuna.logging.set_verbosity(optuna.logging.ERROR)
DATA, TARGET = load_iris(return_X_y=True)
TRAIN = xgboost.DMatrix(DATA, TARGET)


def optimize(objective, trials=3, **options):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1), study_name="study")
    study.optimize(objective, n_trials=trials, **options)
    return study


def family(record):
    """`(name, name of the parent)` of every run, in an order that threads do not change."""
    names = {run.run_id: run.name for run in record.runs}
    return sorted((run.name, names.get(run.parent, "")) for run in record.runs)


def trials_of(record):
    return sorted((run for run in record.runs if run.name.startswith("trial")), key=lambda run: run.name)


def tree(trial):
    model = DecisionTreeClassifier(max_depth=trial.suggest_int("max_depth", 1, 4), random_state=0)
    return model.fit(DATA, TARGET).score(DATA, TARGET)


def boosting(trial):
    params = {"objective": "multi:softprob", "num_class": 3, "max_depth": trial.suggest_int("max_depth", 1, 4)}
    found = {}
    xgboost.train(params, TRAIN, 3, evals=[(TRAIN, "train")], evals_result=found, verbose_eval=False)
    return found["train"]["mlogloss"][-1]


def network(trial):
    torch.manual_seed(0)
    model = torch.nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=trial.suggest_float("lr", 0.01, 0.1))
    x, y = torch.tensor(DATA, dtype=torch.float32), torch.tensor(TARGET)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=50)
    for epoch in range(2):
        for features, target in loader:
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(features), target)
            loss.backward()
            optimizer.step()
        trial.report(loss.item(), epoch)
    return loss.item()


@pytest.mark.parametrize("n_jobs", [1, 3])
@pytest.mark.parametrize(
    ("objective", "trained"),
    [
        (tree, {"training_accuracy_score", "fit_time"}),
        (boosting, {"train-mlogloss", "fit_time"}),
        (network, {"train/loss", "intermediate_value"}),
    ],
)
def test_a_model_is_recorded_in_the_run_of_its_trial(record, objective, trained, n_jobs):
    """Its parameters, metrics and the model itself, beside the trial's own; one run each and no more."""
    study = optimize(objective, n_jobs=n_jobs)
    record.finish()
    assert family(record) == [("study", ""), *((f"trial {number}", "study") for number in range(3))]
    for run, trial in zip(trials_of(record), study.trials, strict=True):
        assert run.status == "FINISHED"
        assert run.metrics["value"] == [trial.value]
        assert trained <= set(run.metrics)
        assert (
            trial.params.items()
            <= {name: type(trial.params.get(name))(run.params[name]) for name in trial.params}.items()
        )
        assert len(run.models) == 1
        assert len(run.params) > len(trial.params)


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_a_second_model_has_a_run_below_its_trial(record, n_jobs):
    """The two do not mix, nor those of trials at the same time."""

    def objective(trial):
        tree(trial)
        LogisticRegression(C=trial.number + 1.0, max_iter=500).fit(DATA, TARGET)
        return boosting(trial)

    optimize(objective, n_jobs=n_jobs)
    expected = [("study", "")]
    for number in range(3):
        mine = f"trial {number}"
        expected += [(mine, "study"), ("LogisticRegression", mine), ("XGBoost multi:softprob", mine)]
    assert family(record) == sorted(expected)
    trials = {run.run_id: run for run in trials_of(record)}
    for run in record.runs:
        if run.name == "LogisticRegression":
            assert float(run.params["C"]) == int(trials[run.parent].name.split()[1]) + 1


def test_a_search_in_a_trial_is_one_run_with_its_workers(record):
    """What its workers fit belongs to it."""

    def objective(trial):
        weights = trial.suggest_categorical("weights", ["uniform"])
        search = GridSearchCV(KNeighborsClassifier(weights=weights), {"n_neighbors": [1, 3]}, cv=2, n_jobs=2)
        return search.fit(DATA, TARGET).best_score_

    optimize(objective, 2)
    assert [run.name for run in record.runs if run.parent is None] == ["study"]
    trials = trials_of(record)
    assert all("best_n_neighbors" in run.params for run in trials)
    assert all([model.name for model in run.models] == ["model", "best_estimator"] for run in trials)


def test_a_trials_own_parameters_come_first(record):
    """A model's parameter of the same name does not hide what was suggested."""

    def objective(trial):
        exponent = trial.suggest_float("C", -2, 0)
        return LogisticRegression(C=10**exponent, max_iter=500).fit(DATA, TARGET).score(DATA, TARGET)

    study = optimize(objective, 1)
    assert trials_of(record)[0].params["C"] == str(study.best_params["C"])


def test_a_model_of_a_trial_that_fails_or_is_pruned_is_there(record):
    """The run ends as the trial does."""

    def objective(trial):
        tree(trial)
        if trial.number:
            raise optuna.TrialPruned
        raise ValueError("mine")

    optimize(objective, 2, catch=ValueError)
    failed, pruned = trials_of(record)
    assert (failed.status, pruned.status) == ("FAILED", "FINISHED")
    assert len(failed.models) == len(pruned.models) == 1


def test_a_model_that_fails_fails_with_its_trial(record):
    """A fit that raises in a trial that goes on leaves it as it ends."""

    def objective(trial):
        try:
            LogisticRegression(C=-1).fit(DATA, TARGET)
        except ValueError:
            return tree(trial)

    optimize(objective, 1)
    (run,) = trials_of(record)
    assert (run.status, run.tags["autotrack.optuna.state"]) == ("FINISHED", "COMPLETE")


def test_what_a_callback_trains_is_below_the_study(record):
    """The best model, fitted anew after each trial, say."""

    def refit(study, trial):
        LogisticRegression(max_iter=500).fit(DATA, TARGET)

    optimize(tree, 2, callbacks=[refit])
    assert family(record).count(("LogisticRegression", "study")) == 2
    assert "C" not in record.runs[0].params


def test_what_is_trained_after_the_study_is_a_run_of_its_own(record):
    """The study is over."""
    optimize(tree, 1)
    LogisticRegression(max_iter=500).fit(DATA, TARGET)
    assert ("LogisticRegression", "") in family(record)


def test_what_the_program_logs_in_an_objective_is_the_trials(record):
    """Also in a run that it opens there."""

    def objective(trial):
        autotrack.log_param("mine", trial.number)
        with autotrack.start_run(run_name="nested", nested=True):
            return tree(trial)

    optimize(objective, 2, n_jobs=2)
    trials = trials_of(record)
    assert sorted(run.params["mine"] for run in trials) == ["0", "1"]
    nested = [run for run in record.runs if run.name == "nested"]
    assert {run.parent for run in nested} == {run.run_id for run in trials}
    assert all("training_accuracy_score" in run.metrics for run in nested)


def test_without_the_studys_integration_models_are_runs_of_their_own(record):
    """As ever."""
    autotrack.optuna.autolog(disable=True)
    optimize(tree, 2)
    assert family(record) == [("DecisionTreeClassifier", "")] * 2
