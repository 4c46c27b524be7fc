"""Taking out of a run's files what should never have been in them.

What is found is overwritten by as many asterisks, so that no place in a journal moves and no size that was recorded
becomes wrong: journals are changed in place, whether or not somebody still appends to them; other files, which further
runs may share, are replaced. The index, a copy of the journals, is removed and built anew when it is next asked.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from autotrack.exceptions import AutotrackException
from autotrack.store.index import Index

_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*+"')
"""A text as JSON writes it."""
LEAST = 4
"""Characters of what is to be taken out: less would be found everywhere."""


@dataclass(slots=True)
class Scrubbed:
    """How often it was found, by file."""

    found: dict[str, int] = field(default_factory=dict)
    shared: list[str] = field(default_factory=list)
    """Files of which another run, or a model, has the same content in a file of its own."""
    named: list[str] = field(default_factory=list)
    """Files in whose names it is; those stay."""


def pattern(text: str, *, regex: bool = False) -> re.Pattern[str]:
    """What to look for: a text, or with ``regex`` a regular expression. Raises for one that finds nothing or all."""
    try:
        made = re.compile(text if regex else re.escape(text))
    except re.error as error:
        raise AutotrackException.invalid(f"{text!r} is no regular expression: {error}") from None
    if len(text) < LEAST or made.search(""):
        raise AutotrackException.invalid(f"{text!r} is too little to look for; give {LEAST} characters or more")
    return made


def scrub(directory: Path, run_id: str, what: re.Pattern[str], *, dry: bool = False) -> Scrubbed:
    """Overwrite whatever matches in all files of a run of a local store; with ``dry`` only look for it."""
    result = Scrubbed()
    run = directory / "runs" / run_id
    for file in sorted(run.rglob("*")):
        name = file.relative_to(run).as_posix()
        if file.is_symlink() or not file.is_file() or name.startswith(("metrics-", "alive-")):
            continue
        if what.search(name):
            result.named.append(name)
        count = _journal(file, what, dry) if _is_journal(name) else _artifact(file, what, dry, name, result)
        if count:
            result.found[name] = count
    if result.found and not dry:
        Index(directory).discard()
    return result


def _is_journal(name: str) -> bool:
    return name.startswith("events-") and name.endswith(".jsonl")


def _journal(file: Path, what: re.Pattern[str], dry: bool) -> int:
    data = file.read_bytes()
    count = 0
    with file.open("r+b", buffering=0) as opened:
        for found in _TEXT.finditer(data):
            clean, times = _masked(found[0], what)
            count += times
            if times and not dry:
                os.pwrite(opened.fileno(), clean, found.start())
        if count and not dry:
            os.fsync(opened.fileno())
    return count


def _masked(text: bytes, what: re.Pattern[str]) -> tuple[bytes, int]:
    """A text of JSON, as long as it was, and how often it was found there."""
    try:
        content: str = json.loads(text)
    except ValueError:
        return text, 0
    matches = [match for match in what.finditer(content) if match[0]]
    if not matches:
        return text, 0
    pieces: list[str] = []
    place = 0
    for match in matches:
        pieces += (json.dumps(content[place : match.start()])[1:-1], "*" * (len(json.dumps(match[0])) - 2))
        place = match.end()
    clean = f'"{"".join(pieces)}{json.dumps(content[place:])[1:-1]}"'.encode("ascii")
    return (clean, len(matches)) if len(clean) == len(text) else (b'"' + b"*" * (len(text) - 2) + b'"', len(matches))


def _artifact(file: Path, what: re.Pattern[str], dry: bool, name: str, result: Scrubbed) -> int:
    # Each byte is a character, so that a text is found in any file; its other characters are looked for as UTF-8.
    data = file.read_bytes()
    binary = re.compile(what.pattern.encode("utf-8"), what.flags & ~re.UNICODE)
    clean, count = binary.subn(lambda match: b"*" * len(match[0]), data)
    if not count:
        return 0
    if file.stat().st_nlink > 1:
        result.shared.append(name)
    if not dry:
        temporary = file.with_name(f".{file.name[:40]}-{os.urandom(4).hex()}")
        temporary.touch(0o600)
        temporary.write_bytes(clean)
        temporary.replace(file)
    return count
