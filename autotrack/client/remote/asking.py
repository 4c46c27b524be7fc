"""How a client asks a server: after what this process has recorded has arrived there, and for a while only."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from autotrack import current, settings
from autotrack.event import ExperimentCreated
from autotrack.exceptions import AutotrackException
from autotrack.journal.format import experiment_id as id_of
from autotrack.journal.reader import read_events
from autotrack.sinks.uploads.link import resolved
from autotrack.sinks.uploads.outbox import Outbox
from autotrack.sinks.uploads.search import found
from autotrack.wire.address import address
from autotrack.wire.connection import Connection, Refused, patiently
from autotrack.wire.messages import OWN

T = TypeVar("T")


class Asking:
    """A server, and the ways to ask it."""

    def __init__(self, uri: str) -> None:
        self._address = address(uri)
        self.tracking_uri = self._address.uri
        self._threads = threading.local()
        self._outbox = Outbox(settings.journal_store(), self._address)
        self._ids: dict[str, str] = {}
        self._experiments: dict[str, str] = {}

    @property
    def _connection(self) -> Connection:
        """This thread's own."""
        mine = self._threads
        if getattr(mine, "pid", 0) != os.getpid():
            mine.pid, mine.connection = os.getpid(), Connection(self._address)
        connection: Connection = mine.connection
        return connection

    def _ask(
        self, method: str, path: str, message: Mapping[str, Any] | None = None, *, again: bool = True,
        run_id: str | None = None, files: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        """The answer, once the server has what this process has recorded: of the run ``run_id``, or of all. ``again``:
        the request may be sent twice."""
        begun = time.monotonic()
        most = settings.current().query_timeout
        self._flush(most, run_id, files=files)
        left = max(most - (time.monotonic() - begun), 0.1)
        return patiently(
            lambda seconds: self._connection.call(method, path, message, seconds=seconds), left, again=again
        )

    def _flush(self, seconds: float, run_id: str | None, *, files: bool) -> None:
        uploads = sys.modules.get("autotrack.sinks.uploads.uploader")
        if uploads is not None:
            uploads.flush_to(self._address.uri, seconds, run_id, files=files)

    def _on_run(self, run_id: str, ask: Callable[[str], T]) -> T:
        """The answer about a run, which may be named by the server's id or by the one that it has where it was
        recorded."""
        wanted = str(run_id)
        known = self._known(wanted)
        try:
            return ask(known)
        except Refused as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST" or known != wanted:
                raise
            run = patiently(lambda _: found(self._connection, wanted), settings.current().query_timeout)
            if run is None or run["info"]["run_id"] == wanted:
                raise
        self._ids[wanted] = str(run["info"]["run_id"])
        return ask(self._ids[wanted])

    def _known(self, run_id: str) -> str:
        if run_id not in self._ids:
            uploads = sys.modules.get("autotrack.sinks.uploads.uploader")
            if uploads is not None and uploads.is_own(self._address.uri, run_id):
                self._flush(settings.current().query_timeout, run_id, files=False)
            there = self._outbox.receipt(run_id).run_id if run_id.isalnum() else None
            if there is None:
                return run_id
            self._ids[run_id] = there
        return self._ids[run_id]

    def _experiment_id(self, experiment_id: str) -> str | None:
        """The server's id of an experiment that is named by it, or by the id that it has on this machine; ``None`` for
        one of this machine that the server has not got."""
        wanted = str(experiment_id)
        if wanted not in self._experiments:
            name = next((name for known, name in self._experiments_here() if known == wanted), None)
            if name is None:
                return wanted
            try:
                there = self._ask("GET", "experiments/get-by-name", {"experiment_name": name})["experiment"]
            except Refused as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                return None
            self._experiments[wanted] = str(there["experiment_id"])
        return self._experiments[wanted]

    def _made_experiment(self, experiment_id: str) -> str:
        """The same, where one of this machine is made on the server if it has not got it yet."""
        known = self._experiment_id(experiment_id)
        if known is None:
            name = next(name for here, name in self._experiments_here() if here == str(experiment_id))
            known = patiently(lambda _: resolved(self._connection, name), settings.current().query_timeout)
            self._experiments[str(experiment_id)] = known
        return known

    def _experiments_here(self) -> Iterator[tuple[str, str]]:
        """Ids and names of the experiments that this machine has given an id."""
        own, name = current.current_experiment()
        if own == id_of(name):
            yield own, name
        for file in sorted((self._outbox.store / "experiments").glob("*.jsonl")):
            for line in read_events(file).lines:
                if isinstance(line.event, ExperimentCreated):
                    yield line.event.experiment_id, line.event.name

    def _own(self, method: str, path: str, message: Mapping[str, Any], *, again: bool | None = None) -> dict[str, Any]:
        """The answer to what only autotrack's servers understand; on another one it is an error with the code
        NOT_IMPLEMENTED. ``again`` as for :meth:`_ask`, by default where nothing is changed."""
        try:
            return self._ask(method, f"{OWN}/{path}", given(message), again=method == "GET" if again is None else again)
        except Refused as error:
            if error.error_code != "ENDPOINT_NOT_FOUND":
                raise
            raise AutotrackException(
                f"{self.tracking_uri} does not support {path.replace('/', ': ')}, which MLflow's protocol has no word "
                "for; a server of autotrack's does",
                "NOT_IMPLEMENTED",
            ) from None


def given(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message without what is absent."""
    return {name: value for name, value in message.items() if value is not None}
