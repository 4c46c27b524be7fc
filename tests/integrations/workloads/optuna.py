"""Programs that use Optuna: studies of one and of several objectives, and trials asked for by hand."""

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
ERROR = ValueError("mine")


def objective(trial):
    x = trial.suggest_float("x", -2, 2)
    kind = trial.suggest_categorical("kind", ["square", "cube"])
    for step in range(trial.suggest_int("steps", 2, 4)):
        trial.report(abs(x) / (step + 1), step)
        if trial.should_prune():
            raise optuna.TrialPruned
    trial.set_user_attr("sign", x > 0)
    return x**2 if kind == "square" else abs(x**3)


def both(trial):
    x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
    return x + y, x - y


def study(**options):
    return optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=3, n_startup_trials=3), pruner=optuna.pruners.MedianPruner(2), **options
    )


def workload():
    one, heard = study(), []
    one.optimize(objective, n_trials=6, callbacks=[lambda _, trial: heard.append((trial.number, trial.state.name))])
    two = study(directions=["minimize", "maximize"])
    two.optimize(both, 4)
    asked = study(direction="maximize")
    for _ in range(3):
        trial = asked.ask()
        asked.tell(trial, trial.suggest_float("x", 0, 1))
    asked.tell(asked.ask({"x": optuna.distributions.FloatDistribution(0, 1)}), state=optuna.trial.TrialState.PRUNED)
    return [
        heard,
        *(
            (trial.number, trial.state.name, trial.values, trial.params, trial.user_attrs, trial.intermediate_values)
            for made in (one, two, asked)
            for trial in made.trials
        ),
    ]


def failing_workload():
    def fail(study, trial):
        if trial.number == 2:
            raise ERROR

    study().optimize(objective, n_trials=4, callbacks=[fail])


def fitted():
    made = study()
    made.optimize(objective, n_trials=4)
    return made.sampler
