"""Taking records from a source to a place: what is there already is left alone, and what contradicts it is an error
before anything is written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from autotrack.exceptions import AutotrackException
from autotrack.exchange import journal, versions
from autotrack.exchange.place import PART_TAG, Local, Place, digest_of
from autotrack.exchange.record import Record, Source
from autotrack.journal.reader import events_name, metrics_name, valid_run_id


@dataclass(slots=True)
class Imported:
    """What came of an import."""

    runs: list[str] = field(default_factory=list)
    """Those that are new."""
    known: list[str] = field(default_factory=list)
    """Those that were there already, the same."""
    experiments: int = 0
    models: int = 0
    changes: int = 0
    """Changes of registered models that were new."""
    points: int = 0
    files: int = 0


def take(source: Source, to: Place, room: Path, told: Callable[[Imported], object] = lambda _: None) -> Imported:
    """Take all records of a source to a place, by way of its ``room``. ``told`` hears of every run.

    May be called again after it was stopped, and goes on where it was.
    """
    done = Imported()
    experiments = list(source.experiments())
    for one in experiments:
        to.known(one)
    for history in source.histories():
        if history:
            versions.missing(to.history, history)
    missing: list[str] = []
    different: list[str] = []
    for run_id in source.runs():
        if not valid_run_id(run_id):
            raise AutotrackException.invalid(f"{run_id!r} is no id of a run")
        there = to.record(run_id)
        if there is None:
            missing.append(run_id)
            continue
        match _compared(source.run(run_id), there, to, run_id, room):
            case "same":
                done.known.append(run_id)
            case "part":
                missing.append(run_id)
            case _:
                different.append(run_id)
    if different:
        named = ", ".join(one[:8] for one in different[:5]) + (" and more" if len(different) > 5 else "")
        raise AutotrackException(
            f"{len(different)} of the runs are in {to.client.tracking_uri} already and are not the same there: "
            f"{named}. Nothing was imported",
            "RESOURCE_CONFLICT",
        )
    ids = {one.name: to.begin(one) for one in experiments}
    done.experiments = len(ids)
    for run_id in done.known:
        if isinstance(to, Local):
            to.list(run_id)
    for run_id in missing:
        taken = source.run(run_id)
        written = journal.write(room / "run", taken, experiment_id=ids.get(taken.experiment))
        done.points, done.files = done.points + written.points, done.files + len(written.files)
        to.keep(run_id, room / "run")
        done.runs.append(run_id)
        told(done)
    for one in experiments:
        to.finish(one, ids[one.name])
    for history in source.histories():
        if history:
            done.models, done.changes = done.models + 1, done.changes + to.add(history)
    return done


def _compared(new: Record, there: Record, to: Place, run_id: str, room: Path) -> str:
    """Whether a run is the "same" where it goes, a "part" of it, or "other"."""
    try:
        journal.write(room / "new", new, experiment_id="0")
        marked = there.run.data.tags.pop(PART_TAG, None)
        if marked is not None:
            journal.write(room / "sent", new, experiment_id=there.run.info.experiment_id)
            return "part" if marked == digest_of(room / "sent") else "other"
        found = journal.write(room / "there", there, experiment_id="0", contents=False)
        same = there.experiment == new.experiment and all(
            _content(room / "new" / name) == _content(room / "there" / name)
            for name in (events_name(journal.WRITER), metrics_name(journal.WRITER))
        )
        return "same" if same and to.same_files(run_id, found, room / "new") else "other"
    finally:
        for name in ("new", "sent", "there"):
            shutil.rmtree(room / name, ignore_errors=True)


def _content(place: Path) -> bytes:
    return place.read_bytes() if place.exists() else b""
