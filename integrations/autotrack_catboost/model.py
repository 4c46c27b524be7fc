"""What a trained model tells about itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def named(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters with objectives and metrics of the program's own by name: where in memory one lies says nothing."""
    return {
        key: [_name(item) for item in value] if isinstance(value, list) else _name(value)
        for key, value in params.items()
    }


def _name(value: Any) -> Any:
    own = callable(value) or any(
        hasattr(value, method) for method in ("calc_ders_range", "calc_ders_multi", "evaluate")
    )
    return getattr(value, "__qualname__", type(value).__name__) if own else value


def filled_in(model: Any) -> dict[str, Any]:
    """The parameters that were in force."""
    return {key: value for key, value in model.get_all_params().items() if value not in ("", None)}


def importances(model: Any) -> str | None:
    """JSON: how much the prediction changes with each feature. ``None`` where CatBoost has not found out, as it does at
    the end of a training unless that would be expensive."""
    values = model.feature_importances_.tolist()
    if not isinstance(values, list) or len(values) != len(model.feature_names_):
        return None
    return json.dumps(dict(zip(model.feature_names_, values, strict=True)), indent=2)
