"""Whether a model directory is what was recorded when it was logged, in a store that only its user can change."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from autotrack.event import ModelLogged, decode
from autotrack.models.tree import Entry, entries


def journals(run_directory: Path) -> list[str]:
    """The files that say what was logged to a run."""
    names = os.listdir(run_directory)
    return sorted(f"{run_directory}/{name}" for name in names if name.startswith("events-") and name.endswith(".jsonl"))


def recorded(journals: Iterable[str], path: str) -> set[str]:
    """The digests under which a model at ``path`` below the run's artifacts was logged."""
    digests: set[str] = set()
    for journal in journals:
        with open(journal, "rb", buffering=0) as file:
            text = file.read()
        end = 0
        # A journal may hold a hundred thousand other lines; they are passed over, not looked at one by one.
        while (at := text.find(b'"model_id"', end)) >= 0 and (end := text.find(b"\n", at) + 1):
            try:
                found = decode(text[text.rfind(b"\n", 0, at) + 1 : end])
            except ValueError:
                continue
            if found and isinstance(found[1], ModelLogged) and found[1].path == path and found[1].digest:
                digests.add(found[1].digest)
    return digests


def doubt(store: Path, directory: Path, found: Sequence[Entry] | None = None) -> str:
    """Why a store cannot vouch for a model directory among its runs' artifacts; empty if it can.

    It can if the store, the run's files and the model's belong to the user, nobody else may write to them, and no
    directory above lets another user put something else in their place. ``found`` is what lies in the directory, for
    those who know.
    """
    if not hasattr(os, "getuid"):
        return "this system does not tell who owns a file"
    user, root = os.getuid(), str(store)
    run = Path(root, *directory.relative_to(store).parts[:2])
    chain = _chain(str(directory))
    real, real_run = next(reversed(chain)), str(run)
    tops: tuple[str, ...] = (root,)
    if real != str(directory):  # a link on the way may lead out of the store
        to_run = _chain(real_run)
        real_run = next(reversed(to_run))
        chain, tops = {**to_run, **chain}, (os.path.realpath(root), real_run, real)
    within = tuple(top + os.sep for top in tops)
    private = ""
    for path, facts in chain.items():
        if path in tops or path.startswith(within):
            if facts.st_uid != user:
                return f"{path} belongs to another user"
            if not (private and path.startswith(private)) and _others_write(facts):
                return f"others may write to {path}"
            # What lies below a directory that only its owner may enter is as private, whatever its own mode.
            private = private or ("" if facts.st_mode & 0o077 else path + os.sep)
        elif facts.st_uid not in (0, user):
            return f"{path} belongs to another user"
        elif _others_write(facts) and not facts.st_mode & stat.S_ISVTX:
            return f"others may write to {path}"
    files = [(path, os.lstat(path), real_run) for path in journals(run)]
    files += [(entry.path, entry.facts, real) for entry in (entries(directory) if found is None else found)]
    for path, facts, place in files:
        if facts.st_uid != user:
            return f"{path} belongs to another user"
        if not (private and (place + os.sep).startswith(private)) and _others_write(facts):
            return f"others may write to {path}"
    return ""


def _chain(path: str) -> dict[str, os.stat_result]:
    """Every directory from the root of the file system to this one, links resolved."""
    found: dict[str, os.stat_result] = {}
    end = 0
    while end >= 0:
        end = path.find(os.sep, end + 1)
        place = path if end < 0 else path[:end]
        found[place] = facts = os.lstat(place)
        if stat.S_ISLNK(facts.st_mode):
            return _chain(os.path.realpath(path))
    return {os.sep: os.lstat(os.sep), **found}


def _others_write(facts: os.stat_result) -> bool:
    if not facts.st_mode & (stat.S_IWOTH | stat.S_IWGRP) or stat.S_ISLNK(facts.st_mode):
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
