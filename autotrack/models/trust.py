"""Whether a model directory is what was recorded when it was logged, in a store that only its user can change."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from autotrack.event import ModelLogged, decode


def recorded(run_directory: Path, path: str) -> set[str]:
    """The digests under which a model at ``path`` below the run's artifacts was logged."""
    digests: set[str] = set()
    for journal in sorted(run_directory.glob("events-*.jsonl")):
        with journal.open("rb") as lines:
            for line in lines:
                if b'"model"' not in line or not line.endswith(b"\n"):
                    continue
                try:
                    found = decode(line)
                except ValueError:
                    continue
                if found and isinstance(found[1], ModelLogged) and found[1].path == path and found[1].digest:
                    digests.add(found[1].digest)
    return digests


def doubt(store: Path, directory: Path) -> str:
    """Why a store cannot vouch for a model directory in it; empty if it can.

    It can if the store, the run's files and the model's belong to the user, nobody else may write to them, and no
    directory above lets another user put something else in their place.
    """
    if not hasattr(os, "getuid"):
        return "this system does not tell who owns a file"
    store, directory = store.resolve(), directory.resolve()
    for parent in store.parents:
        facts = parent.stat()
        if facts.st_uid not in (0, os.getuid()):
            return f"{parent} belongs to another user"
        if _others_write(facts) and not facts.st_mode & stat.S_ISVTX:
            return f"others may write to {parent}"
    chain = [*reversed([parent for parent in directory.parents if parent.is_relative_to(store)]), directory]
    run = str(chain[2]) if len(chain) > 2 else ""
    names = os.listdir(run) if run else []  # noqa: PTH208 - a Path for each would cost more than all that is asked
    journals = [f"{run}/{name}" for name in names if name.startswith("events-") and name.endswith(".jsonl")]
    above = [str(path) for path in chain[:3]]
    private = False
    for path in (*above, *journals, *map(str, chain[3:]), *_below(str(directory))):
        facts = os.lstat(path)
        if facts.st_uid != os.getuid():
            return f"{path} belongs to another user"
        if not private and _others_write(facts):
            return f"others may write to {path}"
        # What lies below a directory that only its owner may enter is as private, whatever its own mode.
        private = private or (path in above and not facts.st_mode & 0o077)
    return ""


def _below(directory: str) -> Iterator[str]:
    with os.scandir(directory) as entries:
        for entry in entries:
            yield entry.path
            if entry.is_dir(follow_symlinks=False):
                yield from _below(entry.path)


def _others_write(facts: os.stat_result) -> bool:
    if stat.S_ISLNK(facts.st_mode):
        return False
    return bool(facts.st_mode & stat.S_IWOTH) or bool(facts.st_mode & stat.S_IWGRP and not _own_group(facts.st_gid))


def _own_group(gid: int) -> bool:
    """Whether a group has the user as its only member, as most Linux systems make one for each user."""
    import grp  # this and pwd exist only where users do
    import pwd  # only where users do

    try:
        user, group = pwd.getpwuid(os.getuid()), grp.getgrgid(gid)
    except KeyError:
        return False
    return user.pw_gid == gid and group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}
