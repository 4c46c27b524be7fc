"""What runs have kept: their models, and the tables among their files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack import current, frame
from autotrack.entities import every
from autotrack.exceptions import AutotrackException
from autotrack.fluent.asking import client
from autotrack.fluent.runs import get_run, search_runs

if TYPE_CHECKING:
    from autotrack.entities import LoggedModel


def get_logged_model(model_id: str) -> LoggedModel:
    """A model that a run logged; an unknown one is an error."""
    return client().get_logged_model(model_id)


def search_logged_models(
    experiment_ids: Sequence[str] | None = None,
    filter_string: str | None = None,
    datasets: Sequence[Mapping[str, str]] | None = None,
    max_results: int | None = None,
    order_by: Sequence[Mapping[str, Any]] | None = None,
    output_format: str = "pandas",
) -> Any:
    """The logged models that match, newest first, as a pandas data frame or with "list" as a list; without experiments
    those of the one that new runs belong to."""
    if output_format not in ("pandas", "list"):
        raise AutotrackException.invalid(f'output_format is "pandas" or "list", not {output_format!r}')
    asked, ids = client(), list(experiment_ids or [current.current_experiment()[0]])
    found = list(
        every(
            lambda token: asked.search_logged_models(ids, filter_string, datasets, 1000, order_by, token), max_results
        )
    )
    return found if output_format == "list" else frame.of_models(found)


def load_table(
    artifact_file: str, run_ids: Sequence[str] | None = None, extra_columns: Sequence[str] | None = None
) -> Any:
    """The tables that runs have logged under one name, as one pandas data frame; without ``run_ids`` of all runs of the
    experiment that new runs belong to. ``extra_columns`` are columns of ``search_runs`` to stand beside each row."""
    asked = client()
    runs = search_runs(output_format="list") if run_ids is None else [get_run(run_id) for run_id in run_ids]
    tables: list[Any] = []
    for run in runs:
        try:
            file = Path(asked.download_artifacts(run.info.run_id, artifact_file))
        except AutotrackException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
        else:
            tables.append((run, json.loads(file.read_text("utf-8"))))
    if not tables:
        raise AutotrackException.missing(f"none of {len(runs)} runs has a table {artifact_file!r}")
    return frame.of_tables(tables, extra_columns or ())
