"""Where records go: a directory on this machine, or autotrack's server. Neither ever shows a run of which a part is
missing: in a directory it appears whole, and on a server one that is half there has a tag that says so."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from itertools import chain, count
from pathlib import Path
from typing import NamedTuple

from autotrack.client import Client
from autotrack.client.place import resolved
from autotrack.entities import Experiment
from autotrack.event import Event, ExperimentLife, LifeStage, RunCreated, Tags, encode
from autotrack.exceptions import AutotrackException
from autotrack.exchange import journal, versions
from autotrack.exchange.bundle import events_of, measured
from autotrack.exchange.record import Record
from autotrack.exchange.recorded import Choice, Recorded
from autotrack.journal.format import experiment_id as id_of
from autotrack.journal.lists import Opened
from autotrack.journal.reader import events_name, metrics_name, read_events
from autotrack.settings import current
from autotrack.sinks.local import make_store
from autotrack.sinks.uploads.link import about
from autotrack.sinks.uploads.outbox import Outbox
from autotrack.sinks.uploads.sync import HELD, Sent, sync
from autotrack.store import Store, open_store
from autotrack.store.experiments import DEFAULT_ID
from autotrack.store.registry.changes import Entry
from autotrack.wire.address import address, is_server
from autotrack.wire.connection import Connection
from autotrack.wire.messages import OWN

try:
    import fcntl
except ImportError:  # no such locks on this system: what an import has left lies there until somebody removes it
    fcntl = None  # type: ignore[assignment]

INCOMING = ".incoming"
"""The folder of a store in which a run lies until it is whole."""
PART_TAG = "autotrack.import"
"""On a server, the tag of a run of which a part is still to come: the digest of its journal."""


class Place(ABC):
    """Takes experiments, runs and registered models."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._recorded = Recorded(client.tracking_uri, Choice(everything=False, deleted=True))

    @contextmanager
    @abstractmethod
    def room(self) -> Iterator[Path]:
        """A directory for what is on its way, which goes away at the end, or when the next one is asked for."""
        yield Path()

    def record(self, run_id: str) -> Record | None:
        """A run that is there, deleted or not."""
        try:
            found = self.client.get_run(run_id)
        except AutotrackException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None
        return self._recorded.run(run_id) if found.info.run_id == run_id else None

    @abstractmethod
    def same_files(self, run_id: str, there: journal.Written, staged: Path) -> bool:
        """Whether the files of a run are those that were staged."""

    def begin(self, one: Experiment) -> str:
        """Have an experiment there, under the id that it had where that is free; gives the id."""
        found = self.known(one)
        if found is not None:
            for key in sorted(set(one.tags) - set(found.tags)):
                self.client.set_experiment_tag(found.experiment_id, key, one.tags[key])
            return found.experiment_id
        ids = chain([one.experiment_id, id_of(one.name)], (id_of(f"{one.name}\0{number}") for number in count(2)))
        chosen = next(known for known in ids if self._is_free(known))
        self.note(events_of(replace(one, experiment_id=chosen, lifecycle_stage="active")))
        return chosen

    @abstractmethod
    def note(self, events: Iterable[tuple[int, Event]]) -> None:
        """Note facts about experiments, each with its time."""

    @abstractmethod
    def keep(self, run_id: str, staged: Path) -> None:
        """Take a whole run that was staged in the room."""

    def finish(self, one: Experiment, experiment_id: str) -> None:
        """Delete an experiment once its runs are there, if it was deleted where it is from."""
        found = self.client.get_experiment(experiment_id)
        if one.lifecycle_stage == "deleted" and found.lifecycle_stage != "deleted":
            when = max(one.last_update_time or 0, found.last_update_time or 0)
            self.note([(when, ExperimentLife(experiment_id, "deleted"))])

    @abstractmethod
    def history(self, name: str) -> Sequence[Entry]:
        """What was done to the registered model that has a name there; an error if none has."""

    @abstractmethod
    def add(self, history: Sequence[Entry]) -> int:
        """Have a registered model there with its history, and give how many changes were made for that."""

    def _is_free(self, experiment_id: str) -> bool:
        if experiment_id == DEFAULT_ID:
            return False
        try:
            self.client.get_experiment(experiment_id)
        except AutotrackException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return True
        return False

    def known(self, one: Experiment) -> Experiment | None:
        """The experiment of a name. A tag that says something else there is an error."""
        found = self.client.get_experiment_by_name(one.name)
        for key, value in one.tags.items() if found is not None else ():
            if found is not None and found.tags.get(key, value) != value:
                uri = self.client.tracking_uri
                raise AutotrackException(
                    f"the experiment {one.name!r} has the tag {key!r} {found.tags[key]!r} in {uri} and {value!r} where "
                    "it is from; change one of them. Nothing was imported",
                    "RESOURCE_CONFLICT",
                )
        return found


