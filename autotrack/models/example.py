"""The example of a model's input that lies beside it, as MLflow writes it."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autotrack.exceptions import AutotrackException
from autotrack.models import kinds

EXAMPLE, SERVING = "input_example.json", "serving_input_example.json"


def write(data: Any, directory: Path) -> dict[str, Any]:
    """Write an example as JSON; returns what the MLmodel file says about it. Pass a few rows: all are written."""
    info: dict[str, Any]
    content: Any
    serving: Any
    pandas = sys.modules.get("pandas")
    if hasattr(data, "to_pandas"):  # polars and pyarrow
        data = data.to_pandas()
    if pandas is not None and isinstance(data, pandas.DataFrame):
        table = {"columns": data.columns.tolist(), "data": [list(row) for row in data.itertuples(index=False)]}
        info = {"type": "dataframe", "pandas_orient": "split"}
        content, serving = table, {"dataframe_split": table}
    elif hasattr(data, "indptr") and getattr(data, "format", None) in ("csr", "csc"):
        content = {name: getattr(data, name) for name in ("data", "indices", "indptr", "shape")}
        info, serving = {"type": f"sparse_matrix_{data.format}"}, None
    elif isinstance(data, (list, Mapping)) or hasattr(data, "tolist"):
        values = list(data.values()) if isinstance(data, Mapping) else [data]
        info = {"type": "ndarray" if all(hasattr(value, "tolist") for value in values) else "json_object"}
        content, serving = data, {"inputs": data}
    else:
        raise AutotrackException.invalid(
            f"a {type(data).__name__} is no input example: pass a table, an array, a list or a dict"
        )
    (directory / EXAMPLE).write_text(_json(content), "utf-8")
    info["artifact_path"] = EXAMPLE
    if serving is not None:
        (directory / SERVING).write_text(_json(serving), "utf-8")
        info["serving_input_path"] = SERVING
    return info


def _json(value: Any) -> str:
    return json.dumps(_plain(value))


def _plain(value: Any) -> Any:
    """JSON's own types; missing values are null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # arrays, tensors and their scalars
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if kinds.missing(value):
        return None
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        import base64  # for columns of bytes alone

        return base64.b64encode(value).decode()
    return value if isinstance(value, (bool, int, float, str)) else str(value)
