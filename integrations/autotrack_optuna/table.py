"""The trials of a study as one table."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

LONG = 200
"""Characters of a text in a system attribute that are kept: samplers store their state there."""


class Row(NamedTuple):
    """One trial, without the trial."""

    number: int
    state: str
    values: tuple[float, ...]
    began: datetime | None
    ended: datetime | None
    params: Mapping[str, Any]
    user_attrs: Mapping[str, Any]
    system_attrs: Mapping[str, Any]
    intermediate_values: Mapping[int, float]
    feasible: bool
    run_id: str

    @classmethod
    def of(cls, trial: Any, run_id: str) -> Row:
        """What a frozen trial of Optuna's says."""
        limits = getattr(trial, "constraints", None) or {}  # Optuna 5
        return cls(
            trial.number,
            trial.state.name,
            tuple(trial.values or ()),
            trial.datetime_start,
            trial.datetime_complete,
            dict(trial.params),
            dict(trial.user_attrs),
            {name: _short(value) for name, value in trial.system_attrs.items()},
            dict(trial.intermediate_values),
            all(value <= 0 for value in limits.values()),
            run_id,
        )

    def cells(self, objectives: Sequence[str]) -> dict[str, Any]:
        """Column to cell, the columns named as in Optuna's own data frame."""
        seconds = (self.ended - self.began).total_seconds() if self.began and self.ended else None
        return {
            "number": self.number,
            "state": self.state,
            **{name: self.values[place] if self.values else None for place, name in enumerate(objectives)},
            "datetime_start": self.began.isoformat() if self.began else None,
            "datetime_complete": self.ended.isoformat() if self.ended else None,
            "duration": seconds,
            **{f"params_{name}": value for name, value in self.params.items()},
            **{f"user_attrs_{name}": value for name, value in self.user_attrs.items()},
            **{f"system_attrs_{name}": value for name, value in self.system_attrs.items()},
            "intermediate_values": self.intermediate_values,
            "run_id": self.run_id,
        }


def table(rows: Sequence[Row], objectives: Sequence[str]) -> str:
    """Rows as ``{"columns": [...], "data": [...]}``; durations are seconds, and numbers that JSON has no form for are
    texts: ``"NaN"``, ``"Infinity"``."""
    made = [row.cells(objectives) for row in rows]
    columns = list(dict.fromkeys(name for cells in made for name in cells))
    data = [[_plain(cells.get(name)) for name in columns] for cells in made]
    return json.dumps({"columns": columns, "data": data})


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if value is None or isinstance(value, str | int | float):
        return value
    return str(value)


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONG:
        return f"{value[:LONG]}… [{len(value)} characters]"
    return value
