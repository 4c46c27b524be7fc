"""Where MLflow says that files are, and whether they may be read: what somebody else has made may name any place."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from autotrack.exchange.record import File, copied
from autotrack.files import relative
from autotrack.settings import local_directory
from autotrack.wire.buckets import BUCKETS, Bucket
from autotrack.wire.roots import Root


@dataclass(slots=True)
class Artifacts:
    """Looks below some directories only. ``given`` is where a server kept what it calls ``mlflow-artifacts:``."""

    below: Sequence[Path]
    given: Path | None = None
    notes: list[str] = field(default_factory=list)
    """What could not be reached."""

    def files(self, uri: str, before: str = "") -> Iterator[File]:
        """The files at a place, with paths that begin with ``before``."""
        scheme = urlsplit(uri).scheme
        if scheme in BUCKETS:
            yield from listed(Bucket(uri), "", before)
            return
        place = self._place(uri, scheme)
        if place is None:
            self._note(f"files at {uri} are left out; --artifacts DIR says where they lie")
            return
        for folder, folders, names in os.walk(place):
            folders.sort()
            for name in sorted(names):
                file = Path(folder, name)
                if file.is_file() and not file.is_symlink():
                    yield copied(file, before + file.relative_to(place).as_posix())

    def _place(self, uri: str, scheme: str) -> Path | None:
        if scheme in ("mlflow-artifacts", "http", "https"):
            path = urlsplit(uri).path.rpartition("/mlflow-artifacts/artifacts/")[2].strip("/")
            place = None if self.given is None else self.given / path
        else:
            place = local_directory(uri) if uri else None
        roots = [*self.below, *([self.given] if self.given else [])]
        if place is None or not any(place.resolve().is_relative_to(root.resolve()) for root in roots):
            return None
        return place

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def listed(place: Root, path: str, before: str) -> Iterator[File]:
    """The files below an artifact root."""
    for one in place.list(path):
        if one.is_dir:
            yield from listed(place, one.path, before)
        else:
            yield File(relative(before + one.path), one.file_size or 0, partial(place.fetch, one.path))
