"""The files of a run, as a client lists, adds and fetches them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path, PurePosixPath

from autotrack.entities import FileInfo
from autotrack.exceptions import AutotrackException
from autotrack.files import below


def inside(root: Path, path: str) -> Path:
    """The place of a relative path below ``root``; raises for one that leads out of it."""
    pure = PurePosixPath(str(path).replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts or "\0" in str(pure):
        raise AutotrackException.invalid(f"{path!r} does not name a file below the run's artifacts")
    place = root / pure
    if not place.resolve().is_relative_to(root.resolve()):
        raise AutotrackException.invalid(f"{path!r} leads out of the run's artifacts")
    return place


def listed(root: Path, path: str | None) -> list[FileInfo]:
    """What lies directly in a directory, by name; nothing for a file or for what is not there."""
    directory = inside(root, path) if path else root
    try:
        with os.scandir(directory) as entries:
            # A name with a dot before it is a file that is still being written.
            found = [entry for entry in entries if not entry.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []
    prefix = f"{PurePosixPath(path)}/" if path else ""
    return [
        FileInfo(prefix + entry.name, entry.is_dir(), None if entry.is_dir() else entry.stat().st_size)
        for entry in sorted(found, key=lambda entry: entry.name)
    ]


def put(root: Path, path: str, data: bytes | Path) -> int:
    """Keep bytes, or a copy of a file, at a place below ``root``; complete or not at all. Gives its size."""
    target = inside(root, path)
    if target == root:
        raise AutotrackException.invalid("the path of an artifact is empty; give it a name")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = target.with_name(f".{target.name[:80]}-{os.urandom(4).hex()}")
    if isinstance(data, bytes):
        temporary.write_bytes(data)
    else:
        shutil.copyfile(data, temporary)
    temporary.replace(target)
    return target.stat().st_size


def files_of(source: Path, directory: str | None) -> list[tuple[Path, str]]:
    """The files of a file or directory, each with the path that it gets below ``directory``."""
    before = f"{directory.strip('/')}/" if directory else ""
    return [(file, before + path) for file, path in below(source)]


def fetched(root: Path, path: str, destination: str | None) -> str:
    """An artifact's own place, or with ``destination`` the place of a copy below that directory."""
    place = inside(root, path) if path else root
    if not place.exists():
        raise AutotrackException.missing(f"the run has no artifact {path!r}; list_artifacts() names those it has")
    if destination is None:
        return str(place)
    copy = Path(destination).absolute() / PurePosixPath(path or "artifacts")
    copy.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir():
        shutil.copytree(place, copy, dirs_exist_ok=True)
    else:
        shutil.copyfile(place, copy)
    return str(copy)
