"""Writing journals as the processes of a training would, also those of other machines and other times."""

from __future__ import annotations

import os
from pathlib import Path

from autotrack.event import Event, ExperimentCreated, Process, RunCreated, Series, encode
from autotrack.journal.format import experiment_id, new_run_id, raw_step, record
from autotrack.sinks.local import make_store

ELSEWHERE = Process("elsewhere", "a boot", "a namespace", 4711, 12345)
"""A process that nobody here can look at."""


class Writer:
    """One process's files in one run; every method takes the time that it writes down."""

    def __init__(self, journal: Journal, run_id: str, name: str) -> None:
        self.run_id, self.name = run_id, name
        self.directory = journal.store / "runs" / run_id
        self.events = self.directory / f"events-{name}.jsonl"
        self.metrics = self.directory / f"metrics-{name}.bin"
        self.directory.mkdir(parents=True, exist_ok=True)
        self.keys: dict[tuple[str, str | None, str | None, str | None], int] = {}

    def event(self, event: Event, time: int) -> None:
        append(self.events, encode(event, time))

    def point(
        self,
        key: str,
        value: float,
        step: float = 0,
        time: int = 0,
        *,
        flags: int = 0,
        of: tuple[str | None, str | None, str | None] = (None, None, None),
    ) -> None:
        full = (key, *of)
        if full not in self.keys:
            self.keys[full] = len(self.keys) + 1
            self.event(Series(self.keys[full], *full), time)
        raw, flag = raw_step(step)
        append(self.metrics, record(self.keys[full], flags | flag, raw, time, value))


class Journal:
    """A store that several imagined processes write to."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self.process = "r0-1-00000001"
        make_store(store)

    def run(
        self, name: str = "a run", time: int = 1000, *, experiment: str = "exp", process: Process | None = ELSEWHERE,
        writer: str = "r0-1-aaaaaaaa", run_id: str | None = None,
    ) -> Writer:  # fmt: skip
        """A new run, announced as the sink does it."""
        made = Writer(self, run_id or new_run_id(), writer)
        made.event(RunCreated(experiment_id(experiment), experiment, name, None, "ada", process), time)
        self.announce(made.run_id)
        return made

    def announce(self, run_id: str) -> None:
        append(self.store / "opened" / self.process, run_id.encode() + b"\n")

    def experiment(self, event: Event, time: int, writer: str = "r0-1-00000001") -> None:
        append(self.store / "experiments" / f"{writer}.jsonl", encode(event, time))

    def create_experiment(self, name: str, time: int = 500) -> str:
        self.experiment(ExperimentCreated(experiment_id(name), name), time)
        return experiment_id(name)


def append(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(data)


def age(directory: Path, seconds: float) -> None:
    """Make every file of a run as old as that."""
    for path in directory.iterdir():
        when = path.stat().st_mtime - seconds
        os.utime(path, (when, when))
