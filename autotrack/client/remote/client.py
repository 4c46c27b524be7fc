"""A client of a server."""

from __future__ import annotations

from pathlib import Path

from autotrack.client.client import Client
from autotrack.client.remote.asking import Asking
from autotrack.client.remote.audit import RemoteAudit
from autotrack.client.remote.files import RemoteFiles
from autotrack.client.remote.records import RemoteRecords
from autotrack.exceptions import AutotrackException
from autotrack.journal.process import this_process
from autotrack.sinks.open import usable_uri
from autotrack.store import Questions
from autotrack.wire.address import address


class RemoteClient(RemoteRecords, RemoteFiles, RemoteAudit, Client):
    """Asks a server, autotrack's or MLflow's, and changes what it holds: one request a verb, after what this process
    has recorded has arrived there. A server that does not answer within ``AUTOTRACK_QUERY_TIMEOUT`` seconds is an error
    that names it. Verbs that MLflow's protocol has nothing for are errors too."""

    def __init__(
        self, tracking_uri: str | Path | None = None, registry_uri: str | None = None,
        workspace_store_uri: str | None = None,  # noqa: ARG002 - MLflow's signature
    ) -> None:  # fmt: skip
        uri = str(tracking_uri or usable_uri() or "")
        Asking.__init__(self, uri)
        if registry_uri and address(registry_uri).uri != self.tracking_uri:
            raise AutotrackException.invalid(
                f"{registry_uri}: registered models are kept where runs are recorded, at {self.tracking_uri}; leave "
                "registry_uri out"
            )
        self._process, self._seen_active = this_process(), {}

    @property
    def store(self) -> Questions:
        """There is none on this machine."""
        raise AutotrackException(
            f"this verb asks a store, and there is none of {self.tracking_uri} on this machine", "NOT_IMPLEMENTED"
        )
