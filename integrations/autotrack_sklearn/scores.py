"""What the program scores after the training, recorded with the run that trained the model.

``model.score``, every scorer and every function of ``sklearn.metrics`` that returns one number: as
``<metric>_<data>`` (``accuracy_score_X_test``; ``accuracy_score-2_X_test`` when it is computed again), under MLflow's
names, with the very value that was returned. ``<data>`` is the variable that the prediction was made from. How each was
computed is in ``metric_info.json``: ``"f1_score(y_true=y_test, y_pred=labels, average='macro')"``.

What scikit-learn computes for itself is not recorded, nor what has nothing to do with a recorded model. If the
predictions of two models are alike, so that it cannot be told whose is scored, the score is no metric of either; it is
in ``undecided_scores.json`` of both.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from types import FrameType
from typing import Any

from autotrack.hooks import Run, inside, variable
from autotrack_sklearn import datasets, trained
from autotrack_sklearn.integration import INTEGRATION, SklearnOptions
from autotrack_sklearn.names import UNKNOWN, caller
from autotrack_sklearn.trained import MOST_CALLS, Trained

SCORERS = "sklearn.metrics._scorer"
FAMILIES = ("sklearn.base:BaseEstimator", "catboost.core:CatBoost")
"""The base classes of models whose answers are scored: scikit-learn's, and CatBoost's, which derive from none of them.
Whichever integration has recorded the training, the score goes to its run."""
ANSWERING = ("predict", "predict_proba", "predict_log_proba", "decision_function", "transform")
"""The methods by which a model answers."""
TRUTHS = ("y_true", "labels_true", "sample_weight")
MOST_EVALUATED = 10
"""Data sets that are recorded as what a run's model was evaluated on."""
MOST_UNDECIDED = 100
TEXT = 32

_answers: Any = None


def start() -> Callable[[], None]:
    """Recording begins; when it ends, what was remembered is forgotten."""

    def forget() -> None:
        global _answers
        _answers = None

    return forget


