"""Which files a program means, and where they go among those of a run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from autotrack.exceptions import AutotrackException
from autotrack.journal.format import MARK
from autotrack.values import text


def below(source: Path) -> Iterator[tuple[Path, str]]:
    """Each file of a file or directory, and its path below it; raises for what is not there.

    A store that lies in the directory is left out; links to directories are not followed.
    """
    if not source.exists():
        raise AutotrackException.missing(f"there is no file {source}")
    if not source.is_dir():
        yield source, source.name
        return
    for place, directories, names in os.walk(source):
        directories[:] = sorted(name for name in directories if not Path(place, name, MARK).is_file())
        for name in sorted(names):
            file = Path(place, name)
            if file.is_file():
                yield file, file.relative_to(source).as_posix()


def relative(path: object) -> str:
    """The path of a run's file, with "/"; raises for one that is empty or leads out of them."""
    pure = PurePosixPath(text(path).replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts or not pure.parts or "\0" in str(pure):
        raise AutotrackException.invalid(f"{path!r} does not name a file below the run's artifacts")
    return str(pure)


def plain(path: str) -> str:
    """A path made of what every file system takes, for a name that is made of a key."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "/-_.") else "_" for c in path)[:100].replace("..", "_")
