"""Where a server keeps the files of a run or a model, and how they get there and back: through the server, or directly
into the object store or the shared directory that its artifact root names. A file is never held in memory whole."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from autotrack.entities import FileInfo
from autotrack.exceptions import AutotrackException
from autotrack.settings import local_directory
from autotrack.wire.connection import API, ARTIFACTS, Connection, Refused, Slice, Unavailable, file_path
from autotrack.wire.parts import PARTS_FROM, Parts, send_in_parts

BUCKETS = ("s3", "s3a", "gs", "az", "azure", "adl", "abfs", "abfss", "wasb", "wasbs")
_DIRECT_PART_BYTES = 16 << 20
_MOST_DIRECT_PARTS = 9_000
"""S3 takes 10,000 parts of one object."""


class Root(Protocol):
    """The place of a run's or a model's files."""

    def put(self, path: str, file: Path, parts: Parts | None = None) -> None:
        """Have a file of this machine there, complete or not at all. ``parts`` remembers what has arrived, so that a
        second call goes on where the first one was cut off."""
        ...

    def fetch(self, path: str, target: Path) -> None:
        """Have a file from there on this machine, complete or not at all."""
        ...

    def list(self, path: str) -> list[FileInfo]:
        """What lies directly in a directory, by name, with paths from the root; nothing for what is not there."""
        ...


def root(uri: str, connection: Connection) -> Root:
    """The place that an artifact root names; raises for one that cannot be reached from here."""
    scheme = urlsplit(uri).scheme
    if scheme == "mlflow-artifacts":
        parts = urlsplit(uri)
        base = connection.address.uri
        if parts.netloc:
            base = f"{urlsplit(base).scheme}://{parts.netloc}"
        return Proxied(connection, base, parts.path.strip("/"))
    if scheme in ("http", "https"):
        base, found, path = uri.partition(f"{ARTIFACTS}/artifacts/")
        if found:
            return Proxied(connection, base, path.strip("/"))
    if scheme in BUCKETS:
        return Bucket(uri)
    directory = local_directory(uri) if scheme in ("", "file") else None
    if directory is not None:
        return Directory(directory)
    raise AutotrackException.invalid(
        f"{connection.address.uri} keeps its files at {uri}, and nothing here reaches {scheme}: start the server with "
        "--serve-artifacts, so that they go through it"
    )


class Proxied:
    """Files that the server takes and hands out itself."""

    def __init__(self, connection: Connection, base: str, prefix: str) -> None:
        self._connection, self._base, self._prefix = connection, base.rstrip("/"), prefix

    def put(self, path: str, file: Path, parts: Parts | None = None) -> None:
        """See :class:`Root`."""
        size = file.stat().st_size
        if parts is not None and size >= PARTS_FROM and parts.offered and self._base == self._connection.address.uri:
            full = f"{self._prefix}/{path}"
            if send_in_parts(self._connection, f"{self._base}{ARTIFACTS}", full, file, size, parts):
                return
        self._connection.put(self._url(path), Slice(file, 0, size))

    def fetch(self, path: str, target: Path) -> None:
        """See :class:`Root`."""
        with self._connection.get(self._url(path)) as pieces, _complete(target) as temporary:
            _write(pieces, temporary)

    def list(self, path: str) -> list[FileInfo]:
        """See :class:`Root`."""
        wanted = "/".join(filter(None, (self._prefix, path.strip("/"))))
        where = f"{ARTIFACTS}/artifacts"
        try:
            found = self._connection.call("GET", where, {"path": wanted})
        except Refused as error:
            if error.status == 404:
                return []
            raise
        before = f"{path.strip('/')}/" if path.strip("/") else ""
        return [
            FileInfo(before + one["path"].rpartition("/")[2], bool(one.get("is_dir")), _size(one))
            for one in found.get("files", ())
        ]

    def _url(self, path: str) -> str:
        return f"{self._base}{ARTIFACTS}/artifacts/{file_path(f'{self._prefix}/{path}')}"


class Directory:
    """Files in a directory that this machine and the server share."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def put(self, path: str, file: Path, parts: Parts | None = None) -> None:  # noqa: ARG002 - a copy has no parts
        """See :class:`Root`."""
        target = self._directory / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with _complete(target) as temporary:
                shutil.copyfile(file, temporary)
        except OSError as error:
            raise Unavailable(f"{self._directory} cannot be written: {error.strerror or error}") from error

    def fetch(self, path: str, target: Path) -> None:
        """See :class:`Root`."""
        try:
            with _complete(target) as temporary:
                shutil.copyfile(self._directory / path, temporary)
        except FileNotFoundError:
            raise AutotrackException.missing(f"there is no file {self._directory / path}") from None

    def list(self, path: str) -> list[FileInfo]:
        """See :class:`Root`."""
        before = f"{path.strip('/')}/" if path.strip("/") else ""
        try:
            with os.scandir(self._directory / path) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return []
        return [
            FileInfo(before + one.name, one.is_dir(), None if one.is_dir() else one.stat().st_size) for one in found
        ]


