"""The digest of a model directory, without reading a large one again that has not changed since it was last read.

What was found is kept in the user's cache directory, with the identity, size and times of change of every file. The
time of the last change of an inode cannot be set back by a program, so a file for which all of them are the same has
the content that was read.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autotrack.models import format  # noqa: A004 - the module's name, not the builtin
from autotrack.models.tree import Entry, entries

LARGE = 256 * 1024
"""Bytes of a directory that is worth a note: hashing them takes as long as reading the note, and they are arrays."""
GRAIN = 100_000_000
"""Nanoseconds within which a file system may give two changes one time."""


def digest(directory: Path, found: Sequence[Entry] | None = None) -> str:
    """What `format.digest` says of the directory; ``found`` is what lies there, for those who know."""
    facts = _facts(directory, found)
    if sum(fact[3] for fact in facts) < LARGE:
        return format.digest(directory)[0]
    note = _note(directory)
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(_own(note))
        if known["files"] == facts:
            return str(known["digest"])
    begun = time.time_ns()
    read = format.digest(directory)[0]
    if max(fact[5] for fact in facts) < begun - GRAIN and _facts(directory) == facts:
        _keep(note, read, facts)
    return read


def note(directory: Path, found: str, size: int) -> None:
    """Keep a digest that was found just now, by whoever made the directory."""
    if size >= LARGE:
        _keep(_note(directory), found, _facts(directory))


def _facts(directory: Path, found: Sequence[Entry] | None = None) -> list[list[Any]]:
    return [
        [name, fact.st_dev, fact.st_ino, fact.st_size, fact.st_mtime_ns, fact.st_ctime_ns]
        for name, _, fact in format.files(entries(directory) if found is None else found)
    ]


def _keep(name: str, found: str, facts: list[list[Any]]) -> None:
    with contextlib.suppress(OSError, RuntimeError):  # a home directory that cannot be written to costs time alone
        note = Path(name)
        note.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = note.with_name(f".{note.name}.{os.urandom(4).hex()}")
        temporary.write_text(json.dumps({"digest": found, "files": facts}), "utf-8")
        temporary.replace(note)


def _own(note: str) -> bytes:
    """A note's text, if nobody but the user can have written it."""
    with open(note, "rb", buffering=0) as file:
        for fact in (os.lstat(os.path.dirname(note)), os.fstat(file.fileno())):
            if not hasattr(os, "getuid") or fact.st_uid != os.getuid() or fact.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                return b""
        return file.read()


def _note(directory: Path) -> str:
    name = hashlib.sha256(os.fsencode(os.path.abspath(directory))).hexdigest()[:40]
    if sys.platform == "darwin":
        caches = f"{Path.home()}/Library/Caches"
    else:
        caches = os.environ.get("XDG_CACHE_HOME") or f"{Path.home()}/.cache"
    return f"{caches}/autotrack/verified/{name}.json"
