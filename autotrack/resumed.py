"""What the journal of an existing run says of it, for a process that goes on with it; no index is asked."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from autotrack.event import Ended, Joined, LifeStage, Params, Process, Renamed, RunCreated, Tags
from autotrack.journal.process import alive, this_process
from autotrack.journal.reader import Line, events_name, read_events, run_files

SEGMENTS = "autotrack.segments"
"""The tag that counts the programs that have worked on a run one after the other."""
REVISIONS = "autotrack.revisions."
"""What the tag of a parameter begins with that a later program has given another value; then its name."""


@dataclass(slots=True)
class Resumed:
    """The run as it is now."""

    experiment: tuple[str, str]
    """``(id, name)``"""
    name: str
    deleted: bool = False
    ended: str = ""
    """How the last program ended that worked on it: the state that was written, "KILLED" if none was and it is dead,
    "LOST" if it may be; empty while it lives."""
    params: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """Each parameter's values, with the time of each in ms."""
    segments: int = 1
    processes: frozenset[Process | None] = frozenset()
    """Those that have worked on it."""


def resumed(directory: Path) -> Resumed | None:
    """The run whose directory this is; ``None`` if nobody wrote down there that it was created."""
    lines = sorted(_lines(directory), key=lambda line: line.order)
    first = next((line.event for line in lines if isinstance(line.event, RunCreated)), None)
    if first is None:
        return None
    found = Resumed((first.experiment_id, first.experiment), first.name)
    processes: dict[str, Process | None] = {}
    for line in lines:
        match line.event:
            case RunCreated() | Joined():
                processes[line.writer], found.ended = line.event.process, ""
            case Ended(status=status):
                found.ended = status
            case Renamed(name=name):
                found.name = name
            case Params(values=values):
                for key, value in values.items():
                    found.params.setdefault(key, [(line.time, str(value))])
            case Tags(values=values):
                _tags(found, values)
            case LifeStage(stage=stage):
                found.deleted = stage == "deleted"
    found.processes = frozenset(processes.values())
    if not found.ended:
        signs = [alive(process) for process in processes.values()]
        found.ended = "" if any(signs) else "KILLED" if False in signs and None not in signs else "LOST"
    return found


def segment(known: Resumed) -> dict[str, str]:
    """The tags of a run that this program goes on with after another one; none for a further process of that one."""
    here = this_process()
    if not known.ended or here in known.processes or here.rank != 0:
        return {}
    number = known.segments + 1
    facts = {"time": time.time_ns() // 1_000_000, "host": here.host, "pid": here.pid, "after": known.ended}
    return {SEGMENTS: str(number), f"autotrack.segment.{number}": json.dumps(facts)}


class Revisions:
    """The parameters that an earlier program has given a run, each with its values and their times in ms. One that gets
    another value keeps its first one; a tag tells all of them."""

    def __init__(self, params: Mapping[str, list[tuple[int, str]]]) -> None:
        self._params = dict(params)

    def revised(self, found: dict[str, str]) -> dict[str, str]:
        """Take the parameters that get another value out of ``found``, and give the tags that tell their values: JSON,
        a list of ``[time in ms, value]``."""
        now = time.time_ns() // 1_000_000
        changed = [key for key, value in found.items() if key in self._params and self._params[key][-1][1] != value]
        for key in changed:
            self._params[key] = [*self._params[key], (now, found.pop(key))]
        return {f"{REVISIONS}{key}": json.dumps(self._params[key], ensure_ascii=False) for key in changed}


def _lines(directory: Path) -> Iterator[Line]:
    files = run_files(directory)
    for writer in files.events if files else ():
        yield from read_events(directory / events_name(writer)).lines


def _tags(found: Resumed, values: Mapping[str, str | None]) -> None:
    for key, value in values.items():
        if key == "mlflow.runName":
            found.name = str(value)
        elif key == SEGMENTS and str(value).isdecimal():
            found.segments = int(str(value))
        elif key.startswith(REVISIONS):
            with suppress(TypeError, ValueError):  # a tag is anybody's to set
                found.params[key.removeprefix(REVISIONS)] = [
                    (int(at), str(text)) for at, text in json.loads(str(value))
                ]
