"""Digests of files: of a whole one, or of samples out of large ones and of many, which then say so."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import hashlib

SAMPLED = "sampled-"
"""What the digest of larger data begins with."""
_WHOLE = 1 << 30
"""Bytes of a file that are read whole."""
_CHUNK = 1 << 20
_PIECES = 64
"""Parts of a larger one that are read."""
_FILES = 64
"""Of many files the beginnings of so many are read, of up to a few more."""
_FEW = 4
_HEAD = 4096
LISTED = 5000
"""Files whose names count."""


def of_file(path: Path, size: int, changed: int) -> str | None:
    """The SHA-256 of a file that had so many bytes and was changed then, in ns; of a very large one that of some of it;
    ``None`` if it is another one by now, or becomes one meanwhile, or is gone."""
    found = _sha256()
    try:
        opened = path.open("rb", buffering=0)
    except OSError:
        return None
    with opened as file:
        if size <= _WHOLE:
            while chunk := file.read(_CHUNK):
                found.update(chunk)
        else:
            _pieces(found, file, size, _PIECES, _CHUNK)
        after = os.fstat(file.fileno())
    if (after.st_size, after.st_mtime_ns) != (size, changed):
        return None
    return found.hexdigest() if size <= _WHOLE else SAMPLED + found.hexdigest()


def of_files(paths: Sequence[Path], what: str) -> str:
    """Of the names of files, of the sizes of some of them, spread over all, and of what is in these; ``what`` counts
    too. Where the files lie does not: the same ones in another place have the same digest."""
    found = _sha256(f"{what} {len(paths)}".encode())
    root = common(paths)
    for path in paths:
        found.update(str(path.relative_to(root)).encode(errors="surrogateescape") + b"\0")
    for path in paths[:: len(paths) // _FILES + 1]:
        with path.open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            _pieces(found, file, size, *((_PIECES, _CHUNK // 16) if len(paths) <= _FEW else (1, _HEAD)))
    return SAMPLED + found.hexdigest()[:16]


def common(paths: Sequence[Path]) -> Path:
    """The directory that all files are in or below."""
    return Path(os.path.commonpath(paths)) if len(paths) > 1 else paths[0].parent


def below(root: Path) -> list[Path]:
    """The files in a directory and in its directories, by name, up to a number."""
    found: list[Path] = []
    for place, directories, names in os.walk(root):
        directories.sort()
        found += [Path(place, name) for name in sorted(names)]
        if len(found) >= LISTED:
            break
    return found[:LISTED]


def _sha256(data: bytes = b"") -> hashlib._Hash:
    from hashlib import sha256  # loads OpenSSL; only who reads files needs it

    return sha256(data)


def _pieces(found: Any, file: Any, size: int, count: int, length: int) -> None:
    found.update(f"{size}\0".encode())
    last = 0
    for at in range(count):
        begin = max(last, at * max(size - length, 0) // max(count - 1, 1))
        file.seek(begin)
        found.update(file.read(length))
        last = begin + length
        if last >= size:
            break
