"""Which of the lists that processes keep in a store have something new to say.

Of each directory of lists it is remembered how it looked when its names were last compared, so that they are compared
again only when one was added or replaced, and which lists may still grow, so that only after these is asked.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, Text, cast, delete, func, select

from autotrack.event import Process
from autotrack.journal.lists import IN_USE_SECONDS, owner
from autotrack.store import medium
from autotrack.store.dialect import batches, upsert
from autotrack.store.fold import process_from, process_text
from autotrack.store.status import Alive
from autotrack.store.tables import lists, meta

_OLD_NS = 2 * IN_USE_SECONDS * 1_000_000_000
"""So long after its last line nothing is added to a list: an hour for its writer's clock to be another one."""
_FRESH_NS = 2_000_000_000
"""A directory that changed within this time may change again without its times showing it."""


class Found(NamedTuple):
    """A list with something new, or none to be expected."""

    inode: int
    start: int
    """From where to read it."""
    size: int


@dataclass(slots=True)
class Look:
    """What one look at a directory of lists found."""

    stamp: str | None = None
    """What to remember of the directory; ``None`` where that is right as it is."""
    lists: dict[str, Found] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.stamp is not None or bool(self.lists)


class Lists:
    """The lists in one directory of a store. Every method is given a connection to the index."""

    def __init__(self, store: Path, name: str) -> None:
        self.directory = store / name
        self.scope = name
        self._key = f"names of {name}"
        self._stamps: bool | None = None
        self._known: set[str] = set()
        """Entries that were in the index when this process compared the names last."""

    def look(self, connection: Connection, alive: Alive) -> Look:
        """See what is new: a constant number of questions to the file system, and one for each list in use."""
        found = Look()
        in_use = select(lists).where(lists.c.scope == self.scope, lists.c.growing.is_(True))
        for row in connection.execute(in_use):
            gone = alive[process_from(row.process)] is False  # asked before the size: nothing is added afterwards
            facts = _facts(self.directory / row.file)
            if facts is None or facts.st_size != row.size or gone or _old(facts):
                size = facts.st_size if facts is not None else 0
                found.lists[row.file] = Found(row.inode, row.offset if row.offset <= size else 0, size)
        stamp, settled = self._stamp()
        before = connection.scalar(select(meta.c.value).where(meta.c.name == self._key))
        if not stamp or stamp != before:
            if before is None:
                self._known = set()  # the index may have been begun anew
            found.lists |= self._added(connection)
            if settled:
                found.stamp = stamp
        return found

    def taken(self, connection: Connection, look: Look, ends: dict[str, int], alive: Alive) -> None:
        """Remember what was looked at, and up to where each list was read."""
        rows = []
        for name, (inode, start, size) in look.lists.items():
            process = _owner(self.directory / name)
            gone = alive[process] is False
            facts = _facts(self.directory / name)
            ended = facts is None or (facts.st_size == size and (gone or _old(facts)))
            end = ends.get(name, start)
            rows.append({"scope": self.scope, "file": name, "inode": inode, "offset": end, "size": max(size, end),
                         "process": "" if ended else process_text(process), "growing": not ended})  # fmt: skip
        upsert(connection, lists, rows)
        if look.stamp is not None:
            upsert(connection, meta, [{"name": self._key, "value": look.stamp}])

    def known(self, connection: Connection) -> list[str]:
        """All lists that were ever read and are still there."""
        names = connection.scalars(select(lists.c.file).where(lists.c.scope == self.scope))
        return [name for name in names if (self.directory / name).exists()]

    def forget(self, connection: Connection) -> None:
        """Have every list read again from its beginning."""
        connection.execute(delete(lists).where(lists.c.scope == self.scope))
        connection.execute(delete(meta).where(meta.c.name == self._key))

    def _added(self, connection: Connection) -> dict[str, Found]:
        """Lists of a name that is new, and those that were replaced, as whoever copies a store does it."""
        try:
            with os.scandir(self.directory) as entries:
                there = {f"{entry.inode()}:{entry.name}" for entry in entries if entry.name[0] != "."}
        except FileNotFoundError:
            return {}
        added = there - self._known
        if added and not self._known:
            own = lists.c
            # As one text, which takes a quarter of the time that ten thousand rows take; no name has a stroke in it.
            known = func.group_concat(cast(own.inode, Text) + ":" + own.file, "/")
            added -= set((connection.scalar(select(known).where(own.scope == self.scope)) or "").split("/"))
        found = self._news(connection, added)
        # Not those that this look finds: nobody knows yet whether they will be taken in.
        self._known = there - {f"{one.inode}:{name}" for name, one in found.items()}
        return found

    def _news(self, connection: Connection, added: set[str]) -> dict[str, Found]:
        """Those of some entries that the index does not know, or knows as another file."""
        own = lists.c
        found: dict[str, Found] = {}
        for some in batches(sorted(added)):
            inodes = {name: int(inode) for inode, _, name in (one.partition(":") for one in some)}
            listed = select(own.file, own.inode, own.offset).where(own.scope == self.scope, own.file.in_(inodes))
            known = {row.file: (row.inode, row.offset) for row in connection.execute(listed)}
            for name, inode in inodes.items():
                before, start = known.get(name, (None, 0))
                if before != inode and (facts := _facts(self.directory / name)) is not None:
                    found[name] = Found(inode, start if start <= facts.st_size else 0, facts.st_size)
        return found

    def _stamp(self) -> tuple[str, bool]:
        """How the directory looks from outside, empty where that says nothing; and whether the same look later proves
        that no entry was added meanwhile."""
        facts = _facts(self.directory)
        if facts is None:
            return "absent", True
        if self._stamps is None:
            self._stamps = medium.stamps_directories(self.directory)
        if not self._stamps:
            return "", False
        latest = max(facts.st_mtime_ns, facts.st_ctime_ns)
        return f"{facts.st_ino} {facts.st_mtime_ns} {facts.st_ctime_ns}", time.time_ns() - latest > _FRESH_NS


def _facts(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _old(facts: os.stat_result) -> bool:
    return time.time_ns() - facts.st_mtime_ns > _OLD_NS


def _owner(path: Path) -> Process | None:
    try:
        return owner(path)
    except OSError:
        return None
