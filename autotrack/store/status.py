"""The state of a run for which nobody wrote an end."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from autotrack.event import Process
from autotrack.journal import reader
from autotrack.journal.process import alive

LEASE_MS = 60_000
"""A writer that cannot be looked at and has been silent for longer may be lost; it beats every ten seconds."""
QUIET_MS = 10_000
"""How long a run is looked at after anything was written to it: whoever edits it announces only the first edit."""
FORGET_LOST_MS = 7 * 24 * 3_600_000
"""How long a run without an end whose writers' death cannot be proved is still looked at after the last sign."""


class Alive(dict[Process | None, bool | None]):
    """Whether processes live, each asked once: many runs may be of one process."""

    def __missing__(self, process: Process | None) -> bool | None:
        self[process] = found = alive(process)
        return found

    def of(self, processes: Mapping[str, Process | None]) -> list[bool | None]:
        """For each writer: alive, dead, or not provable."""
        return [self[process] for process in processes.values()]


def last_sign(directory: Path, files: reader.RunFiles, processes: Collection[str]) -> int:
    """When any of the writers last wrote or beat, in ms."""
    beats = [beat for writer in processes if (beat := reader.heartbeat(directory, writer)) is not None]
    return max([0, *beats, *(files.written.get(writer, 0) for writer in processes or files.written)])


def state(signs: Collection[bool | None], last: int, now: int) -> tuple[str, int | None]:
    """``(status, end time)``: what lives is RUNNING, what is proved dead KILLED, what is silent LOST."""
    if any(signs):
        return "RUNNING", None
    if signs and all(sign is False for sign in signs):
        return "KILLED", last
    return ("RUNNING", None) if now - last < LEASE_MS else ("LOST", last)


def settled(ended: bool, signs: Collection[bool | None], last: int, written: int, now: int) -> bool:
    """Whether nothing more is to be expected from a run's writers. ``written`` is when any file was last written."""
    if now - written < QUIET_MS:
        return False
    if signs and all(sign is False for sign in signs):
        return True
    if ended:  # whoever still has it open beats, and whoever adds to it later announces that
        return now - last > LEASE_MS
    return not any(signs) and now - last > FORGET_LOST_MS
