"""A file that a program has read, as an input of its runs: where it lies, what it was, and which version that is."""

from __future__ import annotations

import contextlib
import json
from hashlib import sha256
from pathlib import Path

from autotrack import redact
from autotrack.capture import filedigest, versions
from autotrack.capture.reads import Read
from autotrack.event import DatasetUsed

CONTEXT = "read"
"""The role of a file among a run's inputs."""
CHANGED, UNREAD, ADDRESS = "changed-", "unread-", "address-"
"""What a digest begins with that is not of the content: of a file that was another one when it was to be read, of one
that nobody has read, and of what lies elsewhere."""


def used(read: Read, *, unread: bool = False) -> DatasetUsed:
    """A file as the input of a run. Reads it, unless that is forbidden."""
    path = Path(read.path)
    facts: dict[str, object] = {"reader": read.reader, "kind": read.kind}
    if read.kind == "address":
        address = redact.text(read.path)
        return DatasetUsed(
            name=address.partition("?")[0].rstrip("/").rpartition("/")[2] or address[:200],
            digest=ADDRESS + _short(address), source_type=_scheme(address), source=json.dumps({"uri": address}),
            profile=json.dumps(facts), context=CONTEXT,
        )  # fmt: skip
    facts["modified"] = read.changed // 1_000_000
    sign = _short(f"{read.path}\0{read.size}\0{read.changed}")
    found: str | None = None
    if read.kind == "directory":
        names = [] if unread else filedigest.below(path)
        with contextlib.suppress(OSError):
            found = filedigest.of_files(names, path.name) if names else None
        facts |= {"files": len(names)}
    else:
        facts["size"] = read.size
        found = None if unread else filedigest.of_file(path, read.size, read.changed)
    if found is None:
        digest = (UNREAD if unread or read.kind == "directory" else CHANGED) + sign
    else:
        sampled = filedigest.SAMPLED if found.startswith(filedigest.SAMPLED) else ""
        content = found.removeprefix(sampled)
        digest = sampled + content[:16]
        if not sampled:
            facts["sha256"] = content
    if known := versions.dvc(path):
        facts["dvc"] = known
    if versions.lfs(path):
        facts["lfs"] = facts.get("sha256")  # what git-lfs calls a content is its SHA-256
    return DatasetUsed(
        name=path.name, digest=digest, source=json.dumps({"uri": read.path}), profile=json.dumps(facts),
        context=CONTEXT,
    )  # fmt: skip


def _scheme(address: str) -> str:
    scheme = address.partition("://")[0].lower()
    return "http" if scheme == "https" else scheme


def _short(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]
