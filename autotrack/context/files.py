"""The files of a context, below ``context/`` among those of a run."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

NAME = "context"
"""The directory among the run's files."""
TAG = "autotrack.context"
"""The tag of a run that names the run in whose files its context lies, where that is not itself."""
CODE, CHANGES, ENVIRONMENT = "code.json", "changes.diff", "environment.json"
PACKAGES, LAUNCH, CELLS = "packages.json", "launch.json", "cells.py"


def document(value: Any) -> bytes:
    """A fact as the text of its file."""
    return (json.dumps(value, indent=1) + "\n").encode("ascii")


def put(path: Path, data: bytes) -> int:
    """Write a file: complete or not at all, and never into one that another run has too. Gives its size."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name[:40]}-{os.urandom(4).hex()}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        with open(fd, "wb") as file:  # noqa: PTH123 - a descriptor
            file.write(data)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return len(data)


def listed(directory: Path) -> list[tuple[str, int]]:
    """Each file below a context, with its size, under its path among the run's files."""
    found = []
    for place, directories, names in os.walk(directory):
        directories.sort()
        for name in sorted(names):
            if not name.startswith("."):
                file = Path(place, name)
                found.append((f"{NAME}/{file.relative_to(directory).as_posix()}", file.stat().st_size))
    return found


def give(source: Path, target: Path) -> list[tuple[str, int]]:
    """Let another run have the files too, without taking their space again where the file system can do that."""
    names = listed(source)
    for name, _ in names:
        inner = name.removeprefix(f"{NAME}/")
        place = target / inner
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            place.hardlink_to(source / inner)
        except FileExistsError:
            continue
        except OSError:
            shutil.copyfile(source / inner, place)
    return names


def imported(packages: Iterable[Mapping[str, Any]], modules: Sequence[str]) -> dict[str, str]:
    """The distributions that bring the modules which a program has imported, with their versions."""
    there = set(modules)
    return {
        str(package["name"]): str(package["version"])
        for package in packages
        if not there.isdisjoint(package["modules"])
    }
