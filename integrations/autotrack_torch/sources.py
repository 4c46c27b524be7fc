"""The files that a data set goes over, as far as its attributes name them; its samples are not asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from torch.utils.data import ConcatDataset, Subset

from autotrack.hooks import filedigest

_WORDS = ("root", "dir", "path", "file", "folder")
"""In the name of an attribute: its text is a path."""
_DEPTH = 3
_PARTS = 16


def digest_of(data: Callable[[], Any], what: str) -> tuple[str, str] | None:
    """``(digest, where they are)`` of the files behind a data set, if it is still there; ``None`` where it names none,
    or names some that are not there. Reads files: for the background."""
    found = data()
    try:
        paths = _files(found, _DEPTH) if found is not None else []
        return (
            (filedigest.of_files(paths, f"{what} {_chosen(found)}"), str(filedigest.common(paths))) if paths else None
        )
    except (OSError, ValueError):  # a text that is no path
        return None


def named(data: Any) -> bool:
    """Whether a data set has attributes that may name files; none is looked for."""
    return any(True for part in _parts(data, _DEPTH) for _ in _attributes(part))


def _files(data: Any, depth: int) -> list[Path]:
    return [path for part in _parts(data, depth) for path in _own(part)]


def _own(data: Any) -> list[Path]:
    places, listed = [], []
    for value in _attributes(data):
        if isinstance(value, Path):
            places.append(value.absolute())
        else:
            listed += [
                path for item in value[:: len(value) // filedigest.LISTED + 1] if (path := _first(item)) is not None
            ]
    if listed:
        for root in (Path.cwd(), *places):
            if (root / listed[0]).is_file():
                return [root / path for path in listed]
    files: list[Path] = []
    for place in places:
        files += filedigest.below(place) if place.is_dir() else [place] if place.is_file() else []
    return files


def _parts(data: Any, depth: int) -> Iterator[Any]:
    """The data sets that a data set is made of."""
    if depth == 0:
        return
    if isinstance(data, Subset):
        yield from _parts(data.dataset, depth - 1)
    elif isinstance(data, ConcatDataset):
        for part in data.datasets[:_PARTS]:
            yield from _parts(part, depth - 1)
    else:
        yield data


def _chosen(data: Any) -> str:
    """Which of its data a subset has."""
    if not isinstance(data, Subset):
        return ""
    indices: Any = data.indices
    return str([int(index) for index in indices[:: len(indices) // filedigest.LISTED + 1]])


def _attributes(data: Any) -> Iterator[Path | Sequence[Any]]:
    """The paths, and the lists of paths, that a data set holds."""
    for name, value in sorted(getattr(data, "__dict__", {}).items()):
        if isinstance(value, Path):
            yield value
        elif isinstance(value, str):
            if os.sep in value or any(word in name.lower() for word in _WORDS):
                yield Path(value)
        elif isinstance(value, list | tuple) and value and _first(value[0]) is not None:
            yield value
        elif mapped := _mapped(value):
            yield Path(mapped)


def _first(item: Any) -> str | Path | None:
    """The path that an item of a list is, or begins with."""
    if isinstance(item, list | tuple) and item:
        item = item[0]
    return item if isinstance(item, str | Path) else None


def _mapped(value: Any) -> str:
    """The file that an array lies in; empty if it lies in none."""
    numpy = sys.modules.get("numpy")
    return str(value.filename or "") if numpy is not None and isinstance(value, numpy.memmap) else ""
