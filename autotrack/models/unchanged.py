"""Model directories that this process has found in order, which need not be looked through again while nothing of them
changes.

As in `autotrack.models.verified`, files whose identity, size and times are the same have the content that was read.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path

from autotrack.models import verified
from autotrack.models.tree import entries

MOST = 1000
"""Directories that are remembered at a time."""

Facts = tuple[int, ...]

_known: dict[Hashable, Mapping[str, Facts]] = {}


class Look:
    """What the system says of a directory, and of the journals that tell of it, before they are read."""

    def __init__(self, directory: Path, journals: Iterable[str]) -> None:
        self._begun = time.time_ns()
        self.found = entries(directory)
        """What lies in the directory."""
        self._facts = {str(above): _place(os.lstat(above)) for above in directory.parents}
        self._facts |= {path: _content(os.lstat(path)) for path in (str(directory), *journals)}
        self._facts |= {path: _content(facts) for _, path, facts in self.found}

    def keep(self, key: Hashable) -> None:
        """Remember that all was in order; not where a link leads elsewhere, nor what changed so short a time ago that
        another change could carry the same time."""
        newest = self._begun - verified.GRAIN
        if any(stat.S_ISLNK(facts[0]) or max(facts[5:7], default=0) >= newest for facts in self._facts.values()):
            return
        if len(_known) >= MOST:
            _known.clear()
        _known[key] = self._facts


def since(key: Hashable) -> bool:
    """Whether all that was kept under the key is as it was then."""
    try:
        for path, known in _known[key].items():
            facts = os.lstat(path)
            if (_place(facts) if len(known) == 5 else _content(facts)) != known:
                return False
    except (KeyError, OSError):
        return False
    return True


def forget() -> None:
    """Remember nothing, as a new process does."""
    _known.clear()


def _place(facts: os.stat_result) -> Facts:
    """What a directory is and who may write there, whatever comes and goes in it."""
    return facts.st_mode, facts.st_uid, facts.st_gid, facts.st_dev, facts.st_ino


def _content(facts: os.stat_result) -> Facts:
    return (*_place(facts), facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size)
