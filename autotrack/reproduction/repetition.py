"""The program of a run, run again under tracking."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from autotrack._startup import environment as recording
from autotrack.context.files import LAUNCH, NAME
from autotrack.entities import ViewType, every
from autotrack.exceptions import AutotrackException
from autotrack.program import REPEATED, REPEATED_TAG
from autotrack.reproduction.recipe import Recipe

if TYPE_CHECKING:
    from autotrack.client import Client
    from autotrack.entities import Run

_CONTEXT_SECONDS = 30.0
"""Until the helper has finished the context of a program that is over."""
_OURS = ("AUTOTRACK_", "MLFLOW_", "VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH", "CONDA_PREFIX")


@dataclass(frozen=True, slots=True)
class Repetition:
    """What came of it."""

    exit_code: int
    run: Run | None
    """The run that corresponds to the repeated one, if there is any."""


def variables(recipe: Recipe, code: Path, prefix: Path | None) -> dict[str, str]:
    """The environment of the repetition: this one, with the recorded variables in it."""
    found = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return found | {name: recipe.moved(value, code, prefix) for name, value in recipe.variables.items()}


def repeat(
    client: Client, recipe: Recipe, *, python: Path, code: Path, elsewhere: Path, prefix: Path | None, experiment: str
) -> Repetition:
    """Run the program; its output goes where this process's goes. What it records is tagged with the repeated run."""
    place = recipe.place(code, elsewhere)
    place.mkdir(parents=True, exist_ok=True)
    before = {run.info.run_id for run in _repetitions(client, recipe.run)}
    done = subprocess.run(  # noqa: S603 - the recorded command, which the user has asked to repeat
        [str(python), *recipe.words(code, prefix)],
        cwd=place, check=False, env=_tracked(client, recipe, variables(recipe, code, prefix), experiment),
    )  # fmt: skip
    recorded = [run for run in _repetitions(client, recipe.run) if run.info.run_id not in before]
    found = _alike(recipe.run, recorded)
    if found is not None:
        _await_context(client, found)
        found = client.get_run(found.info.run_id)
    return Repetition(done.returncode, found)


def _tracked(client: Client, recipe: Recipe, given: Mapping[str, str], experiment: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name.startswith("AUTOTRACK_TRACKING_")}
    return recording({
        **given, **kept, "AUTOTRACK_TRACKING_URI": str(client.tracking_uri), "AUTOTRACK_EXPERIMENT": experiment,
        REPEATED: recipe.run.info.run_id,
    })  # fmt: skip


def _repetitions(client: Client, run: Run) -> list[Run]:
    """What programs that repeat a run have recorded, the earliest first."""
    ids = [one.experiment_id for one in client.search_experiments()]
    where = f"tags.`{REPEATED_TAG}` = '{run.info.run_id}'"
    return list(
        every(lambda token: client.search_runs(ids, where, ViewType.ACTIVE_ONLY, 1000, ["start_time ASC"], token))
    )


def _alike(run: Run, found: list[Run]) -> Run | None:
    """Of the runs that a program has recorded the one most like the repeated: it may leave several."""

    def shared(one: Run) -> tuple[int, ...]:
        same = set(one.data.params.items()) & set(run.data.params.items())
        keys = one.data.metrics.keys() & run.data.metrics.keys()
        names = one.data.params.keys() & run.data.params.keys()
        return one.info.run_name == run.info.run_name, len(keys), len(names), len(same)

    # The earliest of equals, as `max` gives it.
    return max(found, key=shared) if found else None


def _await_context(client: Client, run: Run) -> None:
    end = time.monotonic() + _CONTEXT_SECONDS
    while time.monotonic() < end:
        names = {one.path for one in client.list_artifacts(run.info.run_id, NAME)}
        if {f"{NAME}/{LAUNCH}", f"{NAME}/environment.json"} <= names:
            return
        time.sleep(0.1)


def failed(done: Repetition, code: Path) -> AutotrackException:
    """Why there is nothing to compare."""
    if done.exit_code:
        return AutotrackException(
            f"the program ended with exit code {done.exit_code} and recorded no run; its code is in {code}",
            "INVALID_STATE",
        )
    return AutotrackException(
        "the program recorded no run where it was to; does it choose its own store by set_tracking_uri?",
        "INVALID_STATE",
    )
