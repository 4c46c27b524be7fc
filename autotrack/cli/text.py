"""How values are printed, and how they are spelt in JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from autotrack.analysis.wording import ago, clean, duration, moment, number, size

__all__ = ["ago", "as_json", "clean", "duration", "moment", "number", "size"]


def as_json(value: Any, indent: int | None = 2) -> str:
    """JSON that every reader takes: NaN and the infinities are the strings "NaN", "Infinity", "-Infinity"."""
    return json.dumps(_spelt(value), indent=indent, allow_nan=False)


def _spelt(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): _spelt(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_spelt(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