def predicted(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
    """Remember what a recorded model has answered."""
    owner = trained.of(model)
    if owner is None or inside.get() is not None or not (options := _options()).log_post_training_metrics:
        return
    frame = caller()
    if frame is None:
        return
    given = _first(args, kwargs)
    name = owner.name(given, frame)
    answers().add(owner, name, model, given, result)
    if options.log_datasets:
        _evaluated(owner, given, None, name)


def scored(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
    """Record ``model.score``."""
    owner = trained.of(model)
    if owner is None or inside.get() is not None or not (options := _options()).log_post_training_metrics:
        return
    frame = caller(SCORERS)
    if frame is None or not _is_number(result):
        return
    given = _first(args, kwargs)
    name = owner.name(given, frame)
    digest = (
        _evaluated(owner, given, args[1] if len(args) > 1 else kwargs.get("y"), name) if options.log_datasets else None
    )
    title = type(model).__name__
    names = _parameters(type(model).score)[1:]
    _record(owner, f"{title}_score", result, name, _command(f"{title}.score", names, args, kwargs, frame), digest)


def scorer_called(scorer: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
    """Record what a scorer makes of a recorded model: its function's value and, if it has another sign, its own."""
    if len(args) < 3 or inside.get() is not None or (owner := trained.of(args[1])) is None:
        return
    options = _options()
    frame = caller(SCORERS)
    if frame is None or not options.log_post_training_metrics or not _is_number(result):
        return
    given = args[2]
    name = owner.name(given, frame)
    digest = _evaluated(owner, given, args[3] if len(args) > 3 else None, name) if options.log_datasets else None
    metric = scorer._score_func.__name__
    command = _command(f"{scorer!r}", ("estimator", "X", "y_true"), args[1:], kwargs, frame)
    if scorer._sign < 0:
        _record(owner, metric, -result, name, f"-{command}", digest)
        metric = f"neg_{metric}"
    _record(owner, metric, result, name, command, digest)


def measured(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
    """Record a function of ``sklearn.metrics`` if a recorded model's answer is among what it was given."""
    if not _answers or inside.get() is not None or not _is_number(result):
        return
    frame = caller()
    if frame is None or not _options().log_post_training_metrics:
        return
    likely = [*args[1:], *(value for name, value in kwargs.items() if name not in TRUTHS)]
    found = _answers.whose((*args, *kwargs.values()), likely)
    if not found:
        return
    name = function.__name__
    command = _command(name, _parameters(function), args, kwargs, frame)
    if len(found) > 1:
        _undecided(found, name, result, command)
        return
    match = found[0]
    stated = f"{command}  # {match.how}" if match.how else command
    _record(match.owner, name, result, match.dataset, stated, match.owner.evaluated.get(match.dataset))


def follow(model: Any, run: Run, given: Any, result: Any) -> None:
    """From now on what the model answers is recorded with the run, and so is how good the clusters are that it found
    in its training data. Called from within the fit."""
    owner = trained.remember(model, run)
    found = [result, getattr(model, "labels_", None)]
    labels = [labels for labels in found if hasattr(labels, "shape")]
    if labels and _options().log_post_training_metrics:
        name = owner.name(given, caller())
        for one in labels:
            answers().add(owner, name, model, given, one)


def answers() -> Any:
    """The answers of this process."""
    global _answers
    if _answers is None:
        from autotrack_sklearn.predictions import Answers  # numpy: only once a model has answered

        _answers = Answers()
    return _answers


def _options() -> SklearnOptions:
    options = INTEGRATION.options
    assert isinstance(options, SklearnOptions)
    return options


def _first(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return args[0] if args else next(iter(kwargs.values()), None)


def _is_number(value: Any) -> bool:
    """As MLflow has it: no truth value, no array."""
    kind = type(value)
    if kind is float or kind is int:
        return True
    return kind.__module__ == "numpy" and not getattr(value, "shape", True) and value.dtype.kind in "fiu"


def _parameters(function: Any) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


def _command(name: str, names: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any], frame: FrameType) -> str:
    given = [*zip(names, args, strict=False), *kwargs.items()]
    return f"{name}({', '.join(f'{parameter}={_argument(value, frame)}' for parameter, value in given)})"


def _argument(value: Any, frame: FrameType) -> str:
    if isinstance(value, str):
        return repr(value if len(value) <= TEXT else f"{value[:TEXT]}...")
    if value is None or isinstance(value, (bool, int, float)) or _is_number(value):
        return repr(value)
    return variable(frame, value, anywhere=True) or f"<{type(value).__name__}>"


def _evaluated(owner: Trained, given: Any, targets: Any, name: str) -> str | None:
    """Record what the model was evaluated on, once without and once with targets; the digest."""
    known = owner.evaluated.get(name)
    if known is not None and (targets is None or name in owner.with_targets):
        return known
    if len(owner.evaluated) >= MOST_EVALUATED and known is None:
        return None
    with INTEGRATION.attempt("evaluation data"):
        dataset = datasets.used(given, targets, name, datasets.EVAL)
        if dataset is None:
            return None
        owner.run.dataset(dataset)
        owner.evaluated[name] = dataset.digest
        if targets is not None:
            owner.with_targets.add(name)
        return dataset.digest
    return None


def _record(owner: Trained, metric: str, value: Any, dataset: str, command: str, digest: str | None) -> None:
    key = owner.key(metric, dataset)
    if key is None:
        INTEGRATION.warn(f"{metric} calls", f"of {metric} {MOST_CALLS} values are recorded of a model, and no more")
        return
    named = None if digest is None else ("dataset" if dataset.startswith(UNKNOWN) else dataset)
    owner.run.metric(key, value, owner.step, dataset=named, digest=digest)
    if owner.commands.get(key) != command:
        owner.commands[key] = command
        owner.run.text(json.dumps(dict(sorted(owner.commands.items())), indent=2), "metric_info.json")


def _undecided(found: list[Any], metric: str, value: Any, command: str) -> None:
    note = {
        "metric": metric,
        "value": value.item() if hasattr(value, "item") else value,
        "computed": command,
        "candidates": [
            {
                "run_id": match.owner.run.run_id,
                "run": match.owner.run.name,
                "model": match.owner.title,
                "dataset": match.dataset,
                "prediction": match.how or "itself",
            }
            for match in found
        ],
    }
    for match in found:
        if len(match.owner.undecided) < MOST_UNDECIDED:
            match.owner.undecided.append(note)
            match.owner.run.text(json.dumps(match.owner.undecided, indent=2), "undecided_scores.json")
