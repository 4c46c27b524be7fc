"""What was recorded, as a test wants to read it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from autotrack import settings
from autotrack.event import (
    ArtifactStored,
    DatasetUsed,
    Ended,
    Event,
    Exact,
    Joined,
    ModelLogged,
    Params,
    Renamed,
    RunCreated,
    Series,
    Tags,
)
from autotrack.journal import points, reader
from autotrack.journal.format import LATE
from autotrack.sinks import open as sinks
from autotrack.sinks.memory import MemorySink
from autotrack.testing.program import environment, finish


@dataclass(frozen=True, slots=True)
class RecordedPoint:
    """One value of a metric."""

    key: str
    step: int | float
    value: float
    late: bool = False
    """Whether it is an addition to a run that had ended."""
    model: str | None = None
    dataset: str | None = None
    digest: str | None = None


@dataclass(slots=True)
class RecordedRun:
    """What one run holds."""

    run_id: str
    artifacts_directory: Path
    experiment: str = ""
    name: str = ""
    parent: str | None = None
    status: str = ""
    """Empty while no end has been written."""
    error: str | None = None
    exit: str | None = None
    writers: int = 0
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    points: list[RecordedPoint] = field(default_factory=list)
    after_end: list[RecordedPoint] = field(default_factory=list)
    """The points that came after the end; where the medium keeps no such order, those marked late."""
    exact: list[str] = field(default_factory=list)
    artifacts: dict[str, int] = field(default_factory=dict)
    models: list[ModelLogged] = field(default_factory=list)
    datasets: list[DatasetUsed] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)
    """What of the run's files could not be read."""

    @property
    def metrics(self) -> dict[str, list[float]]:
        """The values of each metric, in the order in which they were recorded."""
        found: dict[str, list[float]] = {}
        for point in self.points:
            found.setdefault(point.key, []).append(point.value)
        return found

    @property
    def steps(self) -> dict[str, list[int | float]]:
        """The steps of each metric, in the same order."""
        found: dict[str, list[int | float]] = {}
        for point in self.points:
            found.setdefault(point.key, []).append(point.step)
        return found

    def file(self, path: str) -> Path:
        """Where one of the run's files lies."""
        return self.artifacts_directory / path

    def event(self, event: Event) -> None:
        """Take the next fact."""
        match event:
            case RunCreated():
                self.experiment, self.name, self.parent = event.experiment, self.name or event.name, event.parent
                self.writers += 1
            case Joined():
                self.writers += 1
                self.status = ""
            case Params():
                self.params = {**event.values, **self.params}
            case Tags():
                merged = {**self.tags, **event.values}
                self.tags = {key: value for key, value in merged.items() if value is not None}
            case Renamed():
                self.name = event.name
            case Exact():
                self.exact.append(event.text)
            case DatasetUsed():
                self.datasets.append(event)
            case ArtifactStored():
                self.artifacts[event.path] = event.size
            case ModelLogged():
                self.models.append(event)
            case Ended():
                self.status, self.error, self.exit = event.status, event.error, event.exit
            case _:
                pass

    def point(self, point: RecordedPoint) -> None:
        """Take the next value."""
        self.points.append(point)
        if self.status or point.late:
            self.after_end.append(point)


class Recording:
    """What is recorded while :func:`recording` lasts."""

    def __init__(self, sink: MemorySink) -> None:
        self.sink = sink

    @property
    def runs(self) -> list[RecordedRun]:
        """All runs, in the order in which they began."""
        found = []
        for run_id, stream in list(self.sink.streams.items()):
            run = RecordedRun(run_id, stream.artifacts)
            for fact in list(stream.facts):
                if isinstance(fact, tuple):
                    key, flags, step, value = fact
                    name, model, dataset, digest = (key, None, None, None) if isinstance(key, str) else key
                    run.point(RecordedPoint(name, step, value, bool(flags & LATE), model, dataset, digest))
                else:
                    run.event(fact)
            found.append(run)
        return found

    @property
    def run(self) -> RecordedRun:
        """The run, where there is exactly one."""
        runs = self.runs
        assert len(runs) == 1, f"{len(runs)} runs were recorded: {[run.name for run in runs]}"
        return runs[0]

    def finish(self, error: BaseException | None = None) -> None:
        """Do what is done when the program ends, so that what is still being recorded is recorded to its end."""
        finish(error)


@contextmanager
def recording() -> Iterator[Recording]:
    """Keep what is recorded meanwhile in memory, to be looked at::

    with recording() as record:
        run = start_run()
        run.metric("loss", 0.5)
    assert record.run.metrics == {"loss": [0.5]}
    """
    sink = MemorySink(f"memory:{os.urandom(4).hex()}")
    before = settings.chosen("tracking_uri")
    sinks.keep(sink)
    settings.choose(tracking_uri=sink.uri)
    try:
        with environment(AUTOTRACK_RUN_ID=None, MLFLOW_RUN_ID=None):
            yield Recording(sink)
            finish()
    finally:
        settings.choose(tracking_uri=before)


def recorded(store: Path) -> list[RecordedRun]:
    """All runs of a local store, oldest first, read from its files alone."""
    directories = (store / "runs").iterdir() if (store / "runs").is_dir() else ()
    found = [recorded_run(directory) for directory in directories]
    return [run for _, run in sorted(found, key=lambda pair: pair[0])]


def recorded_run(directory: Path) -> tuple[int, RecordedRun]:
    """``(when it began in ms, the run)`` of a run's directory."""
    run = RecordedRun(directory.name, directory / "artifacts")
    files = reader.run_files(directory)
    assert files is not None, f"{directory} is not there"
    lines: list[reader.Line] = []
    for writer in files.events:
        found = reader.read_events(directory / reader.events_name(writer))
        lines += found.lines
        run.damage += [f"{skipped.file}: {skipped.reason}" for skipped in found.skipped]
    lines.sort(key=lambda line: line.order)
    names: dict[str, dict[int, Series]] = {}
    for line in lines:
        run.event(line.event)
        if isinstance(line.event, Series):
            names.setdefault(line.writer, {})[line.event.id] = line.event
    status, run.status = run.status, ""
    began = {line.writer: line.order for line in reversed(lines)}
    for writer in sorted(files.metrics, key=lambda writer: (began.get(writer, (0,))[0], writer)):
        for point in _points(directory / reader.metrics_name(writer), names.get(writer, {}), run.damage):
            run.point(point)
    run.status = status
    return (lines[0].time if lines else 0), run


def _points(path: Path, names: dict[int, Series], damage: list[str]) -> Iterable[RecordedPoint]:
    size = path.stat().st_size
    damage += [f"{skipped.file}: {skipped.reason}" for skipped in points.latest(path, 0, size, names).skipped]
    if size % points.SIZE:
        damage.append(f"{path.name}: torn at its end")
    columns = points.select(path, set(names))
    for key_id, flags, step, value in zip(columns.ids, columns.flags, columns.steps, columns.values, strict=True):
        name = names[key_id]
        yield RecordedPoint(name.key, step, value, bool(flags & LATE), name.model, name.dataset, name.digest)