def place(uri: str | None) -> Place:
    """The place that a tracking URI names, by default where runs are recorded."""
    client = Client(uri)
    if is_server(client.tracking_uri):
        return Server(client)
    return Local(client, resolved(client.tracking_uri)[1])


class Local(Place):
    """A store in a directory. A run is written beside the others and then moved among them."""

    def __init__(self, client: Client, directory: Path) -> None:
        super().__init__(client)
        self.directory = directory
        self._opened = Opened(self.directory)

    @property
    def _store(self) -> Store:
        return open_store(self.directory)

    @contextmanager
    def room(self) -> Iterator[Path]:
        """See :class:`Place`; what an import that was killed has left there goes first."""
        make_store(self.directory)
        top = self.directory / INCOMING
        top.mkdir(exist_ok=True, mode=0o700)
        for one in top.iterdir():
            _sweep(one)
        room = Path(tempfile.mkdtemp(dir=top))
        lock = _locked(room)
        try:
            yield room
        finally:
            shutil.rmtree(room, ignore_errors=True)
            if lock >= 0:
                os.close(lock)

    def same_files(self, run_id: str, there: journal.Written, staged: Path) -> bool:
        """See :class:`Place`; by their content."""
        own = self.directory / "runs" / run_id / "artifacts"
        new = staged / "artifacts"
        return all((own / one.path).is_file() and measured(own / one.path) == measured(new / one.path)
                   for one in there.files)  # fmt: skip

    def keep(self, run_id: str, staged: Path) -> None:
        """See :class:`Place`."""
        target = self.directory / "runs" / run_id
        target.parent.mkdir(exist_ok=True, mode=0o700)
        staged.rename(target)  # fails if somebody else has made the run meanwhile
        self.list(run_id)

    def list(self, run_id: str) -> None:
        """Have an index find a run that may have been moved there without being listed."""
        self._opened.add(run_id)

    def note(self, events: Iterable[tuple[int, Event]]) -> None:
        """See :class:`Place`."""
        for when, event in events:
            self._store.editor.experiment(event, time_ms=when)

    def history(self, name: str) -> Sequence[Entry]:
        """See :class:`Place`."""
        return self._store.registry.own_history(name)

    def add(self, history: Sequence[Entry]) -> int:
        """See :class:`Place`."""
        return versions.add(self._store.registry, history)


