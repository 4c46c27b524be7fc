"""The registry's log on disk: one file a change, each holding the hash of the one before.

`docs/registry.md` specifies it. A file is complete when it appears and is never written again. Its name is the next
number; of several writers who want the same one, one gets it, on network file systems too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from autotrack.exceptions import AutotrackException
from autotrack.store.registry.changes import Entry, body, parsed

DIRECTORY = "registry"
START = "0" * 64
"""What stands for the hash of the entry before the first."""

_FILE = re.compile(rb'(?P<body>\{.*),"hash":"(?P<hash>[0-9a-f]{64})"\}\n', re.DOTALL)
_NAME = re.compile(r"([1-9]\d*)\.json")


class Taken(Exception):
    """Another writer has got the number."""


class Broken(AutotrackException):
    """An entry is not what was written, or is missing."""

    def __init__(self, path: Path | str, number: int, reason: str) -> None:
        super().__init__(f"entry {number} of the registry ({path}) {reason}", "INVALID_STATE")
        self.number = number
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look at the whole log found. ``head`` is the hash of its last sound entry."""

    entries: int
    head: str
    problems: tuple[str, ...] = ()


def path_of(directory: Path, number: int) -> Path:
    """Where an entry lies."""
    return directory / DIRECTORY / f"{number}.json"


def exists(directory: Path, number: int) -> bool:
    """Whether there is an entry of a number."""
    return path_of(directory, number).exists()


def read(directory: Path, number: int, before: str | None = None) -> Entry | None:
    """An entry, ``None`` where there is none; :class:`Broken` if it is not what was written or follows another entry
    than the one whose hash is ``before``."""
    path = path_of(directory, number)
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Broken(path, number, f"cannot be read: {error.strerror or error}") from None
    return entry_in(text, str(path), number, before)


def entry_in(text: bytes, place: str, number: int, before: str | None = None) -> Entry:
    """The entry of a file's content, checked as :func:`read` does; ``place`` is what an error calls it."""
    found = _FILE.fullmatch(text)
    if found is None or sha256(found["body"]).hexdigest() != found["hash"].decode():
        raise Broken(place, number, "was changed or damaged: its content does not have the hash that it states")
    try:
        entry, states = parsed(found["body"] + b"}")
    except ValueError as error:
        raise Broken(place, number, f"cannot be read: {error}") from None
    if entry.number != number:
        raise Broken(place, number, f"was moved: it says that it is entry {entry.number}")
    if before is not None and states != before:
        raise Broken(place, number, f"does not follow entry {number - 1}: one of them was replaced")
    return replace(entry, hash=found["hash"].decode())


def append(directory: Path, entry: Entry, before: str) -> Entry:
    """Write the next entry and give it with its hash; :class:`Taken` if somebody was faster."""
    entry, text = sealed(entry, before)
    target = path_of(directory, entry.number)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = target.with_name(f".{entry.number}-{os.getpid()}-{os.urandom(8).hex()}")
    try:
        with temporary.open("xb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _link(temporary, target)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
    _settle(target.parent)
    return entry


def sealed(entry: Entry, before: str) -> tuple[Entry, bytes]:
    """An entry with its hash, and the content of its file."""
    text = body(entry, before)[:-1]
    digest = sha256(text).hexdigest()
    return replace(entry, hash=digest), text + b',"hash":"' + digest.encode() + b'"}\n'


def _link(temporary: Path, target: Path) -> None:
    try:
        os.link(temporary, target)
    except OSError as error:
        # The answer of a network file system may be lost, and the repeated request fail although the first did not.
        if temporary.stat().st_nlink == 2:
            return
        if isinstance(error, FileExistsError):
            raise Taken from None
        raise AutotrackException(
            f"{target} cannot be written: {error.strerror or error}; nothing was changed. The registry needs a file "
            "system with hard links"
        ) from error


def _settle(directory: Path) -> None:
    """Have the new name survive a power loss, where directories can be synchronised."""
    with suppress(OSError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def numbers(directory: Path) -> list[int]:
    """The numbers of all entries, in order."""
    try:
        with os.scandir(directory / DIRECTORY) as entries:
            names = [entry.name for entry in entries]
    except FileNotFoundError:
        return []
    return sorted(int(found[1]) for name in names if (found := _NAME.fullmatch(name)))


def entries(directory: Path) -> Iterator[Entry]:
    """Every entry in order, each checked against the one before; :class:`Broken` at the first that is not sound."""
    before, last = START, 0
    for number in numbers(directory):
        if number != last + 1:
            raise Broken(path_of(directory, last + 1), last + 1, f"is missing, and entry {number} is there")
        entry = read(directory, number, before)
        if entry is None:
            return  # removed since the numbers were listed
        yield entry
        before, last = entry.hash, number


def verify(directory: Path, head: str | None = None) -> Verdict:
    """Read the whole log again. ``head`` is a hash that was noted elsewhere: the log must still hold its entry."""
    count, last, seen = 0, START, not head
    problems: list[str] = []
    wanted = (head or "").strip().lower()
    try:
        for entry in entries(directory):
            count, last = entry.number, entry.hash
            seen = seen or last == wanted
    except Broken as error:
        problems.append(error.message)
    if not seen:
        problems.append(lost(wanted))
    return Verdict(count, last if count else "", tuple(problems))


def lost(wanted: str) -> str:
    """What is wrong where no entry has a hash that was noted."""
    return (
        f"no entry has the hash {wanted}: the log was cut or written anew since that hash was noted, or the hash is of "
        "another registry"
    )
