"""Where a server keeps the files of a run or a model, and how they get there and back: through the server, or directly
into the object store or the shared directory that its artifact root names. A file is never held in memory whole."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from autotrack.entities import FileInfo
from autotrack.exceptions import AutotrackException
from autotrack.settings import local_directory
from autotrack.wire.arriving import complete, write
from autotrack.wire.buckets import BUCKETS, Bucket
from autotrack.wire.connection import API, ARTIFACTS, Connection, Refused, Slice, Unavailable, file_path
from autotrack.wire.parts import Parts, ProxiedUpload, sent_in_parts


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
        return Bucket(uri, connection)
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
        if parts is not None and parts.offered and self._base == self._connection.address.uri:
            upload = ProxiedUpload(self._connection, ARTIFACTS, f"{self._prefix}/{path}")
            if sent_in_parts(upload, file, parts):
                return
        self._connection.put(self._url(path), Slice(file, 0, file.stat().st_size))

    def fetch(self, path: str, target: Path) -> None:
        """See :class:`Root`."""
        with self._connection.get(self._url(path)) as pieces, complete(target) as temporary:
            write(pieces, temporary)

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
            with complete(target) as temporary:
                shutil.copyfile(file, temporary)
        except OSError as error:
            raise Unavailable(f"{self._directory} cannot be written: {error.strerror or error}") from error

    def fetch(self, path: str, target: Path) -> None:
        """See :class:`Root`."""
        try:
            with complete(target) as temporary:
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


def listed_by_run(connection: Connection, run_id: str, path: str) -> list[FileInfo]:
    """What lies in a directory of a run, as the server itself lists it, wherever it keeps the files."""
    found = connection.call("GET", f"{API}/artifacts/list", {"run_id": run_id, **({"path": path} if path else {})})
    return [FileInfo(one["path"], bool(one.get("is_dir")), _size(one)) for one in found.get("files", ())]


def _size(one: dict[str, Any]) -> int | None:
    return None if one.get("is_dir") else int(one.get("file_size") or 0)
