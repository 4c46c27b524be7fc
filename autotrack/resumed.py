"""What the journal of an existing run says of it, for a process that goes on with it; no index is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autotrack.event import LifeStage, Renamed, RunCreated, Tags
from autotrack.journal.reader import events_name, read_events, run_files


@dataclass(frozen=True, slots=True)
class Resumed:
    """The run as it is now."""

    experiment: tuple[str, str]
    """``(id, name)``"""
    name: str
    deleted: bool


def resumed(directory: Path) -> Resumed | None:
    """The run whose directory this is; ``None`` if nobody wrote down there that it was created."""
    files = run_files(directory)
    lines = [
        line
        for writer in (files.events if files else ())
        for line in read_events(directory / events_name(writer)).lines
    ]
    created: RunCreated | None = None
    name, deleted = "", False
    for line in sorted(lines, key=lambda line: line.order):
        match line.event:
            case RunCreated() if created is None:
                created = line.event
                name = name or created.name
            case Renamed(name=name) | Tags(values={"mlflow.runName": str(name)}):
                pass
            case LifeStage(stage=stage):
                deleted = stage == "deleted"
    return Resumed((created.experiment_id, created.experiment), name, deleted) if created is not None else None
