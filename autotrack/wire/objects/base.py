"""What every place for files can do."""

from __future__ import annotations

import hashlib
import os
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from typing import NamedTuple, TypeAlias

from autotrack.exceptions import AutotrackException
from autotrack.wire.objects.keys import UPLOADS, checked

Stream: TypeAlias = AsyncIterable[bytes] | Iterable[bytes] | bytes
"""What a file is written from."""

PART_BYTES = 8 << 20
"""What is held of one file in memory while it passes, times the parts under way."""


class Entry(NamedTuple):
    """What lies in a directory: the last part of its path, and a file's size in bytes."""

    name: str
    is_dir: bool
    size: int | None


class Facts(NamedTuple):
    """What is known of a file without reading it. ``etag`` changes with the content; ``modified`` is in seconds."""

    size: int
    etag: str
    modified: float


class Part(NamedTuple):
    """One part of an upload, counted from 1, as the client that sent it knows it."""

    number: int
    etag: str


class Objects(ABC):
    """Files by relative path, read and written as streams in constant memory.

    Each path is checked. A missing file is RESOURCE_DOES_NOT_EXIST; a store that cannot be reached is
    TEMPORARILY_UNAVAILABLE. A file appears whole or not at all, and the last of several writers wins: nothing here
    decides who was first. Methods may be awaited on any event loop.
    """

    async def put(self, path: str, stream: Stream, size: int | None = None) -> int:
        """Write a file, in the place of one that is there; gives its size. ``size``, if the caller knows it, only
        decides how the file is cut while it is sent."""
        return await self._put(checked(path), stream, size)

    async def get(self, path: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes of a file from ``start`` to before ``end``. It is found, or missing, before the first is read."""
        return await self._get(checked(path), start, end)

    async def head(self, path: str) -> Facts:
        """Size and identity of a file; a directory is missing, as a file."""
        return await self._head(checked(path))

    async def list(self, prefix: str = "") -> Sequence[Entry]:
        """What lies directly in a directory, by name; nothing for a file or for what is not there."""
        return await self._list(checked(prefix, root=True))

    async def delete(self, prefix: str) -> None:
        """Remove a file, or a directory with all below it; nothing happens if it is not there."""
        await self._delete(checked(prefix))

    async def sign(self, method: str, path: str, seconds: int) -> str | None:  # noqa: ARG002 - not every place signs
        """A URL by which anybody may GET or PUT this file for a while; None where the store has no such thing."""
        checked(path)
        return None

    async def create_upload(self, path: str) -> str:
        """Begin a file that arrives in parts, in any order and from any machine; gives the upload's id.

        Nothing about it is kept outside this store: its parts lie here as files until it is completed or aborted.
        """
        checked(path)
        return os.urandom(16).hex()

    async def put_part(self, path: str, upload: str, number: int, stream: Stream) -> str:
        """Write one part, in the place of one with its number; gives its etag."""
        key = self._part(path, upload, number)
        await self._put(key, stream, None)
        return (await self._head(key)).etag

    async def sign_part(self, path: str, upload: str, number: int, seconds: int) -> str | None:  # noqa: ARG002 - as sign
        """A URL to PUT one part to; None where parts go through :meth:`put_part`."""
        self._part(path, upload, number)
        return None

    async def complete(self, path: str, upload: str, parts: Sequence[Part]) -> int:
        """Put the parts together, in the order of their numbers; gives the size. Raises, and leaves everything as it
        is, when a part is missing or is another than the client sent."""
        keys = [self._part(path, upload, part.number) for part in sorted(parts)]
        if not keys or len(set(keys)) < len(keys):
            raise AutotrackException.invalid("an upload is completed with each of its parts named once")
        size = 0
        for part, key in zip(sorted(parts), keys, strict=True):
            try:
                facts = await self._head(key)
            except AutotrackException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                raise AutotrackException.invalid(f"part {part.number} of this upload has not arrived") from None
            if part.etag and part.etag.strip('"') != facts.etag:
                raise AutotrackException.invalid(f"part {part.number} is not the one with the etag {part.etag!r}")
            size += facts.size
        written = await self._put(path, self._joined(keys), size)
        await self._delete(self._upload(path, upload))
        return written

    async def abort(self, path: str, upload: str) -> None:
        """Forget an upload and its parts."""
        await self._delete(self._upload(path, upload))

    async def sweep(self, age: float) -> int:
        """Forget the uploads that got no part for ``age`` seconds; gives how many. Any number of processes may do so at
        once."""
        swept = 0
        for upload in await self._list(UPLOADS):
            place = f"{UPLOADS}/{upload.name}"
            if upload.is_dir and await self._is_older(place, time.time() - age):
                await self._delete(place)
                swept += 1
        return swept

    async def _is_older(self, place: str, than: float) -> bool:
        for part in await self._list(place):
            try:
                facts = await self._head(f"{place}/{part.name}")
            except AutotrackException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                return False  # somebody completes it, or removes it, at this moment
            if facts.modified > than:
                return False
        return True

    async def _joined(self, keys: Sequence[str]) -> AsyncIterator[bytes]:
        for key in keys:
            async for chunk in await self._get(key, 0, None):
                yield chunk

    def _upload(self, path: str, upload: str) -> str:
        if len(upload) != 32 or not all(c in "0123456789abcdef" for c in upload):
            raise AutotrackException.invalid(f"{upload[:64]!r} is no upload's id")
        # The path is part of the place, so that an id opens no other file's upload.
        return f"{UPLOADS}/{hashlib.sha256(checked(path).encode()).hexdigest()[:16]}-{upload}"

    def _part(self, path: str, upload: str, number: int) -> str:
        if not 1 <= number <= 10_000:
            raise AutotrackException.invalid(f"parts are numbered from 1 to 10000, not {number}")
        return f"{self._upload(path, upload)}/{number:05}"

    @abstractmethod
    async def _put(self, path: str, stream: Stream, size: int | None) -> int: ...

    @abstractmethod
    async def _get(self, path: str, start: int, end: int | None) -> AsyncIterator[bytes]: ...

    @abstractmethod
    async def _head(self, path: str) -> Facts: ...

    @abstractmethod
    async def _list(self, prefix: str) -> Sequence[Entry]: ...

    @abstractmethod
    async def _delete(self, prefix: str) -> None: ...


async def pieces(stream: Stream, size: int) -> AsyncIterator[bytes]:
    """A stream in pieces of ``size`` bytes, the last one smaller; an empty stream is one empty piece."""
    held = bytearray()
    first = True
    async for chunk in _chunks(stream):
        held += chunk
        while len(held) >= size:
            yield bytes(memoryview(held)[:size])
            del held[:size]
            first = False
    if held or first:
        yield bytes(held)


async def _chunks(stream: Stream) -> AsyncIterator[bytes]:
    if isinstance(stream, AsyncIterable):
        async for chunk in stream:
            yield chunk
    else:
        for chunk in (stream,) if isinstance(stream, bytes) else stream:
            yield chunk


def missing(path: str) -> AutotrackException:
    """There is no such file."""
    return AutotrackException.missing(f"No such artifact: {path!r}")
