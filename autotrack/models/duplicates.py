"""Equal files of models take their space once; see :mod:`autotrack.sharing`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from autotrack.journal.format import MARK
from autotrack.models.format import Content
from autotrack.sharing import share

LEAST = 64 * 1024
"""Bytes of a file that is looked for: a small one costs less than the note about it."""


def settle(directory: Path, contents: Iterable[Content]) -> None:
    """Have the large files of a model directory share their space with equal ones that its store has."""
    large = [content for content in contents if content.size >= LEAST]
    store = directory.parents[3] if len(directory.parents) > 3 else directory  # <store>/runs/<id>/artifacts/<name>
    if not large or not (store / MARK).is_file():
        return
    for content in large:
        with contextlib.suppress(OSError, ValueError):  # a file system that cannot costs space alone
            share(directory / content.name, store, content.sha)
