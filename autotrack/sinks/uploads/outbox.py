"""Which runs of a store are still to be sent to a server, and how far each has come.

``outbox/<server>/`` holds ``server.json`` with the server's address and one empty file for each run of which something
may be unsent. What the server has acknowledged stands beside the run's journal, in ``sent-<server>.json``.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from autotrack.journal.format import RECORD
from autotrack.journal.reader import valid_run_id
from autotrack.sinks.local import make_store
from autotrack.wire.address import Address

try:
    import fcntl
except ImportError:  # no such locks on this system: two uploaders may send one run at once, which does no harm
    fcntl = None  # type: ignore[assignment]

FOLDER = "outbox"


@dataclass(slots=True)
class Receipt:
    """What a server has acknowledged of a run."""

    server: str = ""
    run_id: str | None = None
    """The id that the run has there."""
    experiment_id: str = ""
    artifact_uri: str = ""
    asked: bool = False
    """Whether the server was asked to make the run, and may have done so without our hearing of it."""
    sent: dict[str, int] = field(default_factory=dict)
    """How much of each file of the journal has arrived, in bytes."""
    offered: dict[str, int] = field(default_factory=dict)
    """Up to where a stretch of a file was sent whose arrival is not known; it is sent again as it was."""
    stored: dict[str, int] = field(default_factory=dict)
    """Up to where the events of each file have their artifacts and models there."""
    names: dict[str, dict[str, str]] = field(default_factory=dict)
    """The keys that go by another name there, by kind."""
    inputs: dict[str, str] = field(default_factory=dict)
    """What each data set is an input for there, by its digest and name."""
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Files of which a part has arrived."""
    differs: list[str] = field(default_factory=list)
    """What the server cannot hold as it was recorded."""
    refused: dict[str, str] = field(default_factory=dict)
    """What the server did not take, and why."""
    told: str = ""
    """The end that was told to the server although nobody wrote one."""

    def has(self, sizes: Mapping[str, int], *, files: bool) -> bool:
        """Whether the server has all that the journal held when its files had these sizes."""
        return self.run_id is not None and all(
            # What is no whole record at the end of a file of points is none yet.
            self.sent.get(name, 0) >= size - (size % RECORD.size if name.startswith("metrics-") else 0)
            and (not files or not name.startswith("events-") or self.stored.get(name, 0) >= size)
            for name, size in sizes.items()
        )


@dataclass(frozen=True, slots=True)
class Outbox:
    """What is to be sent from a store to a server."""

    store: Path
    server: Address

    @property
    def directory(self) -> Path:
        """Where its marks lie."""
        return self.store / FOLDER / self.server.name

    def add(self, run_id: str) -> None:
        """Mark a run as one of which something may be unsent."""
        try:
            _touch(self.directory / run_id)
        except FileNotFoundError:
            make_store(self.store)
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write(self.directory / "server.json", {"uri": self.server.uri})
            _touch(self.directory / run_id)

    @property
    def facts(self) -> dict[str, Any]:
        """What is noted of the server as a whole: its address, and with ``pushed``, which is there as soon as it is to
        have the store's registered models, the hash of the last change of each that it has."""
        try:
            found: dict[str, Any] = json.loads((self.directory / "server.json").read_bytes())
        except (OSError, ValueError):
            return {"uri": self.server.uri}
        return found

    def note_pushed(self, changes: Mapping[str, str]) -> None:
        """Note the last change that the server has of some registered models, by their names."""
        facts = self.facts
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(self.directory / "server.json", {**facts, "pushed": {**facts.get("pushed", {}), **changes}})

    def waiting(self) -> list[str]:
        """The marked runs, those marked first before the others."""
        try:
            with os.scandir(self.directory) as entries:
                found = [(entry.stat().st_mtime_ns, entry.name) for entry in entries if valid_run_id(entry.name)]
        except (FileNotFoundError, NotADirectoryError):
            return []
        return [name for _, name in sorted(found)]

    def done(self, run_id: str) -> None:
        """Take a run's mark away: all that its journal holds has arrived."""
        (self.directory / run_id).unlink(missing_ok=True)

    def knows(self, run_id: str) -> bool:
        """Whether a run goes to this server, or went there."""
        return (self.directory / run_id).exists() or self._receipt(run_id).exists()

    def run(self, run_id: str) -> Path:
        """Where a run's journal lies."""
        return self.store / "runs" / run_id

    def _receipt(self, run_id: str) -> Path:
        return self.run(run_id) / f"sent-{self.server.name}.json"

    def receipt(self, run_id: str) -> Receipt:
        """What the server has acknowledged; one that is damaged counts as none, as sending twice does no harm."""
        try:
            known = json.loads(self._receipt(run_id).read_bytes())
            return Receipt(**{one.name: known[one.name] for one in fields(Receipt) if one.name in known})
        except (FileNotFoundError, NotADirectoryError):
            return Receipt(self.server.uri)
        except (ValueError, TypeError):
            return Receipt(self.server.uri, asked=True)

    def version(self, run_id: str) -> tuple[int, int] | None:
        """Another value whenever the receipt has been replaced."""
        try:
            facts = self._receipt(run_id).stat()
        except OSError:
            return None
        return facts.st_ino, facts.st_mtime_ns

    def keep(self, run_id: str, receipt: Receipt) -> None:
        """Write down what the server has acknowledged; complete or not at all."""
        _write(self._receipt(run_id), asdict(receipt))

    @contextmanager
    def held(self, run_id: str) -> Iterator[bool]:
        """Whether this process alone sends the run, until the end of the block. The end of a process lets go, too."""
        lock = _lock(self.directory / run_id)
        try:
            yield lock is not None
        finally:
            if lock is not None:
                _held.discard(lock)
                with contextlib.suppress(OSError):
                    os.close(lock)


def outboxes(store: Path) -> list[Outbox]:
    """Those of a store."""
    found = []
    for file in sorted((store / FOLDER).glob("*/server.json")):
        with contextlib.suppress(OSError, ValueError, KeyError):
            found.append(Outbox(store, Address(json.loads(file.read_text())["uri"])))
    return found


def added_to(run: Path) -> None:
    """Mark a run again for the servers that had all of it, as something was added to its journal since; ``run`` is its
    directory."""
    for receipt in run.glob("sent-*.json"):
        with contextlib.suppress(OSError):  # an outbox that somebody has removed
            _touch(run.parent.parent / FOLDER / receipt.name.removeprefix("sent-").removesuffix(".json") / run.name)


_held: set[int] = set()


def _lock(mark: Path) -> int | None:
    """The mark, locked; ``None`` if another process has locked it, or has taken it away."""
    try:
        fd = os.open(mark, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return None
    try:
        if fcntl is not None:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(fd).st_nlink == 0:  # whoever had it has sent all meanwhile
            raise BlockingIOError
    except OSError:
        os.close(fd)
        return None
    _held.add(fd)
    return fd


def _touch(mark: Path) -> None:
    os.close(os.open(mark, os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600))


def _write(file: Path, content: dict[str, Any]) -> None:
    temporary = file.with_name(f".{file.name}-{os.getpid()}-{os.urandom(4).hex()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        json.dump(content, opened)
    temporary.replace(file)


def _after_fork() -> None:
    # The lock is the parent's as long as any process has its file open.
    for fd in _held:
        with contextlib.suppress(OSError):
            os.close(fd)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
