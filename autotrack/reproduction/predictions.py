"""Whether two models answer alike.

They are asked in the environment that the repetition ran in, by a process of its own:
``python -m autotrack.reproduction.predictions``, with the question as JSON on standard input.
"""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.exceptions import AutotrackException
from autotrack.models.format import MLMODEL
from autotrack.models.locate import locate
from autotrack.models.pyfunc import PyFuncModel, load_model
from autotrack.reproduction.verdict import CLOSE, DIFFERENT, EQUAL, PREDICTIONS, UNKNOWN, Part

if TYPE_CHECKING:
    from autotrack.client import Client
    from autotrack.entities import LoggedModel, Run

_ROWS = 64
_ABOUT = frozenset((MLMODEL, "conda.yaml", "python_env.yaml", "requirements.txt"))
"""Files that say something about a model, and are no part of it."""
_SECONDS = 600
_STATES = (EQUAL, CLOSE, UNKNOWN, DIFFERENT)


def compare(
    client: Client,
    first: Run,
    second: Run,
    *,
    python: Path,
    place: Path,
    environment: Mapping[str, str],
    tolerance: float,
    trust: bool,
) -> Part:
    """Whether the models of two runs predict the same. They do if their files are the same; else they are asked, with
    rows made up for their signature. ``trust`` loads what the store does not vouch for."""
    models = [_models(client, run) for run in (first, second)]
    if not models[0]:
        return Part(PREDICTIONS, UNKNOWN, ("the run logged no model",))
    if len(models[0]) != len(models[1]):
        return Part(PREDICTIONS, DIFFERENT, (f"{len(models[0])} models, then {len(models[1])}",))
    question = {
        "pairs": [[one.model_uri, other.model_uri] for one, other in zip(*models, strict=True)],
        "tolerance": tolerance,
        "trust": trust,
    }
    try:
        done = subprocess.run(  # noqa: S603 - this module, in the interpreter that was chosen for the repetition
            [str(python), "-m", __name__], input=json.dumps(question), capture_output=True, text=True, cwd=place,
            env={**environment, "AUTOTRACK_TRACKING_URI": str(client.tracking_uri), "AUTOTRACK_CONTEXT": "0"},
            timeout=_SECONDS, check=True,
        )  # fmt: skip
        answers = json.loads(done.stdout.splitlines()[-1])
    except (subprocess.SubprocessError, ValueError, IndexError) as error:
        why = str(getattr(error, "stderr", "") or error).strip().splitlines()
        return Part(PREDICTIONS, UNKNOWN, (f"the models could not be asked: {why[-1] if why else error}",))
    worst = max((state for state, _ in answers), key=_STATES.index)
    names = [one.name for one in models[0]]
    return Part(PREDICTIONS, worst, tuple(f"{name}: {said}" for name, (_, said) in zip(names, answers, strict=True)))


def answer(question: Mapping[str, Any]) -> list[tuple[str, str]]:
    """For each pair of models how they compare, and what is to be said of it."""
    found = []
    for uris in question["pairs"]:
        try:
            found.append(_pair(uris, float(question["tolerance"]), trust=bool(question["trust"])))
        except Exception as error:  # noqa: BLE001 - a model may raise anything; the others are still asked
            found.append((UNKNOWN, f"the models could not be asked: {error}"))
    return found


def _models(client: Client, run: Run) -> list[LoggedModel]:
    found = [client.get_logged_model(one.model_id) for one in run.outputs.model_outputs]
    return sorted(found, key=lambda model: model.name)


def _pair(uris: Sequence[str], tolerance: float, *, trust: bool) -> tuple[str, str]:
    contents = [_content(locate(uri).directory) for uri in uris]
    if contents[0] == contents[1]:
        return EQUAL, "the files of the models are the same"
    first, second = (load_model(uri, trust=trust) for uri in uris)
    rows = made_up(first)
    return alike(_numbers(first.predict(rows)), _numbers(second.predict(rows)), tolerance)


def _content(directory: Path) -> dict[str, str]:
    return {
        file.relative_to(directory).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(directory.rglob("*"))
        if file.is_file() and file.name not in _ABOUT and "example" not in file.name
    }


def made_up(model: PyFuncModel) -> Any:
    """Rows that fit a model's signature, the same ones each time: a table for columns, an array for one tensor."""
    import numpy as np  # heavy; the models have loaded it

    signature = model.metadata.signature
    specs = list(signature.inputs) if signature and signature.inputs else []
    if not specs:
        raise AutotrackException.missing("they have no signature to make up rows for")
    tensors = [spec for spec in specs if spec.get("tensor-spec")]
    if tensors:
        arrays = {spec.get("name"): _tensor(spec["tensor-spec"]) for spec in tensors}
        return next(iter(arrays.values())) if list(arrays) == [None] else arrays
    import pandas as pd  # heavy; only for a model of tables

    columns = {spec.get("name", at): _column(spec["type"], at, np) for at, spec in enumerate(specs)}
    return pd.DataFrame(columns)


def _tensor(spec: Mapping[str, Any]) -> Any:
    import numpy as np  # heavy; the models have loaded it

    shape = [_ROWS if size == -1 and at == 0 else 4 if size == -1 else size for at, size in enumerate(spec["shape"])]
    numbers = np.sin(np.arange(math.prod(shape)) * 1.7).reshape(shape) * 3
    return (
        np.abs(numbers).astype(spec["dtype"]) if np.dtype(spec["dtype"]).kind in "iu" else numbers.astype(spec["dtype"])
    )


def _column(kind: str, at: int, np: Any) -> Any:
    numbers = np.sin((np.arange(_ROWS) + 1) * (at + 1.7)) * 3
    match kind:
        case "double" | "float":
            return numbers.astype("float64" if kind == "double" else "float32")
        case "long" | "integer":
            return np.abs(numbers).astype("int64" if kind == "long" else "int32")
        case "boolean":
            return numbers > 0
        case "datetime":
            return np.datetime64("2020-01-01") + (np.abs(numbers) * 100).astype("timedelta64[D]")
        case _:
            raise AutotrackException.invalid(f"no {kind} can be made up")


def _numbers(predicted: Any) -> Any:
    import numpy as np  # heavy; the models have loaded it

    return np.asarray(getattr(predicted, "values", predicted))


def alike(first: Any, second: Any, tolerance: float) -> tuple[str, str]:
    """How two arrays of predictions compare, and what is to be said of it."""
    import numpy as np  # heavy; the models have loaded it

    if first.shape != second.shape or first.dtype.kind != second.dtype.kind:
        return DIFFERENT, f"predictions of shape {first.shape}, then {second.shape}"
    exact = first.dtype.kind not in "fc"
    same = first == second if exact else (first == second) | (np.isnan(first) & np.isnan(second))
    if np.all(same):
        return EQUAL, f"{len(first)} predictions on made-up rows"
    if not exact and np.allclose(first, second, rtol=tolerance, atol=0.0, equal_nan=True):
        return CLOSE, f"{len(first)} predictions on made-up rows, within {tolerance:g}"
    return DIFFERENT, f"{int(np.sum(~same))} of {same.size} predictions on made-up rows differ"


if __name__ == "__main__":
    sys.stdout.write(f"\n{json.dumps(answer(json.load(sys.stdin)))}\n")
