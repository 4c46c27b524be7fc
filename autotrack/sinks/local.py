"""The sink that is a directory of this machine."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from autotrack.event import Event, ExperimentCreated, Joined, RunCreated
from autotrack.exceptions import AutotrackException
from autotrack.journal.format import MARK, VERSION
from autotrack.journal.lists import ANNOUNCE_SECONDS, Experiments, Opened
from autotrack.journal.writer import RunWriter
from autotrack.sinks import heartbeat


def check_store(directory: Path) -> bool:
    """Whether a directory is a store of ours; ``False`` if it is empty or absent and may become one.

    Raises for anything else, before a byte is written there.
    """
    version = _format_of(directory)
    if version is None and _holds_files(directory):
        version = _format_of(directory)  # another process may have made the store between the two looks
        if version is None:
            raise AutotrackException.invalid(
                f"{directory} holds files that autotrack did not make; name an empty or a new directory"
            )
    if version is None:
        return False
    if version > VERSION:
        raise AutotrackException.invalid(
            f"{directory} was written by a newer autotrack (format {version}, this one reads {VERSION}); "
            "upgrade with `pip install -U autotrack-ml`"
        )
    return True


def _format_of(directory: Path) -> int | None:
    try:
        mark = json.loads((directory / MARK).read_text())
        return int(mark["format"]) if mark.get("product") == "autotrack" else None
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        raise AutotrackException.invalid(f"{directory} is not a directory; name one to keep runs in") from None
    except (ValueError, TypeError, AttributeError, KeyError):
        raise AutotrackException.invalid(
            f"{directory / MARK} is damaged; restore it from a copy of the store"
        ) from None


def _holds_files(directory: Path) -> bool:
    # What a process that is just making the store has begun is no file of somebody else's.
    return directory.is_dir() and any(not entry.name.startswith(f".{MARK}-") for entry in directory.iterdir())


def make_store(directory: Path) -> None:
    """Make sure that a directory is a store of ours."""
    if check_store(directory):
        return
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, text in ((MARK, json.dumps({"product": "autotrack", "format": VERSION}) + "\n"), (".gitignore", "*\n")):
        # Complete or absent, whoever else makes the same store at this moment; the mark comes before all else.
        temporary = directory / f".{name}-{os.getpid()}-{os.urandom(4).hex()}"
        temporary.write_text(text)
        temporary.replace(directory / name)


class LocalStream:
    """A process's files in one run of a local store."""

    def __init__(self, directory: Path, opened: Opened | None = None, *, joined: bool = False) -> None:
        self._writer = RunWriter(directory)
        self._opened = opened
        # Another process may have ended a run that this one has joined.
        self._ended = joined
        self._announced = time.monotonic()
        self.artifacts = directory / "artifacts"
        # Bound here: the way of a logged value from the program to the kernel is as short as it can be.
        self.event = self._writer.event
        self.point = self._writer.point
        self.points = self._writer.points
        self.exact = self._writer.exact

    def close(self) -> None:
        """See :class:`~autotrack.sinks.base.Stream`. What is added to a run that has ended is announced, as nobody
        looks at such a run any more."""
        self._writer.close()
        if self._ended and self._opened is not None and time.monotonic() - self._announced >= ANNOUNCE_SECONDS:
            self._opened.add(self._writer.directory.name)
            self._announced = time.monotonic()
        self._ended = True


class LocalSink:
    """Keeps runs below a directory, which it makes when the first run opens."""

    def __init__(self, directory: Path) -> None:
        check_store(directory)
        self.directory = directory
        self.uri = str(directory)
        self._opened = Opened(directory)
        self._experiments = Experiments(directory)

    def open(self, run_id: str, first: RunCreated | Joined, time_ms: int | None = None) -> LocalStream:
        """See :class:`~autotrack.sinks.base.Sink`."""
        make_store(self.directory)
        directory = self.directory / "runs" / run_id
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        stream = LocalStream(directory, self._opened, joined=isinstance(first, Joined))
        stream.event(first, time_ms)
        # Listed after its first event is there, so that an indexer never meets an empty run.
        self._opened.add(run_id)
        heartbeat.start()
        return stream

    def experiment(self, event: ExperimentCreated) -> None:
        """See :class:`~autotrack.sinks.base.Sink`."""
        self.experiment_event(event)

    def experiment_event(self, event: Event) -> None:
        """Append any fact about an experiment."""
        make_store(self.directory)
        self._experiments.add(event)

    def has(self, run_id: str) -> bool:
        """See :class:`~autotrack.sinks.base.Sink`."""
        return run_id.isalnum() and (self.directory / "runs" / run_id).is_dir()
