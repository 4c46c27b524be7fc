"""The files that a run has read, and whether they are still the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.capture.inputs import CHANGED as CHANGED_BEFORE
from autotrack.capture.inputs import CONTEXT, UNREAD, used
from autotrack.capture.reads import Read

if TYPE_CHECKING:
    from autotrack.entities import Run

SAME, CHANGED, GONE, UNKNOWN = "the same", "changed", "gone", "not known"


@dataclass(frozen=True, slots=True)
class Input:
    """A file that the program has read, or a directory of files."""

    path: Path
    kind: str
    digest: str

    def state(self, place: Path) -> str:
        """How what lies at a place now compares."""
        try:
            facts = place.stat()
        except OSError:
            return GONE
        if self.digest.startswith((CHANGED_BEFORE, UNREAD)):
            return UNKNOWN
        found = used(Read(str(place), self.kind, facts.st_size, facts.st_mtime_ns, ""))
        return SAME if found.digest == self.digest else CHANGED


def inputs_of(run: Run) -> Iterator[Input]:
    """The files of this machine among a run's inputs, each once."""
    seen = set()
    for one in run.inputs.dataset_inputs:
        context = next((tag.value for tag in one.tags if tag.key == "mlflow.data.context"), "")
        source, profile = _json(one.dataset.source), _json(one.dataset.profile)
        path = str(source.get("uri") or "")
        if context == CONTEXT and path.startswith("/") and path not in seen:
            seen.add(path)
            yield Input(Path(path), str(profile.get("kind") or ""), one.dataset.digest)


def bring(source: Path, target: Path) -> None:
    """Put a copy of a file or directory where the repeated program looks for it, unless something is there."""
    if target.exists() or not source.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy2(source, target)


def _json(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
