"""Files that go directly into an object store and come from there, with the credentials of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from autotrack.entities import FileInfo
from autotrack.exceptions import AutotrackException
from autotrack.wire.arriving import complete, write
from autotrack.wire.connection import Connection, Unavailable
from autotrack.wire.multipart import AzureUpload, S3Upload
from autotrack.wire.parts import MOST_PARTS, PART_BYTES, Parts, Upload, sent_in_parts

BUCKETS = ("s3", "s3a", "gs", "az", "azure", "adl", "abfs", "abfss", "wasb", "wasbs")
_SIGNED_FOR = timedelta(hours=1)


class Bucket:
    """Files in S3, Google Cloud Storage or Azure, with the credentials that the environment of this machine has for
    them. A large file that was cut off on its way to S3 or Azure goes on with the parts that are missing, if there is a
    ``connection`` to send them by."""

    def __init__(self, uri: str, connection: Connection | None = None) -> None:
        try:
            import obstore  # native code, for servers that send their clients to a bucket

            from autotrack.wire.objects import clouds  # the same
        except ImportError:
            raise AutotrackException(
                f"the server keeps its files at {uri}: `pip install obstore`, and they go there directly",
                "NOT_IMPLEMENTED",
            ) from None
        self._obstore: Any = obstore
        self._clouds = clouds
        self._uri, self._connection = uri, connection
        try:
            self._store: Any = clouds.opened(uri, retries=2, retry_seconds=20)
        except (obstore.exceptions.BaseError, ValueError) as error:
            raise AutotrackException.invalid(f"{uri} cannot be used for files: {error}") from error

    def put(self, path: str, file: Path, parts: Parts | None = None) -> None:
        """See :class:`~autotrack.wire.roots.Root`."""
        upload = self._upload(path) if parts is not None else None
        if upload is not None and parts is not None and sent_in_parts(upload, file, parts):
            return
        part = max(PART_BYTES, -(-file.stat().st_size // MOST_PARTS))
        with file.open("rb") as opened, self._told(path):
            self._obstore.put(self._store, path, opened, chunk_size=part, max_concurrency=3)

    def fetch(self, path: str, target: Path) -> None:
        """See :class:`~autotrack.wire.roots.Root`."""
        with self._told(path), complete(target) as temporary:
            write((bytes(piece) for piece in self._obstore.get(self._store, path).stream()), temporary)

    def list(self, path: str) -> list[FileInfo]:
        """See :class:`~autotrack.wire.roots.Root`."""
        with self._told(path):
            found = self._obstore.list_with_delimiter(self._store, f"{path.strip('/')}/" if path.strip("/") else None)
        directories = [FileInfo(str(one).rstrip("/"), True) for one in found["common_prefixes"]]
        files = [FileInfo(one["path"], False, one["size"]) for one in found["objects"]]
        return sorted(directories + files, key=lambda one: one.path)

    def _upload(self, path: str) -> Upload | None:
        """How this store takes a file in parts that a later program can go on with; ``None`` where it is sent in one
        go, as these credentials sign no URLs, or as the store is to encrypt what only the library's requests say."""
        kind = type(self._store).__name__
        if self._connection is None or any(name.startswith(("AWS_SSE", "AWS_SERVER_SIDE")) for name in os.environ):
            return None
        sign = {"S3Store": self._sign_s3, "AzureStore": self._sign_azure}.get(kind)
        try:
            if sign is None or not sign(path, "PUT", "tried"):
                return None
        except Unavailable:
            return None
        make = S3Upload if kind == "S3Store" else AzureUpload
        return make(self._connection, partial(sign, path))

    def _sign_s3(self, path: str, method: str, query: str) -> str:
        # The library signs its endpoint with the path of an object behind it, and knows no query. So the query ends the
        # endpoint, and the path becomes the value of x-id, by which SDKs name an operation and S3 does nothing.
        plain = self._plainly(self._store, "PUT", path).partition("?")[0]
        config = {**self._store.config, "endpoint": f"{plain}?{query}&x-id=", "virtual_hosted_style_request": True}
        signer = type(self._store)(
            config=config, credential_provider=self._store.credential_provider, client_options={"allow_http": True}
        )
        url = self._plainly(signer, method, "part")
        return url if url.startswith(f"{plain}?{query}&") else ""

    def _sign_azure(self, path: str, method: str, query: str) -> str:
        url = self._clouds.signed(self._store, self._plainly(self._store, method, path))
        return f"{url}&{query}" if url else ""  # the query is no part of what is signed there

    def _plainly(self, store: Any, method: str, path: str) -> str:
        with self._told(path):
            return str(self._obstore.sign(store, method, path, _SIGNED_FOR))

    @contextmanager
    def _told(self, path: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise AutotrackException.missing(f"there is no file {self._uri}/{path}") from None
        except self._obstore.exceptions.BaseError as error:
            raise Unavailable(f"{self._uri} cannot be used: {' '.join(str(error).split())[:200]}") from error
