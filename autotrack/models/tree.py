"""What lies in a model directory, asked of the file system once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple


class Entry(NamedTuple):
    """A file or directory below another, with what the system says of it; a link is not followed."""

    name: str
    """Relative to the directory that was asked about, with "/" whatever the system."""
    path: str
    facts: os.stat_result


def entries(directory: Path | str, prefix: str = "") -> list[Entry]:
    """All that lies below a directory, in the order of the names."""
    found: list[Entry] = []
    with os.scandir(directory) as inside:
        for entry in inside:
            name = prefix + entry.name
            found.append(Entry(name, entry.path, os.lstat(entry.path)))
            if entry.is_dir(follow_symlinks=False):
                found += entries(entry.path, name + "/")
    found.sort()
    return found
