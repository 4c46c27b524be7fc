"""What was in force in a booster, as XGBoost tells it, and what a booster tells about itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from autotrack.models.signature import Schema

PREFIX = "config."
"""Before the name of a parameter that XGBoost filled in: under the bare name stands what the program gave."""

ALIASES = (
    ("learning_rate", "eta"),
    ("reg_lambda", "lambda"),
    ("reg_alpha", "alpha"),
    ("gamma", "min_split_loss"),
    ("nthread", "n_jobs"),
    ("seed", "random_state"),
    ("num_boost_round", "n_estimators"),
)
"""Names of one parameter, the one that it is recorded under first."""

_SAME = {name: names for names in ALIASES for name in names}
_INTERNAL = frozenset((
    "boost_from_average", "debug_synchronize", "disable_default_eval_metric", "fail_on_invalid_gpu_id",
    "max_cached_hist_node", "max_row_perbatch", "num_feature", "num_trees", "seed_per_iteration", "size_leaf_vector",
    "sparse_threshold", "specified_updater", "updater_seq", "validate_parameters",
))  # fmt: skip
_EMPTY = ("", "()", "[]", None)


class Config:
    """What ``Booster.save_config`` says, read."""

    def __init__(self, booster: Any) -> None:
        self._learner: dict[str, Any] = json.loads(booster.save_config())["learner"]

    def filled_in(self, given: Mapping[str, Any]) -> dict[str, str]:
        """The parameters that XGBoost chose because they are not ``given``, by their names after ``config.``."""
        found: dict[str, str] = {}
        chosen = {name for name, value in given.items() if value is not None}
        for name, value in self._leaves():
            names = _SAME.get(name, (name,))
            if value not in _EMPTY and name not in _INTERNAL and chosen.isdisjoint(names):
                found.setdefault(PREFIX + names[0], _short(value))
        return found

    @property
    def trees(self) -> int | None:
        """How many trees it has, of which a round may grow several; ``None`` of a linear model."""
        booster = self._learner["gradient_booster"]
        model = booster.get("gbtree", booster).get("gbtree_model_param", {})
        return int(model["num_trees"]) if "num_trees" in model else None

    @property
    def outputs(self) -> int:
        """How many numbers are predicted for a row."""
        model = self._learner["learner_model_param"]
        return max(1, int(model.get("num_class", 0)), int(model.get("num_target", 1)))

    @property
    def objective(self) -> str:
        """Its name."""
        return str(self._learner["objective"]["name"])

    @property
    def answer(self) -> Schema:
        """The form of what ``Booster.predict`` gives."""
        return tensor("float32", 1 if self.objective == "multi:softmax" else self.outputs)

    def _leaves(self) -> Iterator[tuple[str, Any]]:
        yield from _leaves(self._learner.get("learner_train_param", {}))
        metrics = [metric["name"] for metric in self._learner.get("metrics", ())]
        yield "eval_metric", metrics[0] if len(metrics) == 1 else str(metrics) if metrics else ""
        for part in ("gradient_booster", "objective", "learner_model_param", "generic_param"):
            yield from _leaves(self._learner.get(part, {}))


def _leaves(part: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in part.items():
        if isinstance(value, dict):
            yield from _leaves(value)
        elif name != "name" and not isinstance(value, list):
            yield name, value


def _short(text: Any) -> str:
    """XGBoost's numbers are float32, which it prints with nine digits: 0.3 as 0.300000012."""
    import numpy as np  # heavy, and loaded by XGBoost

    if not isinstance(text, str) or "." not in text:
        return str(text)
    try:
        return str(np.float32(text))
    except ValueError:
        return text


def tensor(dtype: str, width: int = 1) -> Schema:
    """The form of a prediction of so many numbers a row."""
    return [{"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": [-1] if width == 1 else [-1, width]}}]


def key_of(data: str, metric: str) -> str:
    """The name of a curve, as MLflow has it."""
    return f"{data}-{metric}".replace("@", "_at_")


def named(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters with functions and callbacks by their names: where in memory one lies says nothing."""
    return {
        key: [_name(item) for item in value] if isinstance(value, (list, tuple)) else _name(value)
        for key, value in params.items()
    }


def _name(value: Any) -> Any:
    if callable(value) or hasattr(value, "after_iteration"):
        return getattr(value, "__qualname__", type(value).__name__)
    return value


def importances(booster: Any, kinds: Sequence[str]) -> Iterator[tuple[str, str]]:
    """``(kind, JSON)`` of each kind of importance that there is; a linear model has but one, its coefficients."""
    linear = Config(booster).trees is None
    for kind in kinds:
        if kind == "weight" or not linear:
            yield kind, json.dumps(booster.get_score(importance_type=kind), indent=2)
