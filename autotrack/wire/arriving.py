"""A file that takes its name when it is whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def complete(target: Path) -> Iterator[Path]:
    """A place beside the target for a file that takes its name when the block ends."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name[:80]}-{os.urandom(4).hex()}")
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write(pieces: Iterator[bytes], target: Path) -> None:
    """Write a file from what comes piece by piece."""
    with target.open("wb") as file:
        for piece in pieces:
            file.write(piece)
