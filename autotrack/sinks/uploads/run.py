"""One run on its way to a server: what is new in its journal is sent, and what has arrived is written down."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path

from autotrack.event import ArtifactStored, Ended, ModelLogged, RunCreated
from autotrack.journal.process import alive
from autotrack.journal.reader import RunFiles, heartbeat, run_files
from autotrack.journal.tail import Place, Tail
from autotrack.sinks.uploads.differences import DIFFERENCES, differences
from autotrack.sinks.uploads.link import Link, Waits
from autotrack.sinks.uploads.mlflow import MOST_METRICS, Mlflow
from autotrack.sinks.uploads.native import Native
from autotrack.sinks.uploads.outbox import Receipt
from autotrack.sinks.uploads.transfer import Transfer, Transfers
from autotrack.wire.connection import Refused

LEASE_MS = 60_000
"""How long a run is silent before it may be lost."""
_REQUESTS_AT_ONCE = 20
"""For points of one run, before others have their turn."""
_FILES_AT_ONCE = 64
"""Of one run, under way or waiting for their turn."""


@dataclass(slots=True)
class _Stored:
    """An event whose files are on their way."""

    place: Place
    transfers: list[Transfer]

    @property
    def over(self) -> bool:
        return all(one.over for one in self.transfers)


class RunUpload:
    """A run that goes to a server. Used by one thread; only ``arrived`` is for others."""

    def __init__(self, link: Link, run_id: str, transfers: Transfers) -> None:
        self.run_id = run_id
        self.directory = link.outbox.run(run_id)
        self.receipt = Receipt()
        self._link, self._transfers = link, transfers
        self._tail = Tail(self.directory)
        self._lock: ExitStack | None = None
        self._version: tuple[int, int] | None = None
        self._stored: list[_Stored] = []
        self._target: Mlflow | None = None
        self._paused = False
        self.finished = False
        """Whether all of it has arrived, and nothing more is to come."""
        self.mine = True
        """Whether it could be held, as no other process sends it."""

    def step(self) -> bool:
        """Send what is new. Gives whether there is more already; raises what the connection raises."""
        if not self._hold():
            self._adopt(self._link.outbox.receipt(self.run_id))
            self.mine = False
            return False
        self.mine = True
        try:
            return self._step()
        except Refused as error:
            if not error.about_it:
                raise
            self._link.forget()
            server = self._link.connection.address.uri
            raise Waits(f"{server} does not take run {self.run_id}: {error.message}") from error
        finally:
            if not self.busy:
                self.let_go()

    @property
    def busy(self) -> bool:
        """Whether files of it are on their way."""
        return bool(self._stored)

    @property
    def ending(self) -> bool:
        """Whether the run has ended, and something of that is still to be said."""
        return self.mine and self._tail.ended and not self.finished

    def let_go(self) -> None:
        """Let other processes send it."""
        if self._lock is not None:
            for one in self._stored:
                for transfer in one.transfers:
                    transfer.cancel()
            self._stored.clear()
            self._lock.close()
            self._lock = None

    def create(self) -> str:
        """The id that the run has on the server, where it is made if it is not there."""
        if self.receipt.run_id is None and not self._hold():
            self._adopt(self._link.outbox.receipt(self.run_id))
            if self.receipt.run_id is None:
                raise Waits(f"run {self.run_id} is being made by another process", soon=True)
        if self.receipt.run_id is None:
            try:
                self._tail.look(self.receipt.sent)
                self._make()
            finally:
                if not self.busy:
                    self.let_go()
        return self.receipt.run_id or self.run_id

    def arrived(self, sizes: Mapping[str, int], *, files: bool) -> bool:
        """Whether the server has all that the journal held when its files had these sizes."""
        return self.receipt.has(sizes, files=files)

    def _hold(self) -> bool:
        if self._lock is not None:
            return True
        stack = ExitStack()
        if not stack.enter_context(self._link.outbox.held(self.run_id)):
            stack.close()
            return False
        self._lock = stack
        version = self._link.outbox.version(self.run_id)
        if version is None or version != self._version:  # another process has sent some of it meanwhile
            self._load()
        return True

    def _load(self) -> None:
        self._adopt(self._link.outbox.receipt(self.run_id))
        self._tail = Tail(self.directory)
        self._target = None

    def _adopt(self, known: Receipt) -> None:
        for one in fields(Receipt):  # the same object: other threads look at it
            setattr(self.receipt, one.name, getattr(known, one.name))

    def _keep(self) -> None:
        self._link.outbox.keep(self.run_id, self.receipt)
        self._version = self._link.outbox.version(self.run_id)

    @property
    def _to(self) -> Mlflow:
        if self._target is None:
            kind = Native if self._link.native else Mlflow
            self._target = kind(self._link, self.run_id, self.receipt, self._tail, self._keep)
        return self._target

    def _step(self) -> bool:
        receipt, tail = self.receipt, self._tail
        files = tail.look({name: min(end, receipt.sent.get(name, 0)) for name, end in receipt.stored.items()})
        if files is None:  # deleted under us
            return self._over({})
        self._make()
        fresh: Sequence[Place] = [place for place in tail.events() if place.end > receipt.sent.get(place.file, 0)]
        fresh = self._to.again(fresh)
        end = next((at for at, place in enumerate(fresh) if isinstance(place.line.event, Ended)), len(fresh))
        self._to.events(fresh[:end])
        for number, points in enumerate(tail.points(files, receipt.sent, MOST_METRICS, receipt.offered)):
            if number == _REQUESTS_AT_ONCE:
                return True
            self._to.points(points)
        self._to.events(fresh[end:])  # a run is said to have ended when all its values are there
        receipt.sent |= tail.read  # with what no request was needed for
        self._store()
        if not self.busy and next(self._files_of({}), None) is None:
            return self._settle(files)
        return False

    def _make(self) -> None:
        if self.receipt.run_id is not None:
            return
        created = self._tail.created
        if created is not None and isinstance(created.event, RunCreated):
            self._to.create(created, created.event)
        else:
            self._to.join()

    def _store(self) -> None:
        """Put files on their way, and acknowledge those that have arrived."""
        self._try_again()
        under_way = {one.place.file: one.place.end for one in self._stored}
        waiting = sum(not transfer.over for one in self._stored for transfer in one.transfers)
        for place, later in self._files_of(under_way):
            if waiting >= _FILES_AT_ONCE:
                break
            transfers = [] if later else list(self._transfers_of(place))
            waiting += len(transfers)
            self._stored.append(_Stored(place, transfers))
        # In their order, as the receipt knows one place in each file.
        launched = {one.place.file: one.place.end for one in self._stored}
        marks = dict(self._tail.read)
        rest: dict[str, list[_Stored]] = {}
        for one in self._stored:
            file, event = one.place.file, one.place.line.event
            if file in rest or not one.over:
                rest.setdefault(file, []).append(one)
                continue
            if isinstance(event, ModelLogged) and one.transfers:
                self._to.model_stored(event)
            for transfer in one.transfers:
                self.receipt.parts.pop(transfer.name, None)
                if transfer.refused:
                    self.receipt.refused[f"file {transfer.path}"] = transfer.refused
        self._stored = [one for some in rest.values() for one in some]
        for file, some in rest.items():
            marks[file] = some[0].place.line.offset
        for place, _ in self._files_of(launched):
            marks[place.file] = min(marks[place.file], place.line.offset)
        marks = {file: end for file, end in marks.items() if end > self.receipt.stored.get(file, 0)}
        if self._remember_parts() or marks:
            self.receipt.stored |= marks
            self._keep()

    def _try_again(self) -> None:
        """After an outage, what had not arrived is sent again; before that, raise it."""
        failed = [transfer for one in self._stored for transfer in one.transfers if transfer.failed is not None]
        if not failed:
            return
        if not self._paused:
            self._paused = True
            raise failed[0].failed or AssertionError
        self._paused = False
        for transfer in failed:
            transfer.failed = None
            self._transfers.put(transfer)

    def _remember_parts(self) -> bool:
        changed = False
        for one in self._stored:
            for transfer in one.transfers:
                if transfer.kept and self.receipt.parts.get(transfer.name) is not transfer.kept:
                    self.receipt.parts[transfer.name] = transfer.kept
                    changed = True
        return changed

    def _files_of(self, under_way: dict[str, int]) -> Iterator[tuple[Place, bool]]:
        """The events with files that are known to the server, and whether a later one has the same file again."""
        found = [
            place
            for place in self._tail.events()
            if isinstance(place.line.event, ArtifactStored | ModelLogged)
            and max(self.receipt.stored.get(place.file, 0), under_way.get(place.file, 0)) < place.end
            and place.end <= self.receipt.sent.get(place.file, 0)
        ]
        last = {place.line.event.path: place for place in found if isinstance(place.line.event, ArtifactStored)}
        for place in found:
            event = place.line.event
            yield place, isinstance(event, ArtifactStored) and last[event.path] is not place

    def _transfers_of(self, place: Place) -> Iterator[Transfer]:
        event, artifacts = place.line.event, self.directory / "artifacts"
        if isinstance(event, ArtifactStored):
            if (file := _inside(artifacts, event.path)) is not None:
                yield self._transfer(self.receipt.artifact_uri, event.path, file)
        elif isinstance(event, ModelLogged) and (top := _inside(artifacts, event.path)) is not None:
            uri, below = self._to.model_root(event)
            for folder, _, names in os.walk(top):
                for name in sorted(names):
                    file = Path(folder, name)
                    path = file.relative_to(top).as_posix()
                    yield self._transfer(uri, f"{below}/{path}" if below else path, file)

    def _transfer(self, uri: str, path: str, file: Path) -> Transfer:
        kept = self.receipt.parts.get(f"{uri}/{path}", {})
        transfer = Transfer(uri, path, file, kept, in_parts=self._link.in_parts)
        self._transfers.put(transfer)
        return transfer

    def _settle(self, files: RunFiles) -> bool:
        """Once all has arrived: say how a run has ended whose process could not, and what the server lacks. Gives
        whether there is more meanwhile."""
        if not self._tail.ended:
            status, when = self._state(files)
            if status == "RUNNING":
                self._to.sign_of_life()
            if status != (self.receipt.told or "RUNNING"):
                self._to.settle(status, when)
            if status != "KILLED":
                return False
        told = differences(self.directory, self.run_id, self.receipt)
        if told is not None:
            uri = self.receipt.artifact_uri
            self._transfers.text(self._link.connection, uri, DIFFERENCES, told, self.directory)
        return self._over(files.sizes)

    def _over(self, sent: Mapping[str, int]) -> bool:
        """Take the run's mark away, unless its journal has grown beyond what was sent; gives whether it has.

        Whoever adds to a journal marks the run after that. So what is not seen here is marked once the mark is gone.
        """
        self._link.outbox.done(self.run_id)
        files = run_files(self.directory)
        self.finished = files is None or files.sizes == sent
        if not self.finished:
            self._link.outbox.add(self.run_id)
            self.let_go()  # what it held was the mark before
        return not self.finished

    def _state(self, files: RunFiles) -> tuple[str, int]:
        """The state of a run for which nobody wrote an end, and since when."""
        beats = [heartbeat(self.directory, writer) or 0 for writer in self._tail.processes]
        last = max([files.newest, *beats])
        signs = [alive(process) for process in self._tail.processes.values()]
        if any(signs) or not signs:
            return "RUNNING", last
        if all(sign is False for sign in signs):
            return "KILLED", last
        return ("RUNNING" if time.time_ns() // 1_000_000 - last < LEASE_MS else "LOST"), last


def _inside(root: Path, path: str) -> Path | None:
    """The file or directory of a run at a path, if it is there and does not lead elsewhere."""
    place = root / path
    return place if place.exists() and place.resolve().is_relative_to(root.resolve()) else None
