"""A large file in parts, so that what has arrived need not be sent again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autotrack.wire.connection import Connection, Refused, Slice

PARTS_FROM = 64 << 20
"""Bytes from which a file is worth parts."""
PART_BYTES = 16 << 20
_MOST_PARTS = 9_000


@dataclass(slots=True)
class Parts:
    """How far a file has come. ``kept`` is a JSON object that outlives the process."""

    offered: bool
    """Whether the server takes files in parts."""
    kept: dict[str, Any] = field(default_factory=dict)
    keep: Callable[[], None] = lambda: None
    """Called whenever ``kept`` has changed."""


def send_in_parts(connection: Connection, base: str, path: str, file: Path, size: int, parts: Parts) -> bool:
    """Send what has not arrived yet; ``False`` if the server turns out not to take parts of this file.

    A file that has changed since, or an upload that the server has forgotten, begins anew.
    """
    directory, _, name = path.rpartition("/")
    length = max(PART_BYTES, -(-size // _MOST_PARTS))
    facts = file.stat()
    mark = [size, facts.st_mtime_ns, length]
    create, complete = (f"{base.removeprefix(connection.address.uri)}/mpu/{verb}/{directory}" for verb in _VERBS)
    for _ in range(2):
        kept = parts.kept
        if kept.get("mark") != mark:
            kept.clear()
            try:
                made = connection.call("POST", create, {"path": name, "num_parts": -(-size // length)})
            except Refused as error:
                if error.status in (404, 405, 501):
                    parts.offered = False
                    return False
                raise
            kept |= {"mark": mark, "upload": made["upload_id"], "to": made["credentials"], "done": []}
            parts.keep()
        try:
            _send(connection, file, size, length, parts)
            message = {"path": name, "upload_id": kept["upload"], "parts": kept["done"]}
            connection.call("POST", complete, message)
        except Refused as error:
            kept.clear()  # it has expired there, or its URLs have
            parts.keep()
            if error.status not in (400, 403, 404, 410):
                raise
            continue
        kept.clear()
        parts.keep()
        return True
    return False


_VERBS = ("create", "complete")


def _send(connection: Connection, file: Path, size: int, length: int, parts: Parts) -> None:
    there = {one["part_number"] for one in parts.kept["done"]}
    for to in parts.kept["to"]:
        number = int(to["part_number"])
        if number in there:
            continue
        start = (number - 1) * length
        end = min(size, start + length)
        headers = {str(name): str(value) for name, value in (to.get("headers") or {}).items()}
        # A server whose store signs no URLs takes the parts itself, at a path of its own.
        url = connection.address.uri + to["url"] if to["url"].startswith("/") else to["url"]
        answer = connection.put(url, Slice(file, start, end), headers)
        etag = answer.headers.get("ETag", "").strip('"')
        parts.kept["done"].append({"part_number": number, "etag": etag, "url": to["url"]})
        parts.keep()
