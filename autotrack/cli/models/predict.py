"""``autotrack models predict``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from autotrack.cli.options import Store
from autotrack.cli.text import clean
from autotrack.exceptions import AutotrackException
from autotrack.models import answers, batches
from autotrack.models.pyfunc import load_model

if TYPE_CHECKING:
    from autotrack.models.pyfunc import PyFuncModel

Uri = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="models:/NAME/VERSION, models:/NAME@ALIAS, runs:/RUN/NAME or a directory."),
]
Trust = Annotated[bool, typer.Option("--trust", help="Run what the model holds although no store vouches for it.")]


def predict(
    uri: Uri,
    source: Annotated[Path, typer.Option("--input", "-i", help="A table: csv, parquet, json or jsonl.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to; by its name. By default CSV.")
    ] = None,
    content_type: Annotated[
        str | None, typer.Option("--content-type", "-t", help="The input's form, if its name does not say it.")
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="How many rows the model is asked about at once.")] = 10_000,
    params: Annotated[str | None, typer.Option(help="Inference parameters, as a JSON object.")] = None,
    trust: Trust = False,
    store: Store = None,
) -> None:
    """Ask a model about every row of a file, a part at a time.

    The answers have one row for each row of the input. The output appears when it is complete.
    """
    form = batches.form_of(source, content_type)
    target = None if output is None else (output, batches.form_of(output))
    given = _params(params)
    model = load_model(uri, trust=trust, store=store)
    columns = [TextColumn("{task.fields[rows]:,} rows"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()]
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("", total=None, rows=0)
        answered = _Answered(model, given)
        parts = batches.read(
            source,
            form,
            rows,
            answered.schema,
            lambda done, whole: progress.update(task, completed=done, total=whole, rows=answered.rows),
        )
        if target is None:
            for data, own in parts:
                table = answers.table(answered.of(data, own))
                table.to_csv(sys.stdout, header=answered.first, index=False)
            return
        with batches.writer(*target) as writer:
            for data, own in parts:
                writer.add(answered.of(data, own))
    Console(stderr=True).print(f"{answered.rows:,} rows in {clean(str(output))}", markup=False, highlight=False)


class _Answered:
    """Asks the model, and says which rows it was about when it refuses."""

    def __init__(self, model: PyFuncModel, params: dict[str, Any] | None) -> None:
        signature = model.metadata.signature
        self.schema = signature.inputs if signature else None
        self.rows = 0
        self.first = True
        self._model, self._params = model, params

    def of(self, data: Any, own: dict[str, Any] | None) -> Any:
        count = _length(data)
        try:
            answer = self._model.predict(data, self._params or own)
        except AutotrackException as error:
            raise AutotrackException(
                f"rows {self.rows + 1} to {self.rows + count}: {error.message}", error.error_code
            ) from error
        self.first = self.rows == 0
        self.rows += count
        return answer


def _length(data: Any) -> int:
    if isinstance(data, dict):
        return max((_length(value) for value in data.values()), default=0)
    return len(data) if hasattr(data, "__len__") else 1


def _params(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError as error:
        raise AutotrackException.invalid(f"--params is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise AutotrackException.invalid("--params is a JSON object, such as '{\"threshold\": 0.5}'")
    return found
