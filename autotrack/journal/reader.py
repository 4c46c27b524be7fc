"""Reading what other processes are still writing: events, and the lists of opened runs.

Every function takes the offset where the last reading stopped and returns the offset where the next one starts.
What cannot be read is skipped and reported, never raised: one damaged line does not hide the others.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from autotrack.event import Event, decode

_RUN_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9_-]{0,254}")
_INT64 = 1 << 63


@dataclass(frozen=True, slots=True)
class Skipped:
    """A place in a journal that could not be read."""

    file: str
    offset: int
    reason: str


@dataclass(frozen=True, slots=True)
class Line:
    """An event and its place; ``order`` is the order of events that several writers wrote."""

    time: int
    writer: str
    offset: int
    event: Event

    @property
    def order(self) -> tuple[int, str, int]:
        """What lines are sorted by."""
        return self.time, self.writer, self.offset


@dataclass(frozen=True, slots=True)
class Events:
    """What one reading of an events file gave; ``end`` is where the next one starts."""

    lines: list[Line]
    end: int
    skipped: list[Skipped]


@dataclass(frozen=True, slots=True)
class RunFiles:
    """The journal files of one run: for each writer their sizes in bytes, and when it last wrote, in ms."""

    events: dict[str, int]
    metrics: dict[str, int]
    written: dict[str, int]

    @property
    def newest(self) -> int:
        """When any of the files was last written, in ms."""
        return max(self.written.values(), default=0)

    @property
    def sizes(self) -> dict[str, int]:
        """The size of each file by its name."""
        return {events_name(w): size for w, size in self.events.items()} | {
            metrics_name(w): size for w, size in self.metrics.items()
        }


def events_name(writer: str) -> str:
    """The name of a writer's events file."""
    return f"events-{writer}.jsonl"


def metrics_name(writer: str) -> str:
    """The name of a writer's metric points file."""
    return f"metrics-{writer}.bin"


def valid_run_id(run_id: str) -> bool:
    """Whether a text can be a run's id, and so is safe as the name of a directory."""
    return run_id.isascii() and bool(_RUN_ID.fullmatch(run_id.encode("ascii")))


def run_files(directory: Path) -> RunFiles | None:
    """The journal files in a run's directory, ``None`` if there is no such directory."""
    events: dict[str, int] = {}
    metrics: dict[str, int] = {}
    written: dict[str, int] = {}
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                stem, dash, rest = entry.name.partition("-")
                if not dash or stem not in ("events", "metrics", "alive"):
                    continue
                try:
                    facts = entry.stat()
                except FileNotFoundError:
                    continue  # a heartbeat that ended between the two calls
                writer = rest.removesuffix(".jsonl").removesuffix(".bin")
                written[writer] = max(written.get(writer, 0), facts.st_mtime_ns // 1_000_000)
                if stem == "events" and rest.endswith(".jsonl"):
                    events[writer] = facts.st_size
                elif stem == "metrics" and rest.endswith(".bin"):
                    metrics[writer] = facts.st_size
    except (FileNotFoundError, NotADirectoryError):
        return None
    return RunFiles(events, metrics, written)


def read_events(path: Path, start: int = 0) -> Events:
    """The whole lines of an events file from ``start`` on.

    A last line without its newline may still grow: it is left for the next reading. Kinds that this version does
    not know are passed over; a line that is no event is reported.
    """
    data = _from(path, start)
    writer = path.name.removeprefix("events-").removesuffix(".jsonl")
    lines: list[Line] = []
    skipped: list[Skipped] = []
    whole = data[: data.rfind(b"\n") + 1]
    offset = start
    for text in whole.splitlines(keepends=True) if b"\r" not in whole else _lines(whole):
        if text != b"\n":
            try:
                found = decode(text)
                if found is not None:
                    if not -_INT64 <= found[0] < _INT64:
                        raise ValueError("a time beyond 64 bits")
                    lines.append(Line(found[0], writer, offset, found[1]))
            except (ValueError, OverflowError) as error:
                skipped.append(Skipped(path.name, offset, f"broken line ({error})"[:200]))
        offset += len(text)
    return Events(lines, offset, skipped)


def read_opened(path: Path, start: int = 0) -> tuple[list[str], int]:
    """The run ids that a writer has listed since ``start``, and the offset to go on from."""
    data = _from(path, start)
    whole = data[: data.rfind(b"\n") + 1]
    names = [name for name in whole.split(b"\n") if _RUN_ID.fullmatch(name)]
    return [name.decode("ascii") for name in names], start + len(whole)


def heartbeat(directory: Path, writer: str) -> int | None:
    """When a writer last said that it lives, in ms; ``None`` if it never did or has closed."""
    try:
        return int((directory / f"alive-{writer}").read_bytes()[:20])
    except (OSError, ValueError):
        return None


def _lines(data: bytes) -> list[bytes]:
    # A carriage return inside a damaged line is no end of a line.
    return [line + b"\n" for line in data.split(b"\n")[:-1]]


def _from(path: Path, start: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read()
