"""Files in a directory."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import shutil
import stat
from collections.abc import AsyncIterator, Callable, Sequence
from io import BufferedReader
from pathlib import Path
from typing import ParamSpec, TypeVar

from autotrack.exceptions import AutotrackException
from autotrack.wire.objects.base import Entry, Facts, Objects, Stream, missing, pieces
from autotrack.wire.objects.keys import UPLOADS

P = ParamSpec("P")
T = TypeVar("T")

_READ_BYTES = 1 << 20
_UNFINISHED = re.compile(r"\.[0-9a-f]{16}~")


class DirectoryObjects(Objects):
    """Files below a directory, which is made by the first one. Links that lead out of it are not followed.

    A name such as ``.0123456789abcdef~`` is a file that is still being written, and is not listed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    async def _put(self, path: str, stream: Stream, size: int | None) -> int:  # noqa: ARG002 - files are not cut
        target = self._place(path)
        temporary = target.with_name(f".{os.urandom(8).hex()}~")
        written = 0
        await _in_thread(_make, target, path)
        try:
            file = await _in_thread(temporary.open, "xb")
            try:
                async for piece in pieces(stream, _READ_BYTES):
                    written += await _in_thread(file.write, piece)
            finally:
                await _in_thread(file.close)
            await _in_thread(_replace, temporary, target, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return written

    async def _get(self, path: str, start: int, end: int | None) -> AsyncIterator[bytes]:
        file = await _in_thread(_opened, self._place(path), path)

        async def read() -> AsyncIterator[bytes]:
            left = None if end is None else max(0, end - start)
            try:
                await _in_thread(file.seek, start)
                while left != 0:
                    most = _READ_BYTES if left is None else min(_READ_BYTES, left)
                    chunk = await _in_thread(file.read, most)
                    if not chunk:
                        return
                    left = None if left is None else left - len(chunk)
                    yield chunk
            finally:
                file.close()

        return read()

    async def _head(self, path: str) -> Facts:
        return await _in_thread(_facts, self._place(path), path)

    async def _list(self, prefix: str) -> Sequence[Entry]:
        return await _in_thread(_entries, self._place(prefix))

    async def _delete(self, prefix: str) -> None:
        await _in_thread(_remove, self._place(prefix))

    def _place(self, path: str) -> Path:
        place = self.root / path
        # The last part may itself be a link: what is asked is whether it, followed, still lies here.
        if not place.resolve().is_relative_to(self.root.resolve()):
            raise AutotrackException.invalid("Invalid path")
        return place


async def _in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What blocks on the disk, beside the event loop; a disk's own refusal names the path."""
    try:
        return await asyncio.to_thread(function, *args, **kwargs)
    except OSError as error:
        code = {errno.ENOSPC: "RESOURCE_EXHAUSTED", errno.EACCES: "PERMISSION_DENIED", errno.EROFS: "PERMISSION_DENIED"}
        if error.errno == errno.ENAMETOOLONG:
            raise AutotrackException.invalid("Invalid path: a name in it is too long") from None
        raise AutotrackException(
            f"the artifacts' directory refuses: {error.strerror or error}", code.get(error.errno or 0, "INTERNAL_ERROR")
        ) from error


def _make(target: Path, path: str) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except (FileExistsError, NotADirectoryError):
        raise AutotrackException.invalid(f"{path!r} lies below what is a file") from None


def _replace(temporary: Path, target: Path, path: str) -> None:
    try:
        temporary.replace(target)
    except IsADirectoryError:
        raise AutotrackException.invalid(f"{path!r} is a directory") from None


def _opened(place: Path, path: str) -> BufferedReader:
    try:
        file = place.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        raise missing(path) from None
    except IsADirectoryError:
        raise AutotrackException.invalid(f"{path!r} is a directory") from None
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise missing(path)
    return file


def _facts(place: Path, path: str) -> Facts:
    try:
        status = place.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise missing(path) from None
    if not stat.S_ISREG(status.st_mode):
        raise missing(path)
    return Facts(status.st_size, f"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}", status.st_mtime)


def _entries(place: Path) -> Sequence[Entry]:
    try:
        with os.scandir(place) as entries:
            found = [entry for entry in entries if not _unfinished(entry.name)]
            sized = [
                Entry(one.name, one.is_dir(), None if one.is_dir() else one.stat().st_size)
                for one in found
                if one.is_dir() or one.is_file()
            ]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(sized)


def _unfinished(name: str) -> bool:
    return name == UPLOADS or _UNFINISHED.fullmatch(name) is not None


def _remove(place: Path) -> None:
    try:
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink()
    except (FileNotFoundError, NotADirectoryError):
        pass
