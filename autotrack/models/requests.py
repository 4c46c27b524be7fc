"""Input for a model from what is sent or stored: MLflow's request formats, CSV and Parquet, in the signature's types.

Text has no types of its own: a number of JSON or CSV becomes what the signature says if it is that number there too.
"""

from __future__ import annotations

import base64
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from autotrack.exceptions import AutotrackException
from autotrack.models.kinds import Kind

FORMATS = ("dataframe_split", "dataframe_records", "inputs", "instances")
"""The keys of a JSON request, of which it has exactly one; beside it may stand "params"."""
JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"
UNSUPPORTED = "UNSUPPORTED_MEDIA_TYPE"
"""The error code for a request in another form than these."""


def parse(body: bytes, content_type: str, schema: Sequence[Kind] | None) -> tuple[Any, dict[str, Any] | None]:
    """The data and the inference parameters of a request; raises for what is none, with what it should be."""
    kind = content_type.partition(";")[0].strip().lower() or JSON
    if kind == CSV:
        return of_table(_read_csv(io.BytesIO(body), schema), schema), None
    if kind == PARQUET:
        return of_table(_read_parquet(io.BytesIO(body)), schema), None
    if kind != JSON:
        raise AutotrackException(f"{kind} is not understood; send {JSON}, {CSV} or {PARQUET}", UNSUPPORTED)
    try:
        request = json.loads(body)
    except ValueError as error:
        raise AutotrackException.invalid(f"the request is no JSON: {error}") from error
    return of_request(request, schema)


def of_request(request: Any, schema: Sequence[Kind] | None) -> tuple[Any, dict[str, Any] | None]:
    """The data and the inference parameters of a JSON request that has been read."""
    known = request if isinstance(request, Mapping) else {}
    keys = [key for key in FORMATS if key in known]
    if len(keys) != 1:
        found = f"this one has {', '.join(map(str, known)) or 'none'}" if known is request else "this is none"
        raise AutotrackException.invalid(f"a request is a JSON object with one of {', '.join(FORMATS)}; {found}")
    params = known.get("params")
    if params is not None and not isinstance(params, dict):
        raise AutotrackException.invalid(f'"params" is an object of names and values, not {params!r:.100}')
    data = request[keys[0]]
    if keys[0].startswith("dataframe"):
        return of_table(_frame(data, keys[0]), schema), params
    return _plain(_by_column(data) if keys[0] == "instances" else data, schema), params


def of_table(frame: Any, schema: Sequence[Kind] | None) -> Any:
    """A data frame of text's own types as the signature wants it: an array for a tensor, else typed columns."""
    if not schema:
        return frame
    if schema[0]["type"] == "tensor":
        if schema[0].get("name") is None:
            return _tensor(frame.to_numpy(), schema[0])
        return {spec["name"]: _tensor(frame[spec["name"]].to_numpy(), spec) for spec in schema if spec["name"] in frame}
    if schema[0].get("name") is None:
        schema = [{**spec, "name": name} for spec, name in zip(schema, frame.columns, strict=False)]
    changed = {
        spec["name"]: _column(frame[spec["name"]], spec["type"]) for spec in schema if spec["name"] in frame.columns
    }
    return frame.assign(**{str(name): values for name, values in changed.items()})


def csv_types(schema: Sequence[Kind] | None) -> dict[Any, str]:
    """What to tell a reader of CSV: texts stay texts, also those that look like numbers."""
    return {spec["name"]: "str" for spec in schema or () if spec["type"] == "string" and spec.get("name") is not None}


def _read_csv(source: Any, schema: Sequence[Kind] | None) -> Any:
    import pandas as pd  # heavy, and only to read tables

    try:
        return pd.read_csv(source, dtype=csv_types(schema))
    except (ValueError, UnicodeDecodeError) as error:
        raise AutotrackException.invalid(f"the request is no CSV with a line of column names: {error}") from error


def _read_parquet(source: Any) -> Any:
    import pandas as pd  # as above

    try:
        return pd.read_parquet(source)
    except ImportError as error:
        raise AutotrackException.missing("Parquet needs pyarrow: pip install pyarrow") from error
    except Exception as error:
        raise AutotrackException.invalid(f"the request is no Parquet file: {error}") from error


