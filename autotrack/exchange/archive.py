"""Reading a bundle that anybody may have made: nothing of it is trusted before its digest has been seen.

A path that leads elsewhere, a link, a file that is listed twice or not at all, one that is not what the list says, and
an archive that unpacks to much more than it is are refused before anything goes anywhere.
"""

from __future__ import annotations

import json
import re
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO

from autotrack.exceptions import AutotrackException
from autotrack.exchange.bundle import FORMAT, MANIFEST

MOST_FILES = 5_000_000
MOST_LIST_BYTES = 1 << 30
"""Of the list of files."""
FREE_BYTES, MOST_TIMES = 1 << 30, 100
"""An archive may unpack to so much, and beyond that to so many times its own size."""
_PIECE = 1 << 20
_PATH = re.compile(
    r"autotrack\.json|experiments/[\w.-]+\.jsonl|registry/[1-9]\d{0,17}\.json"
    r"|runs/[A-Za-z0-9][A-Za-z0-9_-]{0,254}/(?:(?:events|metrics)-[\w.-]+\.(?:jsonl|bin)|artifacts/.+)",
    re.DOTALL,
)


class Refused(AutotrackException):
    """The bundle is not what it should be."""

    def __init__(self, place: Path, reason: str) -> None:
        super().__init__(f"{place} is no sound bundle: {reason}. Nothing was imported", "INVALID_PARAMETER_VALUE")


def is_bundle(place: Path) -> bool:
    """Whether something looks like a bundle."""
    if place.is_dir():
        return (place / MANIFEST).is_file()
    return place.is_file() and (zipfile.is_zipfile(place) or tarfile.is_tarfile(place))


def unpack(place: Path, target: Path) -> Path:
    """Have the files of a bundle in a new directory, each one checked against the list; gives the directory."""
    with _opened(place) as found:
        listed = _listed(place, found)
        if not place.is_dir():
            for path in sorted(listed.keys() ^ found.sizes.keys() - {MANIFEST}):
                what = "which is not there" if path in listed else "which its list does not name"
                raise Refused(place, f"{path!r}, {what}")
        total = sum(size for size, _ in listed.values())
        free = shutil.disk_usage(target.parent).free
        if total > free:
            raise AutotrackException(
                f"{place} holds {total:,} bytes, and {target.parent} has room for {free:,}. Nothing was imported"
            )
        target.mkdir(mode=0o700)
        for path, (size, digest) in listed.items():
            if found.sizes.get(path, size) != size:
                raise Refused(place, f"{path!r} has {found.sizes[path]} bytes, and its list says {size}")
            goal = target / path
            goal.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                _copy(found, path, goal, size, digest, place)
            except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, tarfile.TarError, ValueError) as error:
                if isinstance(error, OSError) and error.errno is not None and not isinstance(error, FileNotFoundError):
                    raise
                raise Refused(place, f"{path!r} cannot be read ({error})") from None
    return target


def _copy(found: _Members, path: str, goal: Path, size: int, digest: str, place: Path) -> None:
    seen, left = sha256(), size
    with found.open(path) as source, goal.open("xb") as target:
        while piece := source.read(min(_PIECE, left + 1)):
            left -= len(piece)
            if left < 0:
                break
            seen.update(piece)
            target.write(piece)
    if left or seen.hexdigest() != digest:
        raise Refused(place, f"{path!r} is not what it was when the bundle was made")


