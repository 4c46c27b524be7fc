"""How a run is had again, by plain git and pip."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath as Path
from typing import TYPE_CHECKING, Any

from autotrack.context.files import CHANGES, NAME, TAG

if TYPE_CHECKING:
    from autotrack.context.record import Record
    from autotrack.entities import Run


@dataclass(frozen=True, slots=True)
class Step:
    """What is done, and the commands that do it."""

    title: str
    commands: list[str]


def steps(run: Run, record: Record | None) -> list[Step]:
    """The steps for which something is known, each with commands of a POSIX shell."""
    if record is None:
        return []
    found = [*_code(run, record), *_environment(record)]
    command = [str(word) for word in record.launch.get("command") or ()]
    if command:
        if command[0] == record.launch.get("executable"):
            command[0] = "python"
        found.append(Step("Run it", [*_directory(record), shlex.join(command)]))
    return found


def _directory(record: Record) -> list[str]:
    """From the root of the code to where the program was started, where that is below it."""
    root, directory = record.code.get("root"), record.launch.get("directory")
    if not root or not directory or root == directory or not Path(directory).is_relative_to(root):
        return []
    return [f"cd {shlex.quote(Path(directory).relative_to(root).as_posix())}"]


def _code(run: Run, record: Record) -> list[Step]:
    code = record.code
    commit, remote = code.get("commit"), code.get("remote")
    commands = [f"git clone {shlex.quote(str(remote))} again && cd again"] if remote else []
    if commit:
        commands.append(f"git checkout {shlex.quote(str(commit))}")
    found = [Step("The code", commands)] if commands else []
    if record.changes or record.files:
        owner = run.data.tags.get(TAG, run.info.run_id)
        fetch = f'autotrack.artifacts.download_artifacts(run_id="{owner}", artifact_path="{NAME}", dst_path=".")'
        kept = [f"python -c {shlex.quote(f'import autotrack; {fetch}')}"]
        kept += [f"git apply {NAME}/{CHANGES}"] if record.changes else []
        kept += [f"cp -r {NAME}/files/. ."] if record.files else []
        found.append(Step("What was not committed", kept))
    return found


def _environment(record: Record) -> list[Step]:
    imported = record.launch.get("imported")
    python: Mapping[str, Any] = record.environment.get("python") or {}
    if not isinstance(imported, Mapping) or not imported:
        return []
    version = ".".join(str(python.get("version", "3")).split(".")[:2])
    wanted = " ".join(shlex.quote(f"{name}=={number}") for name, number in sorted(imported.items()))
    return [
        Step("The environment", [f"python{version} -m venv .venv && . .venv/bin/activate", f"pip install {wanted}"])
    ]