class Server(Place):
    """A server of autotrack's. A run is sent as one that was recorded for it would be, and once."""

    @contextmanager
    def room(self) -> Iterator[Path]:
        """See :class:`Place`; a server that is not autotrack's is an error."""
        uri = self.client.tracking_uri
        if "autotrack" not in about(Connection(address(uri))):
            raise AutotrackException.invalid(
                f"{uri} is not autotrack's and gives runs ids of its own; `autotrack sync BUNDLE --to {uri}` sends the "
                "runs of a bundle that is a directory"
            )
        with tempfile.TemporaryDirectory(prefix="autotrack-") as room:
            yield Path(room)

    def same_files(self, run_id: str, there: journal.Written, staged: Path) -> bool:  # noqa: ARG002 - see there
        """See :class:`Place`; by their sizes, which the journals have told already."""
        return True

    def note(self, events: Iterable[tuple[int, Event]]) -> None:
        """See :class:`Place`."""
        message = {"lines": [encode(event, when).decode("ascii").strip() for when, event in events]}
        Connection(address(self.client.tracking_uri)).call("POST", f"{OWN}/experiments/take", message)

    def keep(self, run_id: str, staged: Path) -> None:
        """See :class:`Place`. Sent under a name that is made of its content, so that what has arrived of it before is
        not added again."""
        digest = digest_of(staged)
        store = staged.parent / "outgoing"
        run = store / "runs" / run_id
        make_store(store)
        run.parent.mkdir()
        staged.rename(run)
        created, deleted = _renamed(run, f"import-{digest[:32]}")
        server = Connection(address(self.client.tracking_uri))
        server.call("POST", "runs/create", {
            "experiment_id": created.event.experiment_id, "run_id": run_id, "run_name": created.event.name,
            "user_id": created.event.user, "start_time": created.time, "tags": [{"key": PART_TAG, "value": digest}],
        })  # fmt: skip
        outbox = Outbox(store, address(self.client.tracking_uri))
        outbox.add(run_id)
        results: list[Sent] = []
        sync(outbox, current().query_timeout, results.append)
        receipt = outbox.receipt(run_id)
        refused = [*receipt.refused.values(), *(one.reason for one in results if one.state == HELD)]
        shutil.rmtree(store)
        if refused:
            raise AutotrackException(f"{self.client.tracking_uri} does not take run {run_id}: {refused[0]}")
        # At once, so that nobody sees a run that is whole and not as it was.
        whole: list[Event] = [Tags({PART_TAG: None}), *([LifeStage("deleted")] if deleted else [])]
        lines = [json.loads(encode(event, created.time)) for event in whole]
        server.call("POST", "runs/log-batch", {"run_id": run_id, "events": lines})

    def history(self, name: str) -> Sequence[Entry]:
        """See :class:`Place`."""
        return versions.told_by(self.client, name)

    def add(self, history: Sequence[Entry]) -> int:
        """See :class:`Place`."""
        return versions.tell(self.client, history)


class _Created(NamedTuple):
    """How a run began."""

    time: int
    event: RunCreated


def digest_of(run: Path) -> str:
    """A digest of a staged run's journal."""
    digest = sha256((run / events_name(journal.WRITER)).read_bytes())
    with_points = run / metrics_name(journal.WRITER)
    digest.update(measured(with_points)[1].encode() if with_points.exists() else b"")
    return digest.hexdigest()


def _renamed(run: Path, writer: str) -> tuple[_Created, bool]:
    """Have a staged run's journal be of another writer, and not say that the run is deleted: it takes nothing then.

    Gives its first event, and whether it said so.
    """
    place = run / events_name(journal.WRITER)
    found = read_events(place).lines
    lines = place.read_bytes().splitlines(keepends=True)
    deleted = isinstance(found[-1].event, LifeStage)
    (run / events_name(writer)).write_bytes(b"".join(lines[:-1] if deleted else lines))
    place.unlink()
    if (points := run / metrics_name(journal.WRITER)).exists():
        points.rename(run / metrics_name(writer))
    assert isinstance(found[0].event, RunCreated), "what every journal that is made here begins with"
    return _Created(found[0].time, found[0].event), deleted


def _locked(room: Path) -> int:
    """A lock that ends with this process, as long as which nobody else removes the room."""
    fd = os.open(room / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    if fcntl is not None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return fd


def _sweep(room: Path) -> None:
    try:
        fd = os.open(room / "lock", os.O_RDWR)
    except OSError:
        return  # it has just been made
    try:
        if fcntl is not None:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(room, ignore_errors=True)
    except OSError:
        return
    finally:
        os.close(fd)