class Bucket:
    """Files in S3, Google Cloud Storage or Azure, with the credentials that their own tools find on this machine."""

    def __init__(self, uri: str) -> None:
        try:
            import obstore  # native code, for servers that send their clients to a bucket
            from obstore.store import from_url  # the same
        except ImportError:
            raise AutotrackException(
                f"the server keeps its files at {uri}: `pip install obstore`, and they go there directly",
                "NOT_IMPLEMENTED",
            ) from None
        endpoint = os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("MLFLOW_S3_ENDPOINT_URL") or ""
        client = {"connect_timeout": "10s", "timeout": "1day", "allow_http": endpoint.startswith("http:")}
        given: dict[str, Any] = {"endpoint": endpoint} if endpoint and uri.startswith("s3") else {}
        if wasb := re.fullmatch(r"wasbs?://([^@/]+)@([^./]+)[^/]*/?(.*)", uri):
            uri, given["account_name"] = f"az://{wasb[1]}/{wasb[3]}", wasb[2]
        self._obstore: Any = obstore
        try:
            make: Any = from_url  # a variant for each kind of bucket, and which one it is stands in a text
            retries = {"max_retries": 2, "retry_timeout": timedelta(seconds=20)}
            self._store: Any = make(uri, client_options=client, retry_config=retries, **given)
        except (obstore.exceptions.BaseError, ValueError) as error:
            raise AutotrackException.invalid(f"{uri} cannot be used for files: {error}") from error
        self._uri = uri

    def put(self, path: str, file: Path, parts: Parts | None = None) -> None:  # noqa: ARG002 - the library makes its own
        """See :class:`Root`."""
        size = file.stat().st_size
        part = max(_DIRECT_PART_BYTES, -(-size // _MOST_DIRECT_PARTS))
        with self._told(path), file.open("rb") as opened:
            self._obstore.put(self._store, path, opened, chunk_size=part, max_concurrency=3)

    def fetch(self, path: str, target: Path) -> None:
        """See :class:`Root`."""
        with self._told(path), _complete(target) as temporary:
            _write((bytes(piece) for piece in self._obstore.get(self._store, path).stream()), temporary)

    def list(self, path: str) -> list[FileInfo]:
        """See :class:`Root`."""
        with self._told(path):
            found = self._obstore.list_with_delimiter(self._store, f"{path.strip('/')}/" if path.strip("/") else None)
        directories = [FileInfo(str(one).rstrip("/"), True) for one in found["common_prefixes"]]
        files = [FileInfo(one["path"], False, one["size"]) for one in found["objects"]]
        return sorted(directories + files, key=lambda one: one.path)

    @contextmanager
    def _told(self, path: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise AutotrackException.missing(f"there is no file {self._uri}/{path}") from None
        except self._obstore.exceptions.BaseError as error:
            raise Unavailable(f"{self._uri} cannot be used: {' '.join(str(error).split())[:200]}") from error


def listed_by_run(connection: Connection, run_id: str, path: str) -> list[FileInfo]:
    """What lies in a directory of a run, as the server itself lists it, wherever it keeps the files."""
    found = connection.call("GET", f"{API}/artifacts/list", {"run_id": run_id, **({"path": path} if path else {})})
    return [FileInfo(one["path"], bool(one.get("is_dir")), _size(one)) for one in found.get("files", ())]


def _size(one: dict[str, Any]) -> int | None:
    return None if one.get("is_dir") else int(one.get("file_size") or 0)


@contextmanager
def _complete(target: Path) -> Iterator[Path]:
    """A place beside the target for a file that takes its name when it is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name[:80]}-{os.urandom(4).hex()}")
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _write(pieces: Iterator[bytes], target: Path) -> None:
    with target.open("wb") as file:
        for piece in pieces:
            file.write(piece)
