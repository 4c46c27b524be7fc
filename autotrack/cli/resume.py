"""Which run a program that was started again goes on with."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autotrack import redact
from autotrack.analysis.context import context
from autotrack.analysis.finding import experiments
from autotrack.capture.launchers import launchers
from autotrack.cli import find
from autotrack.client import Client

if TYPE_CHECKING:
    from autotrack.entities import Run

AUTO = "auto"
_LOOKED_AT = 50
_OF_THE_TRY = ("try", "attempt", "restart", "pod", "test", "url")
"""Parts of the names by which launchers call what is another one at each try."""


def goes_on(given: str, program: Sequence[str]) -> None:
    """Have the program that this process becomes go on with a run: the one that is named, or for "auto" the last one
    that the same command has left unfinished, if there is any. Says on stderr which."""
    client = Client()
    run = find.run(client, given) if given != AUTO else _unfinished(client, program)
    if run is None:
        sys.stderr.write("autotrack: this command has left no run unfinished; a new one begins\n")
        return
    sys.stderr.write(f"autotrack: goes on with run {run.info.run_id}, which is {run.info.status}\n")
    os.environ["AUTOTRACK_RUN_ID"] = run.info.run_id


def _unfinished(client: Client, program: Sequence[str]) -> Run | None:
    found = client.search_runs(
        list(experiments(client)),
        filter_string="status != 'FINISHED' AND status != 'RUNNING' AND tags.mlflow.parentRunId IS NULL",
        order_by=["start_time DESC"],
        max_results=_LOOKED_AT,
    )
    here = _job(launchers(os.environ))
    same = (run for run in found if _job(run.data.tags) == here and _is_of(client, run, program))
    return next(same, None)


def _is_of(client: Client, run: Run, program: Sequence[str]) -> bool:
    """Whether the same program with the same arguments has left a run."""
    record = context(client, run)
    if record is None:
        return False
    launch = record.launch
    if program[0] == "-m":
        same, rest = launch.get("module") == program[1], program[2:]
    else:
        same, rest = launch.get("file") == str(Path(program[0]).absolute()), program[1:]
    return same and list((launch.get("argv") or ())[1:]) == redact.arguments([program[0], *rest])[1:]


def _job(tags: Mapping[str, str]) -> dict[str, str]:
    """What schedulers call the job, whichever try of it this is; array tasks and pipelines are told apart by it."""
    names = tags.get("autotrack.launcher", "").split(",")
    return {
        key: value
        for key, value in tags.items()
        if any(name and key.startswith(f"autotrack.{name}.") for name in names)
        and not any(part in key.rpartition(".")[2] for part in _OF_THE_TRY)
    }