def _frame(data: Any, key: str) -> Any:
    import pandas as pd  # as above

    try:
        if key == "dataframe_records":
            if not isinstance(data, list) or not all(isinstance(row, Mapping) for row in data):
                raise AutotrackException.invalid("it is a list of objects, one a row")
            return pd.DataFrame(data)
        if not isinstance(data, Mapping) or "data" not in data or not {*data} <= {"columns", "index", "data"}:
            raise AutotrackException.invalid('it is an object with "data", and maybe "columns" and "index"')
        return pd.DataFrame(data["data"], columns=data.get("columns"), index=data.get("index"))
    except (AutotrackException, ValueError, TypeError) as error:
        raise AutotrackException.invalid(f"{key} holds no table: {getattr(error, 'message', error)}") from error


def _by_column(rows: Any) -> Any:
    """Rows of named values turned round; all of them must have the same names."""
    if not (isinstance(rows, list) and rows and all(isinstance(row, Mapping) for row in rows)):
        return rows
    names = list(rows[0])
    if any(list(row) != names and {*row} != {*names} for row in rows):
        raise AutotrackException.invalid("instances have different names in different rows")
    return {name: [row[name] for row in rows] for name in names}


def _plain(data: Any, schema: Sequence[Kind] | None) -> Any:
    import numpy as np  # heavy, loaded with nearly any model

    try:
        if not schema:
            return (
                {name: np.asarray(value) for name, value in data.items()}
                if isinstance(data, Mapping)
                else np.asarray(data)
            )
        if schema[0]["type"] == "tensor":
            named = {spec.get("name"): spec for spec in schema}
            if isinstance(data, Mapping):
                return {name: _tensor(value, named[name]) if name in named else value for name, value in data.items()}
            return _tensor(data, schema[0])
    except (ValueError, TypeError, OverflowError) as error:
        raise AutotrackException.invalid(f"the input is no array that the model takes: {error}") from error
    import pandas as pd  # as above

    if schema[0].get("name") is None:
        if len(schema) == 1 and not (isinstance(data, list) and data and isinstance(data[0], list)):
            return data if schema[0]["type"] not in _SCALARS else np.asarray(data)
        return of_table(_frame({"data": data}, "dataframe_split"), schema)
    if isinstance(data, list) and len(schema) == 1 and not any(isinstance(row, Mapping) for row in data):
        data = {schema[0]["name"]: data}
    if isinstance(data, Mapping):
        scalar = not any(isinstance(value, list) for value in data.values())
        return of_table(_frame([data], "dataframe_records") if scalar else _table(pd, data), schema)
    if isinstance(data, list) and all(isinstance(row, Mapping) for row in data):
        return of_table(_frame(data, "dataframe_records"), schema)
    names = [spec["name"] for spec in schema]
    return of_table(_frame({"data": data, "columns": names}, "dataframe_split"), schema)


def _table(pd: Any, data: Mapping[str, Any]) -> Any:
    try:
        return pd.DataFrame(dict(data))
    except ValueError as error:
        raise AutotrackException.invalid(f"inputs holds no table: {error}") from error


_SCALARS = ("boolean", "integer", "long", "float", "double", "string")


def _tensor(value: Any, spec: Kind) -> Any:
    import numpy as np  # as above

    wanted = np.dtype(spec["tensor-spec"]["dtype"])
    array = np.asarray(value)
    # JSON and CSV have one kind of whole numbers and one of fractions; the model's may be narrower.
    if array.dtype.kind in "iuf" and wanted.kind in "iuf" and array.dtype != wanted:
        narrow = array.astype(wanted)
        return narrow if wanted.kind == "f" or (narrow == array).all() else array
    if array.dtype.kind == "O" and wanted.kind == "f":  # null is JSON's word for a missing number
        return np.asarray([math.nan if item is None else item for item in array.ravel()], wanted).reshape(array.shape)
    return array


def _column(values: Any, kind: str) -> Any:
    """A column as its kind where that changes no value; what does not fit stays, for the signature's check to say."""
    import pandas as pd  # as above

    dtype = values.dtype
    if kind in ("float", "double") and dtype.kind == "O" and all(_number(value) for value in values):
        return pd.to_numeric(values).astype("float64")
    if kind in ("integer", "long") and getattr(dtype, "kind", "") in "if" and not values.isna().any():
        narrow = values.astype("int32" if kind == "integer" else "int64")
        return narrow if (narrow == values).all() else values
    if kind == "datetime" and (dtype.kind == "O" or pd.api.types.is_string_dtype(dtype)):
        try:
            return pd.to_datetime(values)
        except (ValueError, TypeError):
            return values
    if kind == "binary" and (dtype.kind == "O" or pd.api.types.is_string_dtype(dtype)):
        return values.map(lambda item: base64.b64decode(item) if isinstance(item, str) else item).astype("object")
    if kind == "boolean" and dtype.kind == "O" and all(isinstance(value, bool) for value in values):
        return values.astype("bool")
    return values


def _number(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))
