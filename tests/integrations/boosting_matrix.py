"""Many small trainings, each done unrecorded and recorded."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from autotrack.testing import recording

Curves = Mapping[str, list[float]]
Training = Callable[[], tuple[bytes, Curves]]
"""Trains and gives the model with its predictions as bytes, and what was evaluated by the names of the record."""


def compare(trainings: Mapping[str, Training], autolog: Callable[..., None]) -> tuple[int, dict[str, str]]:
    """How many trainings succeeded, and by name what a record has changed of one or has not right."""
    wrong: dict[str, str] = {}
    count = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # each is given on purpose to what it may not suit
        plain = {name: _outcome(train) for name, train in trainings.items()}
        with recording() as record:
            autolog(log_models=False)
            for name, train in trainings.items():
                found = _outcome(train)
                if repr(found) != repr(plain[name]):  # as text, because a NaN is not equal to itself
                    wrong[name] = f"{plain[name]!r:.300} has become {found!r:.300}"
                elif isinstance(found[1], dict):
                    count += 1
                    run = record.runs[-1]
                    seen = {key: run.metrics.get(key) for key in found[1]}
                    if run.status != "FINISHED" or repr(seen) != repr(found[1]):
                        wrong[name] = f"{run.status}: {found[1]!r:.300} is recorded as {seen!r:.300}"
            autolog(disable=True)
    return count, wrong


def _outcome(train: Training) -> tuple[Any, Any]:
    try:
        model, curves = train()
    except Exception as error:  # noqa: BLE001 - what is raised is what is compared
        # Without the time at which XGBoost's messages begin and the addresses with which they end.
        return type(error), re.sub(r"^\[[\d:]+\] ", "", str(error)).partition("\n")[0]
    return model, {key: [float(value) for value in values] for key, values in curves.items()}
