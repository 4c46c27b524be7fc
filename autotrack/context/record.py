"""Reading the context that a run has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autotrack.context import files


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a run's code, environment and launch; a part that was not recorded is empty."""

    directory: Path
    code: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    launch: Mapping[str, Any] = field(default_factory=dict)

    @property
    def packages(self) -> list[dict[str, Any]]:
        """The installed distributions."""
        found = _json(self.directory / files.PACKAGES)
        return found if isinstance(found, list) else []

    @property
    def changes(self) -> bytes:
        """The difference from the commit, for ``git apply``; empty where there is none."""
        try:
            return (self.directory / files.CHANGES).read_bytes()
        except OSError:
            return b""

    @property
    def files(self) -> dict[str, Path]:
        """The files beside the difference, each by its path in the project."""
        root = self.directory / "files"
        return {file.relative_to(root).as_posix(): file for file in sorted(root.rglob("*")) if file.is_file()}


def read(directory: Path) -> Record | None:
    """The context in a directory; ``None`` where there is none."""
    if not directory.is_dir():
        return None
    facts = [_json(directory / name) for name in (files.CODE, files.ENVIRONMENT, files.LAUNCH)]
    return Record(directory, *(found if isinstance(found, dict) else {} for found in facts))


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
