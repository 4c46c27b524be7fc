"""Files in S3, Google Cloud Storage or Azure."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast

import obstore
from obstore.exceptions import BaseError, InvalidPathError, PermissionDeniedError, UnauthenticatedError

from autotrack.exceptions import AutotrackException
from autotrack.wire.objects.base import PART_BYTES, Entry, Facts, Objects, Stream, missing, pieces
from autotrack.wire.objects.clouds import opened, signed
from autotrack.wire.objects.keys import UPLOADS, checked

_MOST_PARTS = 9_000
"""S3 takes 10,000 parts of one object."""
_PARTS_AT_ONCE = 3
_AZURE = (
    "give az://CONTAINER/PREFIX, and the account as AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY, or an "
    "identity of this machine"
)
_AMAZON = (
    "give s3://BUCKET/PREFIX, and the credentials as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role of this "
    "machine"
)
_GOOGLE = (
    "give gs://BUCKET/PREFIX, and the path of a key file as GOOGLE_APPLICATION_CREDENTIALS, or a service account of "
    "this machine"
)
_REMEDIES = {
    "s3": _AMAZON, "s3a": _AMAZON, "gs": _GOOGLE, "az": _AZURE, "azure": _AZURE, "abfs": _AZURE, "abfss": _AZURE,
}  # fmt: skip
"""What whoever starts a server has to set."""
_DELETED_AT_ONCE = 1000


class BucketObjects(Objects):
    """Files below a prefix of a bucket. A large file is sent in parts, and appears when the last one has arrived."""

    def __init__(self, url: str) -> None:
        try:
            self._store: Any = opened(url, retries=4, retry_seconds=30)
        except (BaseError, ValueError) as error:
            reason = str(error).split("\n", maxsplit=1)[0]  # below it is what the library's authors want to know
            remedy = _REMEDIES[url.partition("://")[0]]
            raise AutotrackException.invalid(f"{url!r} cannot be used for artifacts: {reason}; {remedy}") from error

    async def _put(self, path: str, stream: Stream, size: int | None) -> int:
        part = max(PART_BYTES, -(-(size or 0) // _MOST_PARTS))
        written = 0
        with self._told(path):
            cut = pieces(stream, part)
            first = await anext(cut)

            async def rest() -> AsyncIterator[bytes]:
                nonlocal written
                yield first
                async for piece in cut:
                    written += len(piece)
                    yield piece

            written = len(first)
            if written < part:
                await obstore.put_async(self._store, path, first, use_multipart=False)
            else:
                await obstore.put_async(self._store, path, rest(), chunk_size=part, max_concurrency=_PARTS_AT_ONCE)
        return written

    async def _get(self, path: str, start: int, end: int | None) -> AsyncIterator[bytes]:
        if end is not None and end <= start:
            await self._head(path)
            return pieces(b"", 1)
        wanted = {"range": (start, end) if end is not None else {"offset": start}} if start or end is not None else {}
        with self._told(path):
            found = await obstore.get_async(self._store, path, options=cast("Any", wanted))

        async def read() -> AsyncIterator[bytes]:
            with self._told(path):
                async for chunk in found.stream(min_chunk_size=1 << 20):
                    yield bytes(chunk)

        return read()

    async def _head(self, path: str) -> Facts:
        with self._told(path):
            meta = await obstore.head_async(self._store, path)
        return Facts(meta["size"], (meta["e_tag"] or "").strip('"'), meta["last_modified"].timestamp())

    async def _list(self, prefix: str) -> Sequence[Entry]:
        with self._told(prefix):
            found = await obstore.list_with_delimiter_async(self._store, prefix or None)
        directories = [Entry(path.rstrip("/").rpartition("/")[2], True, None) for path in found["common_prefixes"]]
        files = [
            Entry(one["path"].rpartition("/")[2], False, one["size"])
            for one in found["objects"]
            if one["path"].strip("/") != prefix  # what a console leaves as a mark of a directory
        ]
        return sorted(entry for entry in directories + files if prefix or entry.name != UPLOADS)

    async def _delete(self, prefix: str) -> None:
        with self._told(prefix):
            async for some in obstore.list(self._store, f"{prefix}/", chunk_size=_DELETED_AT_ONCE):
                await self._remove([one["path"] for one in some])
            await self._remove([prefix])  # at last: some stores keep directories, and this removes an empty one

    async def _remove(self, paths: Sequence[str]) -> None:
        try:
            await obstore.delete_async(self._store, paths)
        except FileNotFoundError:  # of S3 nobody hears that; elsewhere one that is gone may keep the others from going
            if len(paths) > 1:
                for path in paths:
                    await self._remove([path])

    async def sign(self, method: str, path: str, seconds: int) -> str | None:
        """A URL by which anybody who has it may GET or PUT this file for a while."""
        return await self._sign(method, checked(path), seconds)

    async def sign_part(self, path: str, upload: str, number: int, seconds: int) -> str | None:
        """A URL to PUT one part to; None for credentials that cannot sign."""
        return await self._sign("PUT", self._part(path, upload, number), seconds)

    async def _sign(self, method: str, path: str, seconds: int) -> str | None:
        if method not in {"GET", "PUT", "HEAD"}:
            raise AutotrackException.invalid(f"a URL is signed for GET, HEAD or PUT, not {method!r}")
        try:
            url = await obstore.sign_async(self._store, cast("Any", method), path, timedelta(seconds=seconds))
        except BaseError:
            return None
        return signed(self._store, url)

    @contextmanager
    def _told(self, path: str) -> Iterator[None]:
        """The object store's own errors under the names of the protocol."""
        try:
            yield
        except FileNotFoundError:
            raise missing(path) from None
        except InvalidPathError:
            raise AutotrackException.invalid("Invalid path") from None
        except (PermissionDeniedError, UnauthenticatedError) as error:
            raise AutotrackException(
                f"the object store does not let this server at {path!r}", "PERMISSION_DENIED"
            ) from error
        except BaseError as error:
            raise AutotrackException(
                f"the object store cannot be used at the moment ({type(error).__name__})", "TEMPORARILY_UNAVAILABLE"
            ) from error
