"""Paths and URIs that clients name. None of them is ever opened as a path of this server, or asked for over the
network: they are keys below the server's own root, or words that other clients understand."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from autotrack.exceptions import AutotrackException
from autotrack.server import limits
from autotrack.store.objects import checked

REMOTE = frozenset((
    "s3", "s3a", "gs", "az", "wasb", "wasbs", "abfs", "abfss", "hdfs", "viewfs", "dbfs", "r2", "b2", "oss", "sftp",
    "ftp", "adl",
))  # fmt: skip
"""Where clients may keep files on their own: they reach it themselves, with their own credentials."""


def unescaped(path: str) -> str:
    """What is left of a path when nobody can take any more escapes out of it."""
    for _ in range(10):
        plain = unquote(path)
        if plain == path:
            return path
        path = plain
    raise AutotrackException.invalid("Invalid path")


def key(path: str, *, root: bool = False) -> str:
    """A path as the key of a file, also if somebody were to unescape it once more."""
    try:
        checked(unescaped(path), root=root)
        return checked(path, root=root)
    except AutotrackException:
        raise AutotrackException.invalid("Invalid path") from None


def artifact(path: str) -> str:
    """The path of a file below a run or a model, or that of their directories; "" for all of them."""
    return key(path, root=True) if path else ""


def checked_location(location: str) -> str:
    """Where the files of an experiment may lie: with the server, by default or below a path of its root, or where
    clients reach it themselves."""
    limits.short(location, limits.ARTIFACT_LOCATION, "artifact_location")
    if not location:
        return ""
    parts = _split(location, "artifact_location")
    if parts.scheme == "mlflow-artifacts" and not parts.netloc and parts.path.strip("/"):
        return f"mlflow-artifacts:/{key(parts.path.strip('/'))}"
    if parts.scheme not in REMOTE or not parts.netloc:
        raise AutotrackException.invalid(
            f"Invalid artifact_location: {location[:300]!r}. This server keeps the files of runs itself; leave "
            "artifact_location out, or give the URI of a bucket that every client can reach"
        )
    return location.rstrip("/")


def checked_source(source: str) -> str:
    """The source of a model version: a run's or a logged model's, another version, or where clients reach it."""
    parts = _split(source, "source")
    if parts.scheme in ("runs", "models", "mlflow-artifacts"):
        if parts.netloc and parts.scheme != "mlflow-artifacts":
            raise _no_source(source)
        return source
    if parts.scheme not in REMOTE or not parts.netloc:
        raise _no_source(source)
    return source


def within(source: str, root: str) -> bool:
    """Whether a URI lies below another one."""
    inner, outer = urlsplit(source), urlsplit(root)
    below = [unescaped(part) for part in inner.path.split("/") if part]
    above = [unescaped(part) for part in outer.path.split("/") if part]
    same_place = (inner.scheme, inner.netloc) == (outer.scheme, outer.netloc) or (
        # mlflow-artifacts://host:port/x names the server as this client calls it.
        inner.scheme == outer.scheme == "mlflow-artifacts"
    )
    return same_place and bool(above) and below[: len(above)] == above


def _no_source(source: str) -> AutotrackException:
    local = "://" not in source or source.startswith("file:")
    return AutotrackException.invalid(
        f"Invalid model version source: {source[:300]!r}. "
        + ("To use a local path as a model version source, log its files to a run first. " if local else "")
        + "Give runs:/<run_id>/<name> with its run_id, models:/<model_id> with its model_id, another version, or the "
        "URI of a bucket that every client can reach"
    )


def _split(uri: str, name: str):  # type: ignore[no-untyped-def]
    plain = unescaped(uri)
    if re.search(r"[\x00-\x1f\x7f\\]", plain) or plain != plain.strip():
        raise AutotrackException.invalid(f"Invalid value for parameter '{name}' supplied: {uri[:300]!r}")
    if not {".", ".."}.isdisjoint(re.split(r"[/;?#]", plain)):
        raise AutotrackException.invalid(
            f"Invalid value for parameter '{name}' supplied: {uri[:300]!r}. If supplying a source as an http, https, "
            "local file path, ftp, objectstore, or mlflow-artifacts uri, it must be absolute: without '..' or '.'"
        )
    if any(mark in plain for mark in "?#;"):
        raise AutotrackException.invalid(f"'{name}' URL can't include fragments or params.")
    try:
        return urlsplit(uri)
    except ValueError:
        raise AutotrackException.invalid(f"Invalid value for parameter '{name}' supplied: {uri[:300]!r}") from None
