"""The process beside a program that finds out what its code and its environment are.

It reads one line of JSON from the program, writes the files of the context into the directory that this names, says so,
and hears whether the program has taken note. If the program is gone by then, it writes down in the program's place that
the files are there. Whatever happens, it ends after some seconds.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

from autotrack import settings
from autotrack.capture.inputs import used
from autotrack.capture.machine import machine
from autotrack.capture.packages import packages
from autotrack.capture.reads import Read
from autotrack.capture.repository import Code, code
from autotrack.context import beside, files, protocol
from autotrack.event import ArtifactStored, Tags
from autotrack.journal.format import MARK
from autotrack.sharing import share

LEAST = 4 << 10
"""Bytes of a file that is looked for among those of other programs."""
SPARE = 0.3
"""Seconds of the time that the whole may take that are left when what is asked of others, git above all, is over."""


def main() -> None:
    """Collect, write, and see that it is noted down."""
    begin = time.monotonic()
    beside.stand_alone()
    signal.alarm(protocol.life())
    asked, rest = _question()
    if asked is None:
        return
    if "reads" in asked:
        signal.alarm(protocol.LONG)
        _read_late(asked["reads"])
        return
    directory, deadline = Path(asked["directory"]), begin + _patience()
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(_code, asked, deadline) if asked["place"] else None
        installed = packages(asked["path"])
        environment = machine(deadline)
        found = reading.result() if reading else Code()
    late = bool(rest) or bool(select.select([0], [], [], 0)[0])
    if not _write(asked, found, environment, installed, late=late):
        return
    with contextlib.suppress(OSError):
        os.write(1, protocol.DONE)
    while not rest.endswith(b"\n") and (piece := os.read(0, 1 << 16)):
        rest += piece
    if not rest.endswith(protocol.TAKEN):
        _note(directory, _last_words(rest), installed, protocol.dirty_tag(found.facts))


def collect(asked: dict[str, Any]) -> None:
    """The same in the program itself, where no helper can be started: what can be known without any process."""
    found = _code(asked, time.monotonic() + _patience(), processes=False) if asked["place"] else Code()
    _write(asked, found, machine(0.0), packages(asked["path"]), late=False)


def _patience() -> float:
    return settings.context_timeout() - SPARE


def _code(asked: dict[str, Any], deadline: float, *, processes: bool = True) -> Code:
    return code(Path(asked["place"]), asked["sources"], deadline, processes=processes)


def _write(
    asked: dict[str, Any], found: Code, environment: dict[str, Any], installed: list[dict[str, Any]], *, late: bool
) -> bool:
    """Write the files; not where the run is gone."""
    directory = Path(asked["directory"])
    for collected in (found.facts, environment):
        collected |= {"taken": time.time_ns() // 1_000_000, "late": late}
    launch = {**asked["launch"], "imported": files.imported(installed, asked["modules"])}
    if not _run_of(directory).is_dir():
        return False  # a store that was deleted is not to rise again in parts
    facts = {files.CODE: found.facts, files.ENVIRONMENT: environment, files.PACKAGES: installed, files.LAUNCH: launch}
    for name, value in facts.items():
        files.put(directory / name, files.document(value))
    for name, data in found.files.items():
        if ".." not in Path(name).parts:
            files.put(directory / name, data)
    _share(directory)
    return True


def _question() -> tuple[dict[str, Any] | None, bytes]:
    """The program's question, and what it has said since; ``None`` if it died before it had asked."""
    heard = b""
    while b"\n" not in heard:
        piece = os.read(0, 1 << 16)
        if not piece:
            return None, b""
        heard += piece
    line, _, rest = heard.partition(b"\n")
    return json.loads(line), rest


def _last_words(said: bytes) -> dict[str, Any]:
    """What the program, in a hurry to end, has left to do."""
    try:
        words: dict[str, Any] = json.loads(said)
    except ValueError:  # it was killed
        words = {}
    return words


def _note(directory: Path, words: dict[str, Any], installed: list[dict[str, Any]], tags: dict[str, str]) -> None:
    """Write down, in the place of a program that is gone, which files its runs have."""
    if "launch" in words:
        launch = {**words["launch"], "imported": files.imported(installed, words["modules"])}
        files.put(directory / files.LAUNCH, files.document(launch))
    for run in dict.fromkeys((str(_run_of(directory)), *words.get("runs", ()))):
        home = Path(run)
        if home.parent.name != "runs" or not home.is_dir():
            continue  # kept elsewhere than in a store's directory
        target = home / "artifacts" / files.NAME
        names = files.listed(directory) if target == directory else files.give(directory, target)
        with beside.in_place_of(home) as stream:
            for name, size in names:
                stream.event(ArtifactStored(name, size))
            if tags:
                stream.event(Tags(tags))


def _read_late(left: list[tuple[str, list[Any]]]) -> None:
    """Take the digests of files, and write them down, in the place of a program that is gone."""
    for home, facts in left:
        if Path(home).is_dir():
            event = used(Read(*facts))
            with beside.in_place_of(Path(home)) as stream:
                stream.event(event)


def _share(directory: Path) -> None:
    """Have files take their space once that other programs of this store have brought already."""
    store = _run_of(directory).parent.parent
    if not (store / MARK).is_file():
        return
    for name, size in files.listed(directory):
        if size >= LEAST:
            file = directory / name.removeprefix(f"{files.NAME}/")
            with contextlib.suppress(OSError, ValueError):  # a file system that cannot costs space alone
                share(file, store, sha256(file.read_bytes()).hexdigest())


def _run_of(directory: Path) -> Path:
    return directory.parent.parent
