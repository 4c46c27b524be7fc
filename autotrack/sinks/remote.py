"""The sink that is a server: a journal of this machine, and the thread that sends it there."""

from __future__ import annotations

import os
from pathlib import Path

from autotrack import guard, settings
from autotrack.event import ExperimentCreated, Joined, RunCreated
from autotrack.sinks.local import LocalSink, LocalStream
from autotrack.sinks.uploads.outbox import Outbox
from autotrack.sinks.uploads.uploader import Uploader, uploader
from autotrack.wire.address import address

_ASK_SECONDS = 5.0
"""For the question whether a run exists, which nobody should wait for longer than that."""


class RemoteStream:
    """A process's files in one run; once they are closed, what was added is sent."""

    def __init__(self, stream: LocalStream, to: Uploader, run_id: str) -> None:
        self._stream, self._to, self._run_id = stream, to, run_id
        self._pid = os.getpid()
        self.artifacts = stream.artifacts
        # Bound here: the way of a logged value is the local one.
        self.event = stream.event
        self.point = stream.point
        self.points = stream.points
        self.exact = stream.exact

    def close(self) -> None:
        """Let the files go, and have what is in them sent."""
        self._stream.close()
        if self._pid == os.getpid():
            self._to.watch(self._run_id)
        else:  # a forked child, whose parent sends this run
            self._to.outbox.add(self._run_id)


class RemoteSink:
    """Keeps runs on a server, autotrack's or MLflow's. Nothing here waits for it but :meth:`has`, for a run that was
    not recorded on this machine."""

    def __init__(self, uri: str) -> None:
        self.address = address(uri)
        self.uri = self.address.uri
        self.local = LocalSink(settings.journal_store())
        self.uploader = uploader(Outbox(self.directory, self.address))
        self._known: dict[str, bool] = {}

    @property
    def directory(self) -> Path:
        """The local store that holds the journal."""
        return self.local.directory

    def open(self, run_id: str, first: RunCreated | Joined, time_ms: int | None = None) -> RemoteStream:
        """See :class:`~autotrack.sinks.base.Sink`."""
        self.uploader.outbox.add(run_id)  # before there is anything of it, so that nothing of it is forgotten
        stream = self.local.open(run_id, first, time_ms)
        self.uploader.watch(run_id)
        return RemoteStream(stream, self.uploader, run_id)

    def experiment(self, event: ExperimentCreated) -> None:
        """See :class:`~autotrack.sinks.base.Sink`; the server learns of it with its first run."""
        self.local.experiment(event)

    def has(self, run_id: str) -> bool:
        """See :class:`~autotrack.sinks.base.Sink`. A server that cannot be asked is taken to have it."""
        if not self.local.has(run_id) and run_id not in self._known:
            self._known[run_id] = self._asked(run_id)
        return self._known.get(run_id, True)

    def _asked(self, run_id: str) -> bool:
        from autotrack.sinks.uploads.search import is_there  # requests: only for runs of other machines
        from autotrack.wire.connection import Unavailable  # the same

        try:
            return is_there(self.address, run_id, min(_ASK_SECONDS, settings.current().query_timeout))
        except Unavailable as error:
            guard.warn(
                f"run {run_id}", f"{error.message}; run {run_id} is taken to be there, and its record waits here"
            )
            return True
