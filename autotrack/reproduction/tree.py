"""The code of a run, put together again in a directory of its own."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from autotrack.analysis.difference import changed
from autotrack.exceptions import AutotrackException
from autotrack.reproduction.git import checkout, git, has
from autotrack.reproduction.recipe import CELLS, Problem, Recipe

_BINARY = re.compile(rb"^Binary files .* differ$", re.MULTILINE)
_INDEX = re.compile(rb"^index ([0-9a-f]{40,64})\.\.([0-9a-f]{40,64})", re.MULTILINE)


def source_of(recipe: Recipe, candidates: Sequence[Path]) -> Path | None:
    """The first repository of this machine that has the run's commit: where the code lay then, else one of these."""
    if recipe.commit is None:
        return None
    return next((one for one in (*candidates, recipe.root) if one.is_dir() and has(one, recipe.commit)), None)


def build(recipe: Recipe, target: Path, source: Path | None) -> list[Problem]:
    """Write the code to a new directory: the commit, the difference from it, and the files beside; gives what could not
    be put back."""
    problems: list[Problem] = []
    record = recipe.record
    if recipe.commit is not None:
        remote = record.code.get("remote")
        checkout(target, recipe.commit, source=source, remote=str(remote) if remote else None)
        problems += _changed(target, record.changes, recipe.root)
        for number, one in enumerate(record.code.get("submodules") or ()):
            problems += _submodule(recipe, target, source, number, one)
    else:
        target.mkdir(parents=True, exist_ok=True)
    for name, file in record.files.items():
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)
    problems += _left_out(recipe, target, source)
    if record.launch.get("kind") == "notebook" and (record.directory / "cells.py").is_file():
        shutil.copyfile(record.directory / "cells.py", target / CELLS)
    return problems


def _left_out(recipe: Recipe, target: Path, source: Path | None) -> Iterator[Problem]:
    """Files that lay beside the code and are not in the record, being large or no text: as they are today."""
    for one in (recipe.record.code.get("left_out") or {}).get("names", ()):
        name = str(one["path"])
        there = next((root / name for root in (recipe.root, source) if root and (root / name).is_file()), None)
        if there is None:
            yield Problem(f"{name} is not in the record, and not where it was")
        elif (target / name).resolve().is_relative_to(target.resolve()) and not (target / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(there, target / name)
            yield Problem(f"{name} is not in the record; {there} is used as it is today")


def _submodule(
    recipe: Recipe, target: Path, source: Path | None, number: int, one: dict[str, Any]
) -> Iterator[Problem]:
    path, commit, remote = str(one["path"]), one.get("commit"), one.get("remote")
    place = target / path
    if not commit or not place.resolve().is_relative_to(target.resolve()):
        yield Problem(f"the submodule {path} had no commit, and is missing")
        return
    near = [root / path for root in (source, recipe.root) if root is not None]
    found = next((there for there in near if (there / ".git").exists() and has(there, str(commit))), None)
    try:
        checkout(place, str(commit), source=found, remote=str(remote) if remote else None)
    except AutotrackException as error:
        yield Problem(f"the submodule {path} is missing: {error.message}")
        return
    difference = recipe.record.directory / "submodules" / f"{number}.diff"
    if difference.is_file():
        yield from _changed(place, difference.read_bytes(), recipe.root / path)


def _changed(target: Path, changes: bytes, root: Path) -> Iterator[Problem]:
    """Apply a difference. Of a binary file it holds no content: what lies in the old place is taken if it is that."""
    pieces = changed(changes)
    binary = [name for name, piece in pieces.items() if _BINARY.search(piece)]
    if len(binary) < len(pieces):
        excluded = [f"--exclude={name}" for name in binary]
        git(target, "apply", "--whitespace=nowarn", *excluded, "-", data=changes)
    for name in binary:
        there = root / name
        index = _INDEX.search(pieces[name])
        if index and set(index[2]) == {ord("0")}:
            (target / name).unlink(missing_ok=True)
        elif index and there.is_file() and _blob(there) == index[2].decode():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(there, target / name)
        else:
            yield Problem(f"{name} was changed, is not text, and is neither in the record nor where it was")


def _blob(file: Path) -> str:
    """A file's name among git's objects (SHA-1 over a header and the content)."""
    data = file.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
