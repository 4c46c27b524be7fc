"""The integration and its options; the hooks are in the files beside this one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autotrack.hooks import Call, Integration, Options

IMPORTANCES = ("weight", "gain", "cover", "total_gain", "total_cover")
"""What XGBoost can say of a feature: how often it was split on, what that gained and how many rows it concerned, on
average and in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class XGBoostOptions(Options):
    """What to record of XGBoost."""

    importance_types: Sequence[str] | None = None
    """Which feature importances to keep; all that there are if left out."""
    model_format: str = "ubj"
    """In which of XGBoost's formats the model is kept, "ubj" or "json"."""


INTEGRATION = Integration("xgboost", supports=">=2.0,<4", options=XGBoostOptions)


def importance_types(call: Call) -> Sequence[str]:
    """The kinds of feature importances that are wanted."""
    wanted = call.options.importance_types if isinstance(call.options, XGBoostOptions) else None
    return IMPORTANCES if wanted is None else wanted


def model_format(call: Call) -> str:
    """The format of the model that is wanted."""
    return call.options.model_format if isinstance(call.options, XGBoostOptions) else "ubj"
