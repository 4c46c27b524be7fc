"""What a trained booster tells about itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def named(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters with functions by their names: where in memory one lies says nothing."""
    return {key: _name(value) if callable(value) else value for key, value in params.items()}


def _name(function: Any) -> str:
    inner = getattr(function, "func", function)  # LightGBM's wrapper around an estimator's objective
    return str(getattr(inner, "__qualname__", type(inner).__name__))


def chosen(booster: Any, given: Mapping[str, Any], callbacks: Iterable[Any]) -> dict[str, Any]:
    """What LightGBM chose for the parameters that are not ``given``, or given as ``None``, under LightGBM's own names.
    None of its many names for a parameter comes beside one that the program gave a value under."""
    found: dict[str, Any] = dict(filled_in(booster))
    patience = [getattr(callback, "stopping_rounds", None) for callback in callbacks]
    if stopping := [rounds for rounds in patience if isinstance(rounds, int)]:
        found["early_stopping_round"] = stopping[0]  # which the parameters do not know when a callback does it
    return {
        name: value
        for name, value in found.items()
        if name not in given and all(given.get(key) is None for key in aliases(name))
    }


def aliases(name: str) -> set[str]:
    """The names under which LightGBM takes a parameter, its own first name given."""
    from lightgbm import basic  # the framework, which has trained

    known = getattr(basic, "_ConfigAliases", None)  # its list is its own affair; without it there is a key more
    return {name} if known is None else known.get(name) | {name}


def filled_in(booster: Any) -> dict[str, str]:
    """The parameters that were in force, under LightGBM's own names, as the text of every model ends with them."""
    boosters = getattr(booster, "boosters", None)  # of `cv`, one a fold
    text: str = (boosters[0] if isinstance(boosters, list) else booster).model_to_string(num_iteration=1)
    lines = text[text.rindex("\nparameters:") :].splitlines()
    pairs = (line[1:-1].partition(": ") for line in lines if line.startswith("[") and line.endswith("]"))
    return {name: value for name, _, value in pairs if value}


def importances(booster: Any) -> Iterator[tuple[str, str]]:
    """``(kind, JSON)``: how often each feature was split on, and what that gained."""
    names = booster.feature_name()
    for kind in ("split", "gain"):
        values = booster.feature_importance(importance_type=kind).tolist()
        yield kind, json.dumps(dict(zip(names, values, strict=True)), indent=2)
