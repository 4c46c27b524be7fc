"""What a model answers, as JSON and as rows of a table."""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
from collections.abc import Mapping
from typing import Any


def document(answer: Any) -> bytes:
    """``{"predictions": …}`` as MLflow's scoring server says it, in strict JSON: what is not a number is null."""
    return json.dumps({"predictions": plain(answer)}, allow_nan=False).encode()


def plain(value: Any) -> Any:
    """JSON's own types; a table becomes a list of its rows by name."""
    if hasattr(value, "to_frame") and hasattr(value, "iloc"):
        value = value.to_frame()
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return [plain(row) for row in value.to_dict(orient="records")]
    if hasattr(value, "toarray"):
        value = value.toarray()
    if hasattr(value, "isoformat"):
        return value.isoformat() if value == value else None  # a time that is missing is not equal to itself
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    return None if value != value else str(value)  # pandas' marks for a missing value are not equal to themselves


def table(answer: Any, index: Any = None) -> Any:
    """A data frame with a row for each row that was asked about; columns are ``prediction``, ``prediction_0`` … where
    the answer has no names."""
    import pandas as pd  # heavy, and only to write tables

    if isinstance(answer, pd.DataFrame):
        return answer
    if isinstance(answer, pd.Series):
        return answer.to_frame(answer.name if answer.name is not None else "prediction")
    if isinstance(answer, Mapping):
        parts = [table(value, index).add_prefix(f"{name}_") for name, value in answer.items()]
        for part in parts:
            part.columns = [str(name).removesuffix("_prediction") for name in part.columns]
        return pd.concat(parts, axis=1)
    if hasattr(answer, "toarray"):
        answer = answer.toarray()
    if hasattr(answer, "shape") and len(answer.shape) > 1:
        flat = answer.reshape(len(answer), -1)
        if flat.shape[1] > 1:
            return pd.DataFrame(flat, columns=[f"prediction_{n}" for n in range(flat.shape[1])], index=index)
        answer = flat[:, 0]
    return pd.DataFrame({"prediction": list(answer) if isinstance(answer, (list, tuple)) else answer}, index=index)
