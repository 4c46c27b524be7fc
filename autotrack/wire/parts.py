"""A large file in parts, so that what has arrived need not be sent again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from autotrack.exceptions import AutotrackException
from autotrack.wire.connection import Connection, Refused, Slice

PARTS_FROM = 64 << 20
"""Bytes from which a file is worth parts."""
PART_BYTES = 16 << 20
MOST_PARTS = 9_000
"""S3 takes 10,000 parts of one object."""


@dataclass(slots=True)
class Parts:
    """How far a file has come. ``kept`` is a JSON object that outlives the process."""

    offered: bool
    """Whether the server takes files in parts; a bucket is not asked."""
    kept: dict[str, Any] = field(default_factory=dict)
    keep: Callable[[], None] = lambda: None
    """Called whenever ``kept`` has changed."""


class Upload(Protocol):
    """How one kind of place takes a file in parts. ``begun`` is what it gave when the upload began, and more."""

    def begin(self, count: int) -> dict[str, Any] | None:
        """Begin it; gives what is to be kept of it, or ``None`` if this place takes no parts."""
        ...

    def arrived(self, begun: dict[str, Any]) -> list[dict[str, Any]]:
        """What is known of each part that is there, in their order, as :meth:`part` gave it."""
        ...

    def part(self, begun: dict[str, Any], number: int, data: Slice) -> dict[str, Any]:
        """Send one, counted from 1; gives its ``part_number`` and what completion wants to know."""
        ...

    def complete(self, begun: dict[str, Any], done: list[dict[str, Any]]) -> None:
        """Have the file there, in the place of one with its name."""
        ...

    def abort(self, begun: dict[str, Any]) -> None:
        """Have what has arrived removed."""
        ...

    def forgotten(self, error: Refused) -> bool:
        """Whether a refusal says that this place cannot go on with the upload, and would with another."""
        ...


def sent_in_parts(upload: Upload, file: Path, parts: Parts) -> bool:
    """Send what has not arrived yet; ``False`` for a file that is to be sent whole, as it is small or as this place
    takes no parts.

    A file that has changed since, or an upload that is not known there any more, begins anew. What has come of one that
    nobody will complete is removed.
    """
    kept = parts.kept
    try:
        facts = file.stat()
    except FileNotFoundError:
        _give_up(upload, parts)
        raise
    length = max(PART_BYTES, -(-facts.st_size // MOST_PARTS))
    mark = [facts.st_size, facts.st_mtime_ns, length]
    if kept.get("mark") != mark:
        _give_up(upload, parts)
    if facts.st_size < PARTS_FROM:
        return False
    for _ in range(2):
        try:
            if kept:
                kept["done"] = upload.arrived(kept)
            else:
                begun = upload.begin(-(-facts.st_size // length))
                if begun is None:
                    return False
                kept |= {"mark": mark, **begun, "done": []}
                parts.keep()
            _send(upload, file, facts.st_size, length, parts)
            upload.complete(kept, kept["done"])
        except Refused as error:
            if not upload.forgotten(error):
                raise
            _give_up(upload, parts)
            continue
        kept.clear()
        parts.keep()
        return True
    return False


def _send(upload: Upload, file: Path, size: int, length: int, parts: Parts) -> None:
    done = parts.kept["done"]
    there = {one["part_number"] for one in done}
    for number, start in enumerate(range(0, size, length), 1):
        if number not in there:
            done.append(upload.part(parts.kept, number, Slice(file, start, min(size, start + length))))
            done.sort(key=lambda one: int(one["part_number"]))
            parts.keep()


def _give_up(upload: Upload, parts: Parts) -> None:
    if parts.kept:
        with suppress(AutotrackException):  # it may be gone there, and is swept or expires if it is not
            upload.abort(parts.kept)
        parts.kept.clear()
        parts.keep()


class ProxiedUpload:
    """Through a server, in MLflow's protocol for that; ``path`` is the file's below the server's root."""

    def __init__(self, connection: Connection, base: str, path: str) -> None:
        self._connection, self._base = connection, base
        self._directory, _, self._name = path.rpartition("/")

    def begin(self, count: int) -> dict[str, Any] | None:
        """See :class:`Upload`."""
        try:
            made = self._ask("create", num_parts=count)
        except Refused as error:
            if error.status not in (404, 405, 501):
                raise
            return None
        return {"upload": made["upload_id"], "to": made["credentials"]}

    def arrived(self, begun: dict[str, Any]) -> list[dict[str, Any]]:
        """See :class:`Upload`; the protocol has no question for it, so it is what was noted here."""
        return list(begun["done"])

    def part(self, begun: dict[str, Any], number: int, data: Slice) -> dict[str, Any]:
        """See :class:`Upload`."""
        to = next(one for one in begun["to"] if int(one["part_number"]) == number)
        headers = {str(name): str(value) for name, value in (to.get("headers") or {}).items()}
        # A server whose store signs no URLs takes the parts itself, at a path of its own.
        url = self._connection.address.uri + to["url"] if to["url"].startswith("/") else to["url"]
        answer = self._connection.put(url, data, headers)
        return {"part_number": number, "etag": answer.headers.get("ETag", "").strip('"'), "url": to["url"]}

    def complete(self, begun: dict[str, Any], done: list[dict[str, Any]]) -> None:
        """See :class:`Upload`."""
        self._ask("complete", upload_id=begun["upload"], parts=done)

    def abort(self, begun: dict[str, Any]) -> None:
        """See :class:`Upload`."""
        self._ask("abort", upload_id=begun["upload"])

    def forgotten(self, error: Refused) -> bool:
        """See :class:`Upload`; the URLs expire as well."""
        return error.status in (400, 403, 404, 410)

    def _ask(self, verb: str, **message: Any) -> dict[str, Any]:
        return self._connection.call(
            "POST", f"{self._base}/mpu/{verb}/{self._directory}", {"path": self._name, **message}
        )
