"""Where files are kept for others: a directory, S3, Google Cloud Storage or Azure."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from autotrack.exceptions import AutotrackException
from autotrack.wire.objects.base import Entry, Facts, Objects, Part, Stream
from autotrack.wire.objects.directory import DirectoryObjects
from autotrack.wire.objects.keys import checked

__all__ = ["DirectoryObjects", "Entry", "Facts", "Objects", "Part", "Stream", "checked", "open_objects"]

BUCKETS = {"s3", "s3a", "gs", "az", "azure", "abfs", "abfss"}
"""Schemes of object stores."""


def open_objects(root: str | Path) -> Objects:
    """The files below a root: a directory, a ``file:`` URI, ``s3://bucket/prefix``, ``gs://…`` or ``az://…``.

    Credentials, region and endpoint of an object store come from the environment, under the names that its own tools
    read. Raises for any other scheme; nothing is written or asked yet.
    """
    text = str(root)
    scheme = urlsplit(text).scheme
    if scheme in BUCKETS:
        from autotrack.wire.objects.bucket import BucketObjects  # obstore, which a server on a directory goes without

        return BucketObjects(text)
    if scheme == "file":
        return DirectoryObjects(Path(unquote(urlsplit(text).path)))
    if "://" in text:
        raise AutotrackException.invalid(f"{text!r} is no place for artifacts; give a directory, s3://, gs:// or az://")
    return DirectoryObjects(Path(root))
