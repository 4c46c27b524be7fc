"""Taking runs out of a local store.

A run is set aside by one rename, looked at once more, and only then taken apart: what is killed at any moment leaves
each run whole where it was, whole beside it, or gone from every list. The next collection finishes: it puts back what
was only set aside, and takes apart the rest.

    <store>/removed/<run id>        set aside, not decided
    <store>/removed/.<run id>       decided; nothing reads it any more
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autotrack.exceptions import AutotrackException
from autotrack.journal.format import MARK
from autotrack.journal.lists import Opened
from autotrack.journal.reader import run_files, valid_run_id
from autotrack.sharing import CONTENT
from autotrack.sinks.uploads.outbox import outboxes
from autotrack.store.garbage.choice import Candidate
from autotrack.store.garbage.collected import Collected
from autotrack.store.garbage.policy import Policy
from autotrack.store.store import Store

FOLDER = "removed"


def collect(store: Store, policy: Policy, *, dry: bool = False) -> Collected:
    """Remove the runs that a policy names, with their journals, files, models, and the traces of them elsewhere in the
    store; with ``dry`` only say what that would be.

    Any process may write to the store meanwhile. Raises where another collection is under way, and where the store
    cannot be written; what was done until then stays done.
    """
    directory = store.directory
    with _told(directory), _alone(directory, dry=dry):
        if not dry:
            finish(directory)
        first = store.choice(policy)
        waiting = _waiting(directory)
        kept = dict(first.kept) | {one: waiting[one.run_id] for one in first.removed if one.run_id in waiting}
        found = {one: _measured(directory / "runs" / one.run_id) for one in first.removed if one not in kept}
        if not dry:
            # What was written since its size was taken is seen by the second choice, or by the size.
            again = {one.run_id for one in store.choice(policy).removed}
            found = {one: size for one, size in found.items() if one.run_id in again}
            found = _removed(store, found)
        sizes = {one: size.bytes for one, size in found.items()}
        return Collected(sizes, kept, _freed(found.values()))


def finish(directory: Path) -> None:
    """Bring to its end what a collection that was killed had begun."""
    aside = directory / FOLDER
    names = _names(aside)
    for name in names:
        if not name.startswith("."):
            _put_back(aside / name, directory / "runs" / name)
    _announce(directory, [name.removeprefix(".") for name in names])
    for name in names:
        if name.startswith("."):
            shutil.rmtree(aside / name)
    with contextlib.suppress(OSError):
        aside.rmdir()
    _forget_content(directory)


@dataclass(slots=True)
class _Size:
    bytes: int = 0
    journal: Mapping[str, int] = field(default_factory=dict)
    files: dict[tuple[int, int], tuple[int, int, int]] = field(default_factory=dict)
    """For each file its size, how many names it has, and how many of them here."""


def _removed(store: Store, found: Mapping[Candidate, _Size]) -> dict[Candidate, _Size]:
    """Set the runs aside, and take those apart that nobody has touched since they were measured."""
    directory = store.directory
    aside = directory / FOLDER
    there: list[Candidate] = []
    if found:
        aside.mkdir(mode=0o700, exist_ok=True)
    for one in found:
        with contextlib.suppress(FileNotFoundError):  # somebody else has taken it away
            (directory / "runs" / one.run_id).rename(aside / one.run_id)
            there.append(one)
    promoted = store.registered(there) if there else {}
    decided: dict[Candidate, _Size] = {}
    for one in there:
        files = run_files(aside / one.run_id)
        same = files is not None and files.sizes == found[one].journal and one.run_id not in promoted
        if same:
            (aside / one.run_id).rename(aside / f".{one.run_id}")
            decided[one] = found[one]
    finish(directory)
    return decided


def _put_back(aside: Path, place: Path) -> None:
    """Have a run where it was; what somebody has written there meanwhile stays beside its files."""
    try:
        aside.rename(place)
    except OSError:
        if not place.is_dir() or not aside.is_dir():
            raise
        for entry in sorted(aside.iterdir()):
            if not (place / entry.name).exists():
                entry.rename(place / entry.name)
            elif entry.is_dir():
                _put_back(entry, place / entry.name)
        shutil.rmtree(aside, ignore_errors=True)


def _announce(directory: Path, run_ids: Iterable[str]) -> None:
    """Have every index of this store, wherever it lies, look at some runs again."""
    ids = [run_id for run_id in run_ids if valid_run_id(run_id)]
    if ids:
        Opened(directory).add(*ids)


def _forget_content(directory: Path) -> None:
    """Remove the notes about where a content lies that lead nowhere."""
    for note in (directory / CONTENT).glob("*/*"):
        with contextlib.suppress(FileNotFoundError):  # somebody wrote it anew at this moment
            if not (directory / note.read_text("utf-8")).is_file():
                note.unlink()


def _waiting(directory: Path) -> dict[str, str]:
    """The runs of which a server does not have everything yet, with the reason to keep each."""
    return {
        run_id: f"it is still to be sent to {outbox.server.uri}; `autotrack sync` sends it"
        for outbox in outboxes(directory)
        for run_id in outbox.waiting()
    }


def _measured(run: Path) -> _Size:
    files = run_files(run)
    found = _Size(journal=files.sizes if files is not None else {})
    for place, _, names in os.walk(run):
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # a sign of life, or a file under another name by then
                facts = Path(place, name).lstat()
                found.bytes += facts.st_size
                _, _, count = found.files.get((facts.st_dev, facts.st_ino), (0, 0, 0))
                found.files[facts.st_dev, facts.st_ino] = facts.st_size, facts.st_nlink, count + 1
    return found


def _freed(sizes: Iterable[_Size]) -> int:
    """What is free once all of these files' names are gone."""
    together: dict[tuple[int, int], tuple[int, int, int]] = {}
    for size in sizes:
        for inode, (length, names, count) in size.files.items():
            together[inode] = length, names, together.get(inode, (0, 0, 0))[2] + count
    return sum(length for length, names, count in together.values() if count >= names)


def _names(directory: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in directory.iterdir())
    except FileNotFoundError:
        return []


@contextlib.contextmanager
def _alone(directory: Path, *, dry: bool) -> Iterator[None]:
    """One collection at a time, as far as the file system has locks."""
    if dry or not (directory / MARK).exists():
        yield
        return
    with (directory / MARK).open("rb") as mark:
        try:
            import fcntl  # not on every system

            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AutotrackException(
                f"another collection of {directory} is under way; try again when it is done", "TEMPORARILY_UNAVAILABLE"
            ) from None
        except (ImportError, OSError):  # no locks here: two that meet put back what the other one set aside
            pass
        yield


@contextlib.contextmanager
def _told(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AutotrackException(
            f"{error.filename or directory} cannot be removed: {error.strerror or error}; the next collection goes on"
        ) from error