def _listed(place: Path, found: _Members) -> dict[str, tuple[int, str]]:
    if MANIFEST not in found.sizes:
        raise Refused(place, f"it has no {MANIFEST}; was it written to its end?")
    if found.sizes[MANIFEST] > MOST_LIST_BYTES:
        raise Refused(place, f"its list of files is longer than {MOST_LIST_BYTES} bytes")
    try:
        with found.open(MANIFEST) as opened:
            raw = json.loads(opened.read(MOST_LIST_BYTES))
        files = {str(path): (int(size), str(digest)) for path, (size, digest) in raw["files"].items()}
        product, version = raw["product"], int(raw["bundle"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OSError, RuntimeError) as error:
        raise Refused(place, f"its list of files cannot be read ({type(error).__name__})") from None
    if product != "autotrack" or version > FORMAT:
        raise Refused(place, f"it is of format {version}, this version reads {FORMAT}; upgrade autotrack")
    for path, (size, _) in files.items():
        if not _sound(path) or size < 0:
            raise Refused(place, f"its list names {path!r}, which is no place in a store")
    if len(files) > MOST_FILES:
        raise Refused(place, f"it lists more than {MOST_FILES:,} files")
    return files


def _sound(path: str) -> bool:
    parts = path.split("/")
    return (
        bool(_PATH.fullmatch(path)) and "\\" not in path and "\0" not in path
        and not any(part in ("", ".", "..") for part in parts)
    )  # fmt: skip


class _Members:
    """The files of a bundle by their paths."""

    sizes: dict[str, int]

    def open(self, path: str) -> IO[bytes]:
        """One file's content."""
        raise NotImplementedError


class _Directory(_Members):
    def __init__(self, place: Path) -> None:
        self.place = place.resolve()
        self.sizes = {MANIFEST: (place / MANIFEST).lstat().st_size} if (place / MANIFEST).is_file() else {}

    def open(self, path: str) -> IO[bytes]:
        file = self.place / path
        if file.resolve() != file or not file.is_file():
            raise Refused(self.place, f"{path!r} is missing, or a link")
        return file.open("rb")


class _Zip(_Members):
    def __init__(self, place: Path, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.sizes = {}
        for one in archive.infolist():
            kind = one.external_attr >> 16 & 0o170000
            if one.is_dir():
                continue
            if kind not in (0, 0o100000) or one.flag_bits & 1:
                raise Refused(place, f"{one.filename!r} is a link, or encrypted")
            _add(place, self.sizes, one.orig_filename, one.file_size)
        _check_growth(place, sum(self.sizes.values()))

    def open(self, path: str) -> IO[bytes]:
        return self.archive.open(path)


class _Tar(_Members):
    def __init__(self, place: Path, archive: tarfile.TarFile) -> None:
        self.archive = archive
        self.sizes, self._facts = {}, dict[str, tarfile.TarInfo]()
        for one in archive:
            if one.isdir():
                continue
            if not one.isreg() or one.issparse():
                raise Refused(place, f"{one.name!r} is a link, or no plain file")
            _add(place, self.sizes, one.name, one.size)
            self._facts[one.name] = one
        _check_growth(place, sum(self.sizes.values()))

    def open(self, path: str) -> IO[bytes]:
        opened = self.archive.extractfile(self._facts[path])
        assert opened is not None  # a plain file, as was looked at above
        return opened


def _add(place: Path, sizes: dict[str, int], path: str, size: int) -> None:
    if path in sizes:
        raise Refused(place, f"it holds {path!r} twice")
    if path != MANIFEST and not _sound(path):
        raise Refused(place, f"it holds {path!r}, which is no place in a store")
    if len(sizes) > MOST_FILES:
        raise Refused(place, f"it holds more than {MOST_FILES:,} files")
    sizes[path] = size


def _check_growth(place: Path, total: int) -> None:
    own = place.stat().st_size
    if total > FREE_BYTES + MOST_TIMES * own:
        raise Refused(place, f"its {own:,} bytes unpack to {total:,}")


@contextmanager
def _opened(place: Path) -> Iterator[_Members]:
    if place.is_dir():
        yield _Directory(place)
        return
    try:
        if zipfile.is_zipfile(place):
            with zipfile.ZipFile(place) as archive:
                yield _Zip(place, archive)
            return
        with tarfile.open(place, "r:") as archive:
            yield _Tar(place, archive)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, UnicodeError) as error:
        raise Refused(place, f"the archive is damaged ({error})") from None
