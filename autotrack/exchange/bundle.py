"""A bundle: a store of journals by one writer each, with a list of its files and their digests.

As a directory it can be opened like any store; as a zip or tar file it holds the same files. The same records give the
same bytes: files come in the order of their paths, uncompressed, and times, modes and owners are fixed.
"""

from __future__ import annotations

import json
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from autotrack.entities import Experiment
from autotrack.event import Event, ExperimentCreated, ExperimentLife, ExperimentTags, encode
from autotrack.exceptions import AutotrackException
from autotrack.exchange import journal, versions
from autotrack.exchange.record import Source
from autotrack.files import below
from autotrack.journal.format import MARK, VERSION
from autotrack.store.experiments import DEFAULT_ID
from autotrack.store.registry import chain

MANIFEST = "manifest.json"
FORMAT = 1
ARCHIVES = (".zip", ".tar")
_PIECE = 1 << 20
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file can hold."""


@dataclass(slots=True)
class Exported:
    """What a bundle holds."""

    runs: int = 0
    unfinished: list[str] = field(default_factory=list)
    """Runs that had no end: what they had logged so far is there."""
    experiments: int = 0
    models: int = 0
    files: int = 0
    bytes: int = 0


class _Target(Protocol):
    """Where the files of a bundle go, in the order of their paths."""

    def put(self, path: str, file: Path) -> None: ...


def write(source: Source, target: Path, told: Callable[[Exported], object] = lambda _: None) -> Exported:
    """Write a bundle to a new file or directory, complete or not at all; ``told`` hears of every run."""
    if target.suffix not in ARCHIVES and target.suffix in (".gz", ".tgz", ".7z", ".xz", ".bz2"):
        raise AutotrackException.invalid(f"{target}: a bundle is a directory, a .zip or a .tar; compress it afterwards")
    if target.exists() or target.is_symlink():
        raise AutotrackException.invalid(f"{target} is there already; name a new file or directory")
    target.parent.mkdir(parents=True, exist_ok=True)
    made, listed = Exported(), dict[str, tuple[int, str]]()
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name[:80]}-", dir=target.parent))
    whole = staging / "whole"
    try:
        with _opened(whole, target.suffix) as bundle:

            def keep(directory: Path, before: str = "") -> None:
                for file, path in below(directory):
                    size, digest = measured(file)
                    listed[before + path] = size, digest
                    made.files, made.bytes = made.files + 1, made.bytes + size
                    bundle.put(before + path, file)
                shutil.rmtree(directory, ignore_errors=True)

            keep(_start(staging / "start", source, made))
            for run_id in source.runs():
                taken = source.run(run_id)
                journal.write(staging / "run", taken)
                if taken.run.info.end_time is None and taken.run.info.status == "RUNNING":
                    made.unfinished.append(run_id)
                made.runs += 1
                keep(staging / "run", f"runs/{run_id}/")
                told(made)
            (staging / MANIFEST).write_bytes(manifest(listed))
            bundle.put(MANIFEST, staging / MANIFEST)
        whole.replace(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return made


def manifest(files: dict[str, tuple[int, str]]) -> bytes:
    """The list of a bundle's files: size and SHA-256 of each by its path, one a line."""
    lines = [f"  {json.dumps(path)}: {json.dumps([*files[path]])}" for path in sorted(files)]
    head = f'{{"product": "autotrack", "bundle": {FORMAT}, "files": {{\n'
    return (head + ",\n".join(lines) + "\n}}\n").encode("ascii")


def measured(file: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file."""
    size, digest = 0, sha256()
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            size += len(piece)
            digest.update(piece)
    return size, digest.hexdigest()


def _start(directory: Path, source: Source, made: Exported) -> Path:
    """All that is no run's own: the mark, experiments, and the registry."""
    directory.mkdir()
    (directory / MARK).write_text(json.dumps({"product": "autotrack", "format": VERSION}) + "\n")
    lines = []
    for one in source.experiments():
        made.experiments += 1
        lines += [encode(event, when) for when, event in events_of(one)]
    if lines:
        (directory / "experiments").mkdir()
        (directory / "experiments" / f"{journal.WRITER}.jsonl").write_bytes(b"".join(lines))
    before = chain.START
    histories = [history for history in source.histories() if history]
    made.models = len(histories)
    for entry in versions.together(histories):
        sealed, text = chain.sealed(entry, before)
        place = chain.path_of(directory, entry.number)
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(text)
        before = sealed.hash
    return directory


def events_of(one: Experiment) -> Iterator[tuple[int, Event]]:
    """What a journal says of an experiment, each with its time. The default one is in every store, since its making."""
    tags = dict(sorted(one.tags.items()))
    made = max(one.creation_time or 0, 0)
    changed = max(one.last_update_time or 0, made)
    if one.experiment_id != DEFAULT_ID:
        yield made, ExperimentCreated(one.experiment_id, one.name, "", tags)
    if tags if one.experiment_id == DEFAULT_ID else changed != made:
        yield changed, ExperimentTags(one.experiment_id, tags)
    if one.lifecycle_stage == "deleted":
        yield changed, ExperimentLife(one.experiment_id, "deleted")


@contextmanager
def _opened(place: Path, suffix: str) -> Iterator[_Target]:
    if suffix == ".zip":
        with zipfile.ZipFile(place, "x", zipfile.ZIP_STORED) as archive:
            yield _Zip(archive)
    elif suffix == ".tar":
        with tarfile.open(place, "x", format=tarfile.PAX_FORMAT) as archive:
            yield _Tar(archive)
    else:
        place.mkdir(mode=0o700)
        yield _Directory(place)


@dataclass(frozen=True, slots=True)
class _Directory:
    directory: Path

    def put(self, path: str, file: Path) -> None:
        target = self.directory / path
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.replace(target)


@dataclass(frozen=True, slots=True)
class _Zip:
    archive: zipfile.ZipFile

    def put(self, path: str, file: Path) -> None:
        facts = zipfile.ZipInfo(path, _FIRST_DAY)
        facts.external_attr = 0o100600 << 16
        facts.create_system = 3
        facts.file_size = file.stat().st_size
        with file.open("rb") as source, self.archive.open(facts, "w", force_zip64=True) as target:
            shutil.copyfileobj(source, target, _PIECE)


@dataclass(frozen=True, slots=True)
class _Tar:
    archive: tarfile.TarFile

    def put(self, path: str, file: Path) -> None:
        facts = tarfile.TarInfo(path)
        facts.size, facts.mode = file.stat().st_size, 0o600
        with file.open("rb") as source:
            self.archive.addfile(facts, source)
