"""What is taken from one place to another, wherever it is from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from autotrack.entities import Experiment, LoggedModel, Metric, Run
from autotrack.files import relative
from autotrack.store.registry.changes import Entry


@dataclass(frozen=True, slots=True)
class File:
    """A file of a run; ``bring`` puts its content to a place of this machine whose directory exists."""

    path: str
    """Below the run's artifacts, with "/"."""
    size: int
    bring: Callable[[Path], object]


def _no_curves() -> Iterable[list[Metric]]:
    return ()


def _no_files() -> Iterable[File]:
    return ()


@dataclass(frozen=True, slots=True)
class Record:
    """A run with all that belongs to it. What is large is fetched when it is asked for."""

    run: Run
    experiment: str
    """The experiment's name."""
    models: Sequence[LoggedModel] = ()
    """The models that the run made; ``artifact_location`` is the directory below its artifacts, empty for none."""
    curves: Callable[[], Iterable[list[Metric]]] = _no_curves
    """All points, those of one metric together."""
    files: Callable[[], Iterable[File]] = _no_files


class Source(Protocol):
    """A place that records are taken from. Whatever it gives, it gives in the same order each time."""

    @property
    def notes(self) -> list[str]:
        """What was left out, and why."""
        ...

    def experiments(self) -> Iterable[Experiment]:
        """The experiments of the runs, and others that were asked for."""
        ...

    def runs(self) -> Iterable[str]:
        """The ids of the runs."""
        ...

    def run(self, run_id: str) -> Record:
        """One run."""
        ...

    def histories(self) -> Iterable[list[Entry]]:
        """What was done to each registered model, from its creation on."""
        ...


def copied(place: Path, path: str) -> File:
    """A file that lies on this machine, as a file of a run."""
    from shutil import copyfile  # compression libraries, for those who copy

    return File(relative(path), place.stat().st_size, lambda target: copyfile(place, target))
